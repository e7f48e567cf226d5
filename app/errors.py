"""What can go wrong, in the terms of the domains.

No message here may carry an identifier, a value, a code, a token or a key: a message names a place and a reason, never what stood there.
The faces translate these to status codes, pages and exit codes; nobody else does.
"""


class ExposureError(Exception):
    """Anything that this service says of its own accord."""


class InvalidInput(ExposureError):
    """What was given cannot be taken; it names the place and changes nothing."""


class OperationRefused(ExposureError):
    """A command that would do harm as things stand; the message says what to do instead."""


class NotFound(ExposureError):
    """The thing named does not exist, or is not the asker's to see: the two answer alike."""


class DependencyUnavailable(ExposureError):
    """Something that the answer depends on failed. A failure is never an answer: say "try again", nothing else."""
