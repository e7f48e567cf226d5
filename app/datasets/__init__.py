"""Data sets: who was affected and which items of theirs leaked, sealed row by row.

`importing` makes one of a file, `versions` decides what publishing and rolling back do, `lookup` reads them, `verifying` holds them against their
manifest, `synthetic` makes one up.
"""

from app.datasets.canaries import Canaries, kind_of
from app.datasets.errors import (
    ImportFailed,
    InUse,
    NotNow,
    OtherPepper,
    SentinelMissing,
    SeveralPeople,
    UnknownDataSet,
    UnknownIdentifier,
    Unstretched,
)
from app.datasets.files import Confidence
from app.datasets.lookup import Found, Reading, Register
from app.datasets.models import DataSetRow, SchemeRow
from app.datasets.record import Record, Role
from app.datasets.scheme import Digester
from app.datasets.scheme import current as current_scheme
from app.datasets.servers import drop_rows, further_servers
from app.datasets.service import canaries, diff, get, holds_synthetic, list_all, people_at, publish, retire, suppress
from app.datasets.turns import Crowded, Turns
from app.datasets.versions import DataSet

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
