"""The catalog version, and a cache of data that rarely changes.

The table `catalog_version` holds one random value. Triggers (migrations 0003 and 0008) replace it in every transaction that changes an incident, a
notice, a data set or the key derivation parameters, whatever program makes the change. Cached values are valid only in a snapshot with the same
version. There is no time-based expiry. A version is never reused, so a database restored from a backup invalidates the cache as well.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db.base import Base
from app.db.readers import AutocommitReader, Reader, fetch
from app.errors import DependencyUnavailable

T = TypeVar("T")

SNAPSHOT = "snapshot"
"""Key in a session's `info` that marks a snapshot transaction: all its statements see the same state."""
_VERSION = "catalog_version"
"""Key in a reader's `info` of the version that it observed."""


class SnapshotNeeded(DependencyUnavailable):
    """Autocommitted statements saw different catalog versions, or a version that is not cached: the read must be repeated in a snapshot."""


class ReplicaStale(DependencyUnavailable):
    """The replica's catalog version differs from the primary's, so rows may be missing on the replica."""


class CatalogVersionMissing(DependencyUnavailable):
    """The one row of `catalog_version` is missing, so no cached value can be validated."""


class CatalogVersionRow(Base):
    """The current catalog version: a table of one row."""

    __tablename__ = "catalog_version"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[bytes] = mapped_column(LargeBinary)


_QUERY = "SELECT version FROM catalog_version WHERE id = 1"


def read_version(reader: Reader) -> bytes:
    """Return the catalog version, querying it at most once for each reader.

    Raises:
        CatalogVersionMissing: the table is empty.
    """
    if (observed := observed_version(reader)) is not None:
        return observed
    observe_version(reader, next((version for (version,) in fetch(reader, _QUERY, [])), None))
    return read_version(reader)


def observed_version(reader: Reader) -> bytes | None:
    """Return the version that *reader* has observed, if any, without a query."""
    version: bytes | None = reader.info.get(_VERSION)
    return version


def observe_version(reader: Reader, version: bytes | None) -> None:
    """Record the version that one of the reader's statements returned.

    Only an `AutocommitReader` checks later versions against the first: within a snapshot they cannot differ, and a write transaction may change
    the version itself.

    Raises:
        CatalogVersionMissing: *version* is None.
        SnapshotNeeded: an earlier statement returned another version.
    """
    if version is None:
        raise CatalogVersionMissing("the catalog version is missing")
    if reader.info.setdefault(_VERSION, version) != version and isinstance(reader, AutocommitReader):
        raise SnapshotNeeded("the catalog version changed between two statements")


def require_same_version(reader: Reader, replica: Reader) -> None:
    """Check that *replica* and *reader* see the same version: then nothing committed with that version is missing on the replica.

    Raises:
        ReplicaStale: the versions differ.
        SnapshotNeeded: the versions differ, but *reader* is no snapshot: the primary may have changed since.
        CatalogVersionMissing: *reader* sees no version.
    """
    if observed_version(replica) != read_version(reader):
        if isinstance(reader, AutocommitReader):
            raise SnapshotNeeded("the replica has another catalog version")
        raise ReplicaStale("the replica has another catalog version than the primary")


class VersionedCache(Generic[T]):
    """Caches one value for the current catalog version.

    The value is loaded in a snapshot. A write transaction bypasses the cache, since it sees its own uncommitted changes.

    Args:
        load: reads the value, from tables that have the triggers only.
    """

    def __init__(self, load: Callable[[Session], T]) -> None:
        self._load = load
        self._entry: tuple[bytes, T] | None = None

    def __call__(self, reader: Reader) -> T:
        """Return the value as of *reader*'s state.

        Raises:
            SnapshotNeeded: the value is not cached for this version, and *reader* is no snapshot.
            DependencyUnavailable: the database failed.
        """
        if isinstance(reader, Session) and SNAPSHOT not in reader.info:
            return self._load(reader)
        version = read_version(reader)
        entry = self._entry
        if entry is None or entry[0] != version:
            if isinstance(reader, AutocommitReader):
                raise SnapshotNeeded("the value is not cached for this catalog version")
            entry = self._entry = version, self._load(reader)
        return entry[1]
