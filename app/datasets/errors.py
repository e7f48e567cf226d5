"""What can be wrong with a data set."""

from app.errors import InvalidInput, NotFound, OperationRefused, DependencyUnavailable


class UnknownDataSet(NotFound):
    """There is no data set of this id."""


class UnknownIdentifier(NotFound):
    """The identifier is in none of the incident's data sets."""


class ImportFailed(InvalidInput):
    """The file cannot be imported; nothing of it was kept."""


class PepperMismatch(DependencyUnavailable):
    """The keyholder holds another pepper than the one that everything is sealed under: its digests would find nothing."""


class WorkerDied(DependencyUnavailable):
    """A process that seals was ended from outside: out of memory, or killed."""


class AmbiguousIdentifier(InvalidInput):
    """Several people share an identifier, and it was not said which of them is meant."""


class StateConflict(OperationRefused):
    """The state of the data set, or of those beside it, does not admit this."""


class DataSetBusy(DependencyUnavailable):
    """Somebody reads a data set for long, and it cannot be dropped meanwhile without keeping everybody waiting; nothing was changed."""


class SentinelMissing(DependencyUnavailable):
    """A data set's sentinel is not there or does not open.

    An emptied partition, a stale replica, another pepper, another store key: whatever it is, "not found" would be a lie.
    """


class NoKdfParams(DependencyUnavailable):
    """No scheme is fixed yet, so no digest can be made: nothing was ever imported."""
