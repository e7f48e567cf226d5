"""What keeps an answer from being given."""

from app.errors import InvalidInput, ExposureError


class ReverificationNeeded(ExposureError):
    """The data sets cannot be read with what the session holds; proving the identifier once more mends it."""


class InvalidValue(InvalidInput):
    """What was given to be checked cannot be a value of that kind; says why, never what it was."""
