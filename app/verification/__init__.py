"""Proving an identifier by a one-time code, and the session that this opens."""

from app.verification.errors import (
    InvalidIdentifier,
    NoSession,
    TooManyIdentifiers,
    TooSoon,
    UnknownVerification,
    VerificationEnded,
)
from app.verification.models import SessionRow, VerificationRow
from app.verification.service import CODE_LENGTH, Confirmed, Started, Verification, WrongCode
from app.verification.sessions import Identity, ProvenIdentifier, Sessions
from app.verification.target import Target, read_target

__all__ = [
    "CODE_LENGTH",
    "Confirmed",
    "Identity",
    "InvalidIdentifier",
    "NoSession",
    "ProvenIdentifier",
    "SessionRow",
    "Sessions",
    "Started",
    "Target",
    "TooManyIdentifiers",
    "TooSoon",
    "UnknownVerification",
    "Verification",
    "VerificationEnded",
    "VerificationRow",
    "WrongCode",
    "read_target",
]
