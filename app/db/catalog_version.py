"""What seldom changes, kept in memory for as long as the database itself says that it still stands so.

The table `read_version` holds one random name. Triggers (migration 0003) give it another one in every transaction that changes an incident, a notice, a
data set or the scheme, whoever does it and however. Who finds the same name in their own snapshot may use what was read under it; nobody else may,
and nothing is kept for a time. A name is never used twice, so a database that was restored from a backup is told from what it was.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db.readers import AutocommitReader, Reader, fetch
from app.db.base import Base
from app.errors import DependencyUnavailable

T = TypeVar("T")

SNAPSHOT = "snapshot"
"""In a session's `info`: that all of its statements see the same state. Those of a `AutocommitReader` see each its own, and bring the edition along."""
_NAME = "edition"


class SnapshotNeeded(DependencyUnavailable):
    """Statements that stand for themselves saw different editions, or one that nothing is remembered of: only a snapshot can answer."""


class ReplicaStale(DependencyUnavailable):
    """A replica does not stand where the primary does: what it shows may be less than there is."""


class CatalogVersionMissing(DependencyUnavailable):
    """The one row of `read_version` is missing, so nobody can tell whether what they remember is still so."""


class CatalogVersionRow(Base):
    """The one row."""

    __tablename__ = "edition"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[bytes] = mapped_column(LargeBinary)


_QUERY = "SELECT name FROM edition WHERE id = 1"


def read_version(reader: Reader) -> bytes:
    """Read the edition, once for each snapshot or glance.

    Raises:
        CatalogVersionMissing: there is none.
    """
    if (known := observed_version(reader)) is not None:
        return known
    observe_version(reader, next((name for (name,) in fetch(reader, _QUERY, [])), None))
    return read_version(reader)


def observed_version(reader: Reader) -> bytes | None:
    """Give the edition where it was read already."""
    name: bytes | None = reader.info.get(_NAME)
    return name


def observe_version(reader: Reader, name: bytes | None) -> None:
    """Tell a unit of work the edition that one of its statements saw; one that writes takes no notice, since it may change there.

    Raises:
        CatalogVersionMissing: there is none.
        SnapshotNeeded: another statement saw another.
    """
    if name is None:
        raise CatalogVersionMissing("the edition is missing")
    if reader.info.setdefault(_NAME, name) != name and isinstance(reader, AutocommitReader):
        raise SnapshotNeeded("the edition changed meanwhile")


def require_same_version(reader: Reader, replica: Reader) -> None:
    """See that what was read in *replica* is of the edition that *reader* sees: then it lacks nothing that was committed with that.

    Raises:
        ReplicaStale: it is of another.
        SnapshotNeeded: the same, where a snapshot may still see that it was the primary that changed meanwhile.
        CatalogVersionMissing: there is none.
    """
    if observed_version(replica) != read_version(reader):
        if isinstance(reader, AutocommitReader):
            raise SnapshotNeeded("the replica shows another edition")
        raise ReplicaStale("the replica shows another edition than the primary")


class VersionedCache(Generic[T]):
    """Something that is read once for each edition, in a snapshot. One that writes reads it anew and leaves nothing behind."""

    def __init__(self, read: Callable[[Session], T]) -> None:
        """Know how it is read: of nothing but what the triggers watch."""
        self._read = read
        self._kept: tuple[bytes, T] | None = None

    def __call__(self, reader: Reader) -> T:
        """Give it as it stands in this snapshot, or for whoever glances.

        Raises:
            SnapshotNeeded: it is not remembered, and this is no snapshot.
            DependencyUnavailable: the database failed.
        """
        if isinstance(reader, Session) and SNAPSHOT not in reader.info:
            return self._read(reader)
        name = read_version(reader)
        kept = self._kept
        if kept is None or kept[0] != name:
            if isinstance(reader, AutocommitReader):
                raise SnapshotNeeded("nothing is remembered of this edition")
            kept = self._kept = name, self._read(reader)
        return kept[1]
