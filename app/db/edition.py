"""What seldom changes, kept in memory for as long as the database itself says that it still stands so.

The table `edition` holds one random name. Triggers (migration 0003) give it another one in every transaction that changes an incident, a notice, a
data set or the scheme, whoever does it and however. Who finds the same name in their own snapshot may use what was read under it; nobody else may,
and nothing is kept for a time. A name is never used twice, so a database that was restored from a backup is told from what it was.
"""

from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.db.reading import Glance, Reader, fetch
from app.db.schema import Base
from app.errors import Unavailable

T = TypeVar("T")

SNAPSHOT = "snapshot"
"""In a session's `info`: that all of its statements see the same state. Those of a `Glance` see each its own, and bring the edition along."""
_NAME = "edition"


class Unsettled(Unavailable):
    """Statements that stand for themselves saw different editions, or one that nothing is remembered of: only a snapshot can answer."""


class Behind(Unavailable):
    """A replica does not stand where the primary does: what it shows may be less than there is."""


class NoEdition(Unavailable):
    """The one row of `edition` is missing, so nobody can tell whether what they remember is still so."""


class EditionRow(Base):
    """The one row."""

    __tablename__ = "edition"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    name: Mapped[bytes] = mapped_column(LargeBinary)


_QUERY = "SELECT name FROM edition WHERE id = 1"


def edition(reader: Reader) -> bytes:
    """Read the edition, once for each snapshot or glance.

    Raises:
        NoEdition: there is none.
    """
    if (known := known_edition(reader)) is not None:
        return known
    note_edition(reader, next((name for (name,) in fetch(reader, _QUERY, [])), None))
    return edition(reader)


def known_edition(reader: Reader) -> bytes | None:
    """Give the edition where it was read already."""
    name: bytes | None = reader.info.get(_NAME)
    return name


def note_edition(reader: Reader, name: bytes | None) -> None:
    """Tell a unit of work the edition that one of its statements saw; one that writes takes no notice, since it may change there.

    Raises:
        NoEdition: there is none.
        Unsettled: another statement saw another.
    """
    if name is None:
        raise NoEdition("the edition is missing")
    if reader.info.setdefault(_NAME, name) != name and isinstance(reader, Glance):
        raise Unsettled("the edition changed meanwhile")


def require_edition(reader: Reader, replica: Reader) -> None:
    """See that what was read in *replica* is of the edition that *reader* sees: then it lacks nothing that was committed with that.

    Raises:
        Behind: it is of another.
        Unsettled: the same, where a snapshot may still see that it was the primary that changed meanwhile.
        NoEdition: there is none.
    """
    if known_edition(replica) != edition(reader):
        if isinstance(reader, Glance):
            raise Unsettled("the replica shows another edition")
        raise Behind("the replica shows another edition than the primary")


class Remembered(Generic[T]):
    """Something that is read once for each edition, in a snapshot. One that writes reads it anew and leaves nothing behind."""

    def __init__(self, read: Callable[[Session], T]) -> None:
        """Know how it is read: of nothing but what the triggers watch."""
        self._read = read
        self._kept: tuple[bytes, T] | None = None

    def __call__(self, reader: Reader) -> T:
        """Give it as it stands in this snapshot, or for whoever glances.

        Raises:
            Unsettled: it is not remembered, and this is no snapshot.
            Unavailable: the database failed.
        """
        if isinstance(reader, Session) and SNAPSHOT not in reader.info:
            return self._read(reader)
        name = edition(reader)
        kept = self._kept
        if kept is None or kept[0] != name:
            if isinstance(reader, Glance):
                raise Unsettled("nothing is remembered of this edition")
            kept = self._kept = name, self._read(reader)
        return kept[1]
