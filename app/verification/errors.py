"""Errors of verifications and sessions."""

from datetime import timedelta
from math import ceil

from app.errors import ExposureError, InvalidInput, NotFound


class InvalidIdentifier(InvalidInput):
    """The input is not a valid identifier for the channel. The message is the reason, never the input."""


class UnknownVerification(NotFound):
    """No verification has this id and client secret."""


class VerificationEnded(ExposureError):
    """The verification was used, has expired, or has no tries left."""


class NotSignedIn(ExposureError):
    """There is no session, or it is unknown or has ended."""


class TooManyIdentifiers(ExposureError):
    """The session already holds the maximum number of identifiers."""


class ResendTooSoon(ExposureError):
    """The previous code was sent too recently.

    Args:
        wait: time until another code can be sent.
    """

    def __init__(self, wait: timedelta) -> None:
        super().__init__("another code can be sent later")
        self.wait = ceil(wait.total_seconds())
        """Seconds."""
