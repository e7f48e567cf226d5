"""Proving an identifier by a one-time code, and the session that this opens."""

from app.verification.errors import (
    InvalidIdentifier,
    NoSession,
    TooManyIdentifiers,
    UnknownVerification,
    VerificationEnded,
)
from app.verification.models import SessionRow, VerificationRow
from app.verification.service import CODE_LENGTH, Confirmed, Started, Verification, WrongCode
from app.verification.sessions import Identity, ProvenIdentifier, Sessions

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
    "TooManyIdentifiers",
    "UnknownVerification",
    "Verification",
    "VerificationEnded",
    "VerificationRow",
    "WrongCode",
]
