"""SQL of data sets, and of the tables of sealed rows: one for each data set, so that to retire one is to drop a table.

A sealed row is ``locator``, ``entry`` and ``sealed``, with the first two as its key; the table is named after the data set. On SQLite the key is
``position``, which follows from the locator: SQLite packs rows densely only under whole numbers that rise.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import fields
from functools import lru_cache
from itertools import accumulate
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from app.datasets.errors import DataSetBusy
from app.datasets.manifest import Manifest, Row
from app.datasets.models import DataSetRow, KdfParamsRow
from app.datasets.shard_ranges import range_start
from app.datasets.lifecycle import DataSet
from app.db import Reader, fetch, observe_version

_BATCH = 10_000
_LOCK_NOT_AVAILABLE = "55P03"
_EDITION = -1
"""Stands in the look-up for the place of a data set: its row is the edition."""


def partition(dataset: UUID) -> str:
    """Name the table of a data set's rows."""
    return f"sealed_{dataset.hex}"


class FixedScheme(NamedTuple):
    """Salt and cost of Argon2id, and the mark of the pepper; as `KdfParamsRow`."""

    salt: bytes
    time_cost: int
    memory_kib: int
    vouch: bytes


def scheme(session: Session) -> FixedScheme | None:
    """The deployment's scheme, once it is fixed."""
    found = fetch(session, "SELECT salt, time_cost, memory_kib, vouch FROM scheme WHERE id = 1", [])
    return FixedScheme(*found[0]) if found else None


def add_scheme(session: Session, row: KdfParamsRow) -> None:
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


def canaries(session: Session, dataset: UUID) -> bytes | None:
    """The sealed note of a data set's canaries."""
    return session.scalar(select(DataSetRow.canaries).where(DataSetRow.id == dataset))


def notes_of_canaries(session: Session) -> list[tuple[UUID, str, str, bytes]]:
    """The notes of all data sets that are not retired: id, incident, id of the store key, note."""
    columns = (DataSetRow.id, DataSetRow.incident, DataSetRow.key_id, DataSetRow.canaries)
    query = select(*columns).where(DataSetRow.canaries.is_not(None))
    return [(one, incident, key, note or b"") for one, incident, key, note in session.execute(query)]


def forget_canaries(session: Session, dataset: UUID) -> None:
    """Forget what was planted in a data set."""
    session.execute(update(DataSetRow).where(DataSetRow.id == dataset).values(canaries=None))


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


def create_partition(session: Session, dataset: UUID, number: int = 0, ranges: int = 1) -> None:
    """Make the table of a data set, or of one of its ranges on the server of that. On PostgreSQL its key is made by `copy`, after the rows.

    The order of the columns leaves no gap between them: each of 62 million rows would pay for one. A constraint holds the range: PostgreSQL
    checks nothing about a foreign partition, and a row on the wrong server would be there and never be found.
    """
    table = partition(dataset)
    if _is_sqlite(session):
        columns = "entry INTEGER NOT NULL, locator BLOB NOT NULL, sealed BLOB NOT NULL"
        session.execute(text(f"CREATE TABLE {table} (position INTEGER PRIMARY KEY, {columns})"))
    else:
        columns = "entry smallint NOT NULL, locator bytea NOT NULL, sealed bytea STORAGE EXTERNAL NOT NULL"
        held = [f"locator >= {_bound(number, ranges)}"] if number else []
        held += [f"locator < {_bound(number + 1, ranges)}"] if number + 1 < ranges else []
        check = f", CHECK ({' AND '.join(held)})" if held else ""
        session.execute(text(f"CREATE TABLE {table} ({columns}{check})"))


def link_partition(session: Session, dataset: UUID, servers: Sequence[str]) -> None:
    """Make the table of a data set whose ranges lie on *servers*, by the names that this one knows them by, in the order of the ranges."""
    table, ranges = partition(dataset), len(servers)
    columns = "entry smallint NOT NULL, locator bytea NOT NULL, sealed bytea NOT NULL"
    session.execute(text(f"CREATE TABLE {table} ({columns}) PARTITION BY RANGE (locator)"))
    bounds = ["MINVALUE", *(_bound(number, ranges) for number in range(1, ranges)), "MAXVALUE"]
    for number, server in enumerate(servers):
        between = f"FOR VALUES FROM ({bounds[number]}) TO ({bounds[number + 1]})"
        options = f"OPTIONS (table_name '{table}', fetch_size '{_BATCH}')"
        session.execute(
            text(f"CREATE FOREIGN TABLE {table}_{number} PARTITION OF {table} {between} SERVER {server} {options}")
        )


def _bound(number: int, ranges: int) -> str:
    return rf"'\x{range_start(number, ranges).hex()}'"


_SERVERS = """
SELECT s.srvname, s.srvoptions, m.umoptions FROM pg_foreign_server AS s
JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw AND w.fdwname = 'postgres_fdw'
LEFT JOIN pg_user_mappings AS m ON m.srvid = s.oid AND m.usename = current_user
WHERE s.srvname ~ '^shard_[0-9]{1,4}$' ORDER BY substr(s.srvname, 7)::int
"""


def open_shards(session: Session) -> list[tuple[str, dict[str, str] | None]]:
    """The servers over which rows are spread: each one's name here, and the options of its link and of our role's mapping, which hold a password.

    None instead of options where our role has no mapping.
    """
    if _is_sqlite(session):
        return []
    return [
        (name, None if mapping is None else dict(option.split("=", 1) for option in [*(link or ()), *mapping]))
        for name, link, mapping in session.connection().exec_driver_sql(_SERVERS)
    ]


def insert(session: Session, dataset: UUID, rows: list[Row]) -> None:
    """Put *rows*, sorted by what is stored, into a data set's table on SQLite."""
    statement = f"INSERT INTO {partition(dataset)} (position, locator, entry, sealed) VALUES (?, ?, ?, ?)"  # noqa: S608
    positions = accumulate(
        (_positions(locator)[0] for locator, _, _ in rows), lambda before, first: max(before + 1, first)
    )
    session.connection().exec_driver_sql(statement, [(at, *row) for at, row in zip(positions, rows, strict=True)])


def _positions(locator: bytes) -> tuple[int, int]:
    """Say where on SQLite the rows of a stored locator lie: behind its first 56 bits is room for 128.

    An identifier has 20 at most, and that a handful of locators agree in 56 bits does not happen.
    """
    first = int.from_bytes(locator[:7], "big") << 7
    return first, first | 0x7F


def copy(session: Session, dataset: UUID, parts: Iterable[bytes]) -> None:
    """Put parts that `encode_copy_rows` made, sorted by what is stored, into a data set's new table on PostgreSQL, and make its key.

    FREEZE, since nobody can see the table before it is whole: the rows need no second writing.
    """
    table = partition(dataset)
    session.execute(text("SET LOCAL statement_timeout = 0"))
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {table} (entry, locator, sealed) FROM STDIN (FORMAT BINARY, FREEZE)"
    try:
        with driver.cursor().copy(statement) as stream:
            stream.write(_COPY_HEADER)
            for part in parts:
                stream.write(part)
            stream.write(_COPY_END)
    except (
        connection.dialect.loaded_dbapi.Error
    ) as error:  # as SQLAlchemy's, which the unit of work takes for a failure
        raise DBAPIError(statement, None, error, hide_parameters=True) from None
    session.execute(text(f"ALTER TABLE {table} ADD PRIMARY KEY (locator, entry) WITH (fillfactor = 100)"))


def encode_copy_rows(locators: Sequence[bytes], entries: Sequence[int], sealed: Sequence[bytes]) -> bytes:
    """Write rows as PostgreSQL's binary COPY takes them: for each the number of fields, and each field behind its length."""
    before = {entry: b"\0\3\0\0\0\2%b\0\0\0\x10" % entry.to_bytes(2, "big") for entry in {*entries}}
    lengths = {length: length.to_bytes(4, "big") for length in {*map(len, sealed)}}  # few differ
    written: list[bytes] = []
    for locator, entry, one in zip(locators, entries, sealed, strict=True):
        written += (before[entry], locator, lengths[len(one)], one)
    return b"".join(written)


_COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_COPY_END = b"\xff\xff"


def drop_partition(session: Session, dataset: UUID) -> None:
    """Drop a data set's rows, where there are any.

    On PostgreSQL whoever comes to read them waits meanwhile, so it gives up soon where somebody reads for long. On SQLite every writer waits:
    what is sealed need not be written over page by page, since its key is destroyed as well.

    Raises:
        InUse: somebody does.
    """
    drop = text(f"DROP TABLE IF EXISTS {partition(dataset)}")
    if _is_sqlite(session):
        session.execute(text("PRAGMA secure_delete = OFF"))
        try:
            session.execute(drop)
        finally:
            session.execute(text("PRAGMA secure_delete = ON"))
        return
    session.execute(text("SET LOCAL lock_timeout = '1s'"))
    try:
        session.execute(drop)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise DataSetBusy(f"data set {dataset} is being read from end to end; run this again") from None
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
    is_sqlite = isinstance(session, Session) and _is_sqlite(session)  # there are no glances at SQLite
    statement = _rows_statement(tuple((dataset, len(locators)) for dataset, locators in wanted), is_sqlite)
    asked = [locator for _, locators in wanted for locator in locators]
    values = [value for one in asked for value in (*_positions(one), one)] if is_sqlite else asked
    found = fetch(session, statement, values)
    observe_version(session, found[0][1] if found and found[0][0] == _EDITION else None)
    return [(place, (locator, entry, sealed)) for place, locator, entry, sealed in found[1:]]


@lru_cache(maxsize=256)
def _rows_statement(wanted: tuple[tuple[UUID, int], ...], is_sqlite: bool) -> str:
    """Write the look-up: the same text for the same data sets and number of locators, so that PostgreSQL plans it once."""

    def where(count: int) -> str:
        if is_sqlite:
            return " OR ".join(["position BETWEEN %s AND %s AND locator = %s"] * count)
        return f"locator IN ({', '.join(['%s'] * count)})"

    parts = [
        f"SELECT {place} AS place, locator, entry, sealed FROM {partition(dataset)} WHERE {where(count)}"  # noqa: S608
        for place, (dataset, count) in enumerate(wanted)
    ]
    edition = f"SELECT {_EDITION} AS place, version AS locator, NULL AS entry, NULL AS sealed FROM catalog_version WHERE id = 1"  # noqa: S608
    return " UNION ALL ".join([*parts, edition]) + " ORDER BY place, locator, entry"


def delete_rows(session: Session, dataset: UUID, keys: Sequence[tuple[bytes, int]]) -> None:
    """Delete rows by locator and entry."""
    for locator, entry in keys:
        where, values = "locator = :locator AND entry = :entry", {"locator": locator, "entry": entry}
        if _is_sqlite(session):
            where += " AND position BETWEEN :first AND :last"
            values |= dict(zip(("first", "last"), _positions(locator), strict=True))
        session.execute(text(f"DELETE FROM {partition(dataset)} WHERE {where}"), values)  # noqa: S608


def _as_data_set(row: DataSetRow) -> DataSet:
    return DataSet(**{field.name: getattr(row, field.name) for field in fields(DataSet)})


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"
