"""Errors of acknowledgements and receipts."""

from app.errors import ExposureError, InvalidInput, NotFound


class UnknownExposure(NotFound):
    """The session has no such exposure."""


class NoticeSuperseded(ExposureError):
    """There is a newer version of the notice, which must be read instead."""


class InvalidReceipt(InvalidInput):
    """The receipt is malformed, or its signature is invalid."""
