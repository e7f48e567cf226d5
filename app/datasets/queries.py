"""SQL of data sets, and of the tables of sealed rows: one for each data set, so that to retire one is to drop a table.

A sealed row is ``locator``, ``entry`` and ``sealed``, with the first two as its key; the table is named after the data set.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app.datasets.errors import InUse
from app.datasets.manifest import Manifest, Row
from app.datasets.models import DataSetRow, SchemeRow
from app.datasets.versions import DataSet
from app.db import Reader, fetch, note_edition

_BATCH = 10_000
_LOCK_NOT_AVAILABLE = "55P03"
_EDITION = -1
"""Stands in the look-up for the place of a data set: its row is the edition."""


def partition(dataset: UUID) -> str:
    """Name the table of a data set's rows."""
    return f"sealed_{dataset.hex}"


class FixedScheme(NamedTuple):
    """Salt and cost of Argon2id, and the mark of the pepper; as `SchemeRow`."""

    salt: bytes
    time_cost: int
    memory_kib: int
    vouch: bytes


def scheme(session: Session) -> FixedScheme | None:
    """The deployment's scheme, once it is fixed."""
    found = fetch(session, "SELECT salt, time_cost, memory_kib, vouch FROM scheme WHERE id = 1", [])
    return FixedScheme(*found[0]) if found else None


def add_scheme(session: Session, row: SchemeRow) -> None:
    """Fix the scheme."""
    session.add(row)
    session.flush()


def data_set(session: Session, dataset: UUID) -> DataSet | None:
    """Find one data set."""
    row = session.get(DataSetRow, dataset, populate_existing=True)
    return None if row is None else _as_data_set(row)


def data_sets(session: Session, incident: str | None = None) -> list[DataSet]:
    """All data sets, or those of one incident, by age."""
    query = select(DataSetRow).order_by(DataSetRow.imported_at, DataSetRow.incident, DataSetRow.version)
    if incident is not None:
        query = query.where(DataSetRow.incident == incident)
    return [_as_data_set(row) for row in session.scalars(query)]


def readable(session: Session) -> list[DataSet]:
    """The data sets that answers are read from, newest publication first within their incident."""
    query = select(DataSetRow).where(DataSetRow.state.in_(("published", "superseded")))
    return [
        _as_data_set(row) for row in session.scalars(query.order_by(DataSetRow.incident, DataSetRow.sequence.desc()))
    ]


def manifest(session: Session, dataset: UUID) -> tuple[bytes, bytes]:
    """The signed manifest of a data set that is there: its bytes and their signature."""
    row = session.execute(select(DataSetRow.manifest, DataSetRow.signature).where(DataSetRow.id == dataset)).one()
    return row.manifest, row.signature


def set_manifest(session: Session, new: Manifest, payload: bytes, signature: bytes) -> None:
    """Keep a data set's manifest after people were taken out of it."""
    session.execute(
        update(DataSetRow)
        .where(DataSetRow.id == UUID(new.dataset))
        .values(rows=new.rows, people=new.people, manifest=payload, signature=signature)
    )


def tallies(session: Session, dataset: UUID) -> bytes | None:
    """The sealed counts of a data set."""
    return session.scalar(select(DataSetRow.tallies).where(DataSetRow.id == dataset))


def any_synthetic(session: Session) -> bool:
    """Whether a data set that is not retired was made up."""
    return (session.scalar(select(func.count()).where(DataSetRow.synthetic, DataSetRow.state != "retired")) or 0) > 0


def next_version(session: Session, incident: str) -> int:
    """Number of an incident's next data set."""
    return 1 + (session.scalar(select(func.max(DataSetRow.version)).where(DataSetRow.incident == incident)) or 0)


def add_data_set(session: Session, row: DataSetRow) -> None:
    """Keep a new data set."""
    session.add(row)


def apply(session: Session, changed: Sequence[DataSet]) -> None:
    """Store what became of some data sets."""
    for one in changed:
        session.execute(
            update(DataSetRow)
            .where(DataSetRow.id == one.id)
            .values(state=one.state, published_at=one.published_at, sequence=one.sequence, beside=one.beside)
        )


def create_partition(session: Session, dataset: UUID) -> None:
    """Make the table of a data set. On PostgreSQL its key is made by `copy`, after the rows.

    The order of the columns leaves no gap between them: each of 62 million rows would pay for one.
    """
    table = partition(dataset)
    if _is_sqlite(session):
        columns = "entry INTEGER NOT NULL, locator BLOB NOT NULL, sealed BLOB NOT NULL"
        session.execute(text(f"CREATE TABLE {table} ({columns}, PRIMARY KEY (locator, entry)) WITHOUT ROWID"))
    else:
        columns = "entry smallint NOT NULL, locator bytea NOT NULL, sealed bytea STORAGE EXTERNAL NOT NULL"
        session.execute(text(f"CREATE TABLE {table} ({columns})"))


def insert(session: Session, dataset: UUID, rows: list[Row]) -> None:
    """Put *rows*, sorted by what is stored, into a data set's table on SQLite."""
    statement = f"INSERT INTO {partition(dataset)} (locator, entry, sealed) VALUES (?, ?, ?)"  # noqa: S608
    session.connection().exec_driver_sql(statement, rows)


def copy(session: Session, dataset: UUID, parts: Iterable[bytes]) -> None:
    """Put parts that `encode_copy` made, sorted by what is stored, into a data set's new table on PostgreSQL, and make its key.

    FREEZE, since nobody can see the table before it is whole: the rows need no second writing.
    """
    table = partition(dataset)
    session.execute(text("SET LOCAL statement_timeout = 0"))
    driver: Any = session.connection().connection.driver_connection
    with driver.cursor().copy(f"COPY {table} (entry, locator, sealed) FROM STDIN (FORMAT BINARY, FREEZE)") as stream:
        stream.write(_COPY_HEADER)
        for part in parts:
            stream.write(part)
        stream.write(_COPY_END)
    session.execute(text(f"ALTER TABLE {table} ADD PRIMARY KEY (locator, entry) WITH (fillfactor = 100)"))


def encode_copy(rows: Sequence[Row]) -> bytes:
    """Write rows as PostgreSQL's binary COPY takes them: for each the number of fields, and each field behind its length."""
    return b"".join(
        [
            b"\0\3\0\0\0\2%b\0\0\0\x10%b%b%b"
            % (entry.to_bytes(2, "big"), locator, len(sealed).to_bytes(4, "big"), sealed)
            for locator, entry, sealed in rows
        ]
    )


_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"


def drop_partition(session: Session, dataset: UUID) -> None:
    """Drop a data set's rows, where there are any.

    On PostgreSQL whoever comes to read them waits meanwhile, so it gives up soon where somebody reads for long.

    Raises:
        InUse: somebody does.
    """
    if not _is_sqlite(session):
        session.execute(text("SET LOCAL lock_timeout = '1s'"))
    try:
        session.execute(text(f"DROP TABLE IF EXISTS {partition(dataset)}"))
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise InUse(f"data set {dataset} is being read from end to end; run this again") from None
        raise


def rows(session: Session, dataset: UUID) -> Iterator[Row]:
    """Stream all rows of a data set."""
    query = text(f"SELECT locator, entry, sealed FROM {partition(dataset)}")  # noqa: S608
    result = session.execute(query.execution_options(yield_per=_BATCH))
    return ((locator, entry, sealed) for locator, entry, sealed in result)


def rows_at(session: Reader, wanted: Sequence[tuple[UUID, Sequence[bytes]]]) -> list[tuple[int, Row]]:
    """Read the rows at some stored locators of some data sets, in one query.

    Args:
        session: the unit of work.
        wanted: data sets, each with the stored locators to read in it.
    Returns:
        For each row the place of its data set in *wanted*, and the row.
    """
    statement = _rows_statement(tuple((dataset, len(locators)) for dataset, locators in wanted))
    found = fetch(session, statement, [locator for _, locators in wanted for locator in locators])
    note_edition(session, found[0][1] if found and found[0][0] == _EDITION else None)
    return [(place, (locator, entry, sealed)) for place, locator, entry, sealed in found[1:]]


@lru_cache(maxsize=256)
def _rows_statement(wanted: tuple[tuple[UUID, int], ...]) -> str:
    """Write the look-up: the same text for the same data sets and number of locators, so that PostgreSQL plans it once."""
    parts = [
        f"SELECT {place} AS place, locator, entry, sealed FROM {partition(dataset)} "  # noqa: S608
        f"WHERE locator IN ({', '.join(['%s'] * count)})"
        for place, (dataset, count) in enumerate(wanted)
    ]
    edition = f"SELECT {_EDITION} AS place, name AS locator, NULL AS entry, NULL AS sealed FROM edition WHERE id = 1"  # noqa: S608
    return " UNION ALL ".join([*parts, edition]) + " ORDER BY place, locator, entry"


def delete_rows(session: Session, dataset: UUID, keys: Sequence[tuple[bytes, int]]) -> None:
    """Delete rows by locator and entry."""
    for locator, entry in keys:
        session.execute(
            text(f"DELETE FROM {partition(dataset)} WHERE locator = :locator AND entry = :entry"),  # noqa: S608
            {"locator": locator, "entry": entry},
        )


def _as_data_set(row: DataSetRow) -> DataSet:
    return DataSet(**{field.name: getattr(row, field.name) for field in fields(DataSet)})


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
