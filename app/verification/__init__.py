"""Verifying an identifier with a one-time code, and the session that follows."""

from app.verification.code import CODE_LENGTH, MAX_TYPED_LENGTH
from app.verification.destination import Destination, parse_destination
from app.verification.errors import (
    InvalidIdentifier,
    NotSignedIn,
    ResendTooSoon,
    TooManyIdentifiers,
    UnknownVerification,
    VerificationEnded,
)
from app.verification.models import SessionRow, VerificationRow
from app.verification.pseudonyms import Pseudonymizer
from app.verification.service import (
    MalformedCode,
    VerificationConfirmed,
    VerificationService,
    VerificationStarted,
    WrongCode,
)
from app.verification.sessions import Principal, SessionService, VerifiedIdentifier

__all__ = [
    "CODE_LENGTH",
    "MAX_TYPED_LENGTH",
    "Destination",
    "InvalidIdentifier",
    "MalformedCode",
    "NotSignedIn",
    "Principal",
    "Pseudonymizer",
    "ResendTooSoon",
    "SessionRow",
    "SessionService",
    "TooManyIdentifiers",
    "UnknownVerification",
    "VerificationConfirmed",
    "VerificationEnded",
    "VerificationRow",
    "VerificationService",
    "VerificationStarted",
    "VerifiedIdentifier",
    "WrongCode",
    "parse_destination",
]
