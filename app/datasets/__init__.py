"""Data sets: who was affected and which items of theirs leaked, sealed row by row.

`importing` makes one of a file, `versions` decides what publishing and rolling back do, `lookup` reads them, `verifying` holds them against their
manifest, `synthetic` makes one up.
"""

from app.datasets.canary_index import CanaryIndex, detect_identifier_kind
from app.datasets.errors import (
    ImportFailed,
    DataSetBusy,
    StateConflict,
    PepperMismatch,
    SentinelMissing,
    AmbiguousIdentifier,
    UnknownDataSet,
    UnknownIdentifier,
    NoKdfParams,
)
from app.datasets.files import Confidence
from app.datasets.sealed_store import LookupResult, DataSetLookup, SealedStore
from app.datasets.models import DataSetRow, KdfParamsRow
from app.datasets.record import Record, Role
from app.datasets.kdf_params import IdentifierHasher
from app.datasets.kdf_params import current as load_kdf_params
from app.datasets.shards import drop_shard_rows, open_shards
from app.datasets.service import canaries, diff, get, has_synthetic_data, list_all, people_at, publish, retire, suppress
from app.datasets.argon2_slots import HashingOverloaded, Argon2Slots
from app.datasets.lifecycle import DataSet

__all__ = [
    "Canaries",
    "Confidence",
    "Crowded",
    "DataSet",
    "DataSetRow",
    "Digester",
    "Found",
    "ImportFailed",
    "InUse",
    "NotNow",
    "OtherPepper",
    "Reading",
    "Record",
    "Register",
    "Role",
    "SchemeRow",
    "SentinelMissing",
    "SeveralPeople",
    "Turns",
    "UnknownDataSet",
    "UnknownIdentifier",
    "Unstretched",
    "canaries",
    "current_scheme",
    "diff",
    "drop_rows",
    "further_servers",
    "get",
    "holds_synthetic",
    "kind_of",
    "list_all",
    "people_at",
    "publish",
    "retire",
    "suppress",
]
