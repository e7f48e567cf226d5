"""Proving an identifier by a one-time code, and the session that this opens."""

from app.verification.errors import (
    InvalidIdentifier,
    NotSignedIn,
    TooManyIdentifiers,
    ResendTooSoon,
    UnknownVerification,
    VerificationEnded,
)
from app.verification.models import SessionRow, VerificationRow
from app.verification.service import CODE_LENGTH, VerificationConfirmed, VerificationStarted, VerificationService, WrongCode
from app.verification.sessions import Principal, VerifiedIdentifier, SessionService
from app.verification.destination import Destination, parse_destination

__all__ = [
    "CODE_LENGTH",
    "Confirmed",
    "Identity",
    "InvalidIdentifier",
    "NotSignedIn",
    "VerifiedIdentifier",
    "SessionRow",
    "Sessions",
    "Started",
    "Target",
    "TooManyIdentifiers",
    "ResendTooSoon",
    "UnknownVerification",
    "Verification",
    "VerificationEnded",
    "VerificationRow",
    "WrongCode",
    "read_target",
]
