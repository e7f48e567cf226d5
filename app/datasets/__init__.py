"""Data sets: who was affected by an incident and which items leaked, sealed row by row.

`importing` imports a file, `lifecycle` decides about publishing and rolling back, `sealed_store` looks people up, `suppression` removes a person,
`integrity` checks a data set against its signed manifest, `synthetic` generates test data.
"""

from app.datasets.argon2_slots import Argon2Slots, HashingOverloaded
from app.datasets.canary_index import CanaryIndex, detect_identifier_kind
from app.datasets.errors import (
    AmbiguousIdentifier,
    DataSetBusy,
    ImportFailed,
    NoKdfParams,
    PepperMismatch,
    SentinelMissing,
    StateConflict,
    UnknownDataSet,
    UnknownIdentifier,
)
from app.datasets.kdf_params import IdentifierHasher
from app.datasets.kdf_params import load_params as load_kdf_params
from app.datasets.lifecycle import DataSet
from app.datasets.models import DataSetRow, KdfParamsRow
from app.datasets.record import Record, Role
from app.datasets.sealed_store import DataSetLookup, LookupResult, SealedStore
from app.datasets.service import diff, get, has_synthetic_data, list_all, list_canaries, publish, retire
from app.datasets.shards import drop_shard_rows, open_shards
from app.datasets.suppression import find_people, suppress
from app.source_files import Confidence

__all__ = [
    "AmbiguousIdentifier",
    "Argon2Slots",
    "CanaryIndex",
    "Confidence",
    "DataSet",
    "DataSetBusy",
    "DataSetLookup",
    "DataSetRow",
    "HashingOverloaded",
    "IdentifierHasher",
    "ImportFailed",
    "KdfParamsRow",
    "LookupResult",
    "NoKdfParams",
    "PepperMismatch",
    "Record",
    "Role",
    "SealedStore",
    "SentinelMissing",
    "StateConflict",
    "UnknownDataSet",
    "UnknownIdentifier",
    "detect_identifier_kind",
    "diff",
    "drop_shard_rows",
    "find_people",
    "get",
    "has_synthetic_data",
    "list_all",
    "list_canaries",
    "load_kdf_params",
    "open_shards",
    "publish",
    "retire",
    "suppress",
]
