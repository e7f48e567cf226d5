"""What can go wrong with an acknowledgement or its receipt."""

from app.errors import InvalidInput, ExposureError, NotFound


class UnknownExposure(NotFound):
    """The exposure is none of this session's."""


class NoticeSuperseded(ExposureError):
    """There is a newer notice; that one is to be read."""


class InvalidReceipt(InvalidInput):
    """A receipt that does not hold."""
