"""Base classes of all errors that the domains raise.

No message may contain an identifier, a value, a code, a token or a key: it names a place and a reason, never the content.
Only the interfaces translate errors to status codes, pages and exit codes.
"""


class ExposureError(Exception):
    """Base class of this application's errors."""


class InvalidInput(ExposureError):
    """The input is invalid. The message names the place; nothing was changed."""


class OperationRefused(ExposureError):
    """The operation would do harm in the current state. The message says what to do instead."""


class NotFound(ExposureError):
    """The object does not exist or belongs to somebody else. Both cases get the same response."""


class DependencyUnavailable(ExposureError):
    """Something that the answer depends on failed. The response only says to try again: a failure is never an answer."""
