"""Errors of exposure reports and value checks."""

from app.errors import ExposureError, InvalidInput


class ReverificationNeeded(ExposureError):
    """The session cannot read the data sets: an identifier was verified before the first import. Verifying it again resolves this."""


class InvalidValue(InvalidInput):
    """The value is invalid for its kind. The message is the reason, never the value."""
