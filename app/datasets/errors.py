"""Errors of data sets."""

from app.errors import DependencyUnavailable, InvalidInput, NotFound, OperationRefused


class UnknownDataSet(NotFound):
    """No data set has this id."""


class UnknownIdentifier(NotFound):
    """No data set of the incident contains the identifier, or too many people share it."""


class ImportFailed(InvalidInput):
    """The file cannot be imported. Nothing was stored."""


class PepperMismatch(DependencyUnavailable):
    """The keyholder holds a different pepper than at the first import, so its digests would find nothing."""


class WorkerDied(DependencyUnavailable):
    """A worker process of an import was killed, for instance for lack of memory."""


class AmbiguousIdentifier(InvalidInput):
    """Several people share the identifier, and no entry was selected."""


class StateConflict(OperationRefused):
    """The state of the data set, or of a related one, does not allow the operation."""


class StillNeeded(OperationRefused):
    """A data set of the catalogue needs what was to be destroyed. Nothing was changed."""


class DataSetBusy(DependencyUnavailable):
    """A long-running reader holds the data set, and waiting for it would block other readers. Nothing was changed."""


class SentinelMissing(DependencyUnavailable):
    """The sentinel row of a data set is missing or cannot be decrypted.

    Possible causes: an emptied table, a stale replica, a wrong pepper, a wrong store key. "Not found" would be a false answer.
    """


class CatalogInvalid(DependencyUnavailable):
    """The catalogue does not agree with its signature. The message names incidents, notices and data sets, and no content."""


class NoKdfParams(DependencyUnavailable):
    """No KDF parameters are stored because nothing was ever imported, so no digest can be computed."""
