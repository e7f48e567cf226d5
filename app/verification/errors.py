"""What can go wrong while an identifier is proven."""

from datetime import timedelta
from math import ceil

from app.errors import InvalidInput, ExposureError, NotFound


class InvalidIdentifier(InvalidInput):
    """What was given cannot be an identifier of that channel; says why, never what it was."""


class UnknownVerification(NotFound):
    """No such verification, or not with this client secret."""


class VerificationEnded(ExposureError):
    """The verification was used, has expired, or is out of tries."""


class NotSignedIn(ExposureError):
    """No session, an unknown one, or one that has ended."""


class TooManyIdentifiers(ExposureError):
    """The session holds as many identifiers as it may."""


class ResendTooSoon(ExposureError):
    """The last code has only just been sent."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__("another code can be sent later")
        self.wait = ceil(wait.total_seconds())
        """Seconds."""
