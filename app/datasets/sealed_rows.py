"""SQL of the sealed rows. Each data set has its own table, named after its id, so retiring a data set is dropping a table.

A row has the columns ``locator``, ``entry`` and ``sealed``; the first two are the primary key. On SQLite the primary key is the integer ``position``,
which is computed from the locator, because SQLite packs rows densely only if they are inserted under rising integers.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session

from app.datasets.copy_format import COPY_HEADER, COPY_TRAILER
from app.datasets.errors import DataSetBusy
from app.datasets.manifest import StoredRow
from app.datasets.shard_ranges import range_start
from app.db import Reader, fetch, observe_version

_FETCH_SIZE = 10_000
_LOCK_NOT_AVAILABLE = "55P03"
_VERSION_INDEX = -1
"""Data set index of the additional row of a look-up that holds the catalogue version."""
_READERS = """
SELECT DISTINCT r.oid, r.rolname AS role FROM pg_class AS c, aclexplode(c.relacl) AS a JOIN pg_roles AS r ON r.oid = a.grantee
WHERE c.oid = to_regclass('data_sets') AND a.privilege_type = 'SELECT' AND r.oid <> c.relowner
"""
"""The roles that were granted SELECT on the catalogue (decision 0035)."""
_EXCLUDED_READERS = f"""
SELECT role FROM ({_READERS}) AS readers WHERE NOT has_table_privilege(oid, to_regclass(:table), 'SELECT') OR EXISTS (
    SELECT FROM pg_inherits AS i JOIN pg_foreign_table AS f ON f.ftrelid = i.inhrelid
    WHERE i.inhparent = to_regclass(:table)
    AND NOT EXISTS (SELECT FROM pg_user_mappings AS m WHERE m.srvid = f.ftserver AND m.umuser IN (0, readers.oid))
) ORDER BY role
"""  # noqa: S608


def table_name(dataset: UUID) -> str:
    """Return the name of the table of a data set's rows."""
    return f"sealed_{dataset.hex}"


def create_table(db: Session, dataset: UUID, shard: int = 0, shard_count: int = 1) -> None:
    """Create the table of a data set, or of one of its shards on that server. On PostgreSQL, `copy_rows` adds the primary key afterwards.

    The column order avoids padding, which matters at 62 million rows. A CHECK constraint enforces the shard's range: PostgreSQL does not check the
    bounds of a foreign partition, and a row on the wrong server would never be found.
    """
    table = table_name(dataset)
    if _is_sqlite(db):
        columns = "entry INTEGER NOT NULL, locator BLOB NOT NULL, sealed BLOB NOT NULL"
        db.execute(text(f"CREATE TABLE {table} (position INTEGER PRIMARY KEY, {columns})"))
    else:
        columns = "entry smallint NOT NULL, locator bytea NOT NULL, sealed bytea STORAGE EXTERNAL NOT NULL"
        bounds = [f"locator >= {_bound_literal(shard, shard_count)}"] if shard else []
        bounds += [f"locator < {_bound_literal(shard + 1, shard_count)}"] if shard + 1 < shard_count else []
        check = f", CHECK ({' AND '.join(bounds)})" if bounds else ""
        db.execute(text(f"CREATE TABLE {table} ({columns}{check})"))
        _grant_to_readers(db, table)


def create_sharded_table(db: Session, dataset: UUID, servers: Sequence[str]) -> None:
    """Create the primary's partitioned table of a data set, whose partitions are foreign tables on *servers*, in the order of their ranges."""
    table, shard_count = table_name(dataset), len(servers)
    columns = "entry smallint NOT NULL, locator bytea NOT NULL, sealed bytea NOT NULL"
    db.execute(text(f"CREATE TABLE {table} ({columns}) PARTITION BY RANGE (locator)"))
    bounds = ["MINVALUE", *(_bound_literal(shard, shard_count) for shard in range(1, shard_count)), "MAXVALUE"]
    for shard, server in enumerate(servers):
        values = f"FOR VALUES FROM ({bounds[shard]}) TO ({bounds[shard + 1]})"
        options = f"OPTIONS (table_name '{table}', fetch_size '{_FETCH_SIZE}')"
        db.execute(
            text(f"CREATE FOREIGN TABLE {table}_{shard} PARTITION OF {table} {values} SERVER {server} {options}")
        )

    _grant_to_readers(db, table)


def _grant_to_readers(db: Session, table: str) -> None:
    """Let each role that may read the catalogue read *table* too. On a shard, which has no catalogue, default privileges do this."""
    for role in db.scalars(text(f"SELECT quote_ident(role) FROM ({_READERS}) AS readers")):  # noqa: S608
        db.execute(text(f"GRANT SELECT ON {table} TO {role}"))


def list_excluded_readers(db: Session, dataset: UUID) -> list[str]:
    """Return the roles that may read the catalogue but not the rows of a data set, by privilege or for lack of a user mapping for a shard."""
    if _is_sqlite(db):
        return []
    return list(db.scalars(text(_EXCLUDED_READERS), {"table": table_name(dataset)}))


def _bound_literal(shard: int, shard_count: int) -> str:
    return rf"'\x{range_start(shard, shard_count).hex()}'"


def insert_rows(db: Session, dataset: UUID, rows: list[StoredRow]) -> None:
    """Insert *rows*, sorted by stored locator, into a data set's table on SQLite."""
    statement = f"INSERT INTO {table_name(dataset)} (position, locator, entry, sealed) VALUES (?, ?, ?, ?)"  # noqa: S608
    positions = accumulate(
        (_position_range(locator)[0] for locator, _, _ in rows), lambda previous, first: max(previous + 1, first)
    )
    db.connection().exec_driver_sql(
        statement, [(position, *row) for position, row in zip(positions, rows, strict=True)]
    )


def _position_range(locator: bytes) -> tuple[int, int]:
    """Return the first and last position of the rows of a stored locator on SQLite.

    The position is the locator's first 56 bits followed by 7 bits for up to 128 rows. An identifier has at most 20 rows, and the probability that
    several locators share 56 bits is negligible.
    """
    first = int.from_bytes(locator[:7], "big") << 7
    return first, first | 0x7F


def copy_rows(db: Session, dataset: UUID, parts: Iterable[bytes]) -> None:
    """Load parts encoded by `encode_copy_rows`, sorted by stored locator, into a data set's new table on PostgreSQL, and add its primary key.

    FREEZE avoids a second write of the rows. It is allowed because the table is created in the same transaction.
    """
    table = table_name(dataset)
    db.execute(text("SET LOCAL statement_timeout = 0"))
    connection = db.connection()
    driver: Any = connection.connection.driver_connection
    statement = f"COPY {table} (entry, locator, sealed) FROM STDIN (FORMAT BINARY, FREEZE)"
    try:
        with driver.cursor().copy(statement) as stream:
            stream.write(COPY_HEADER)
            for part in parts:
                stream.write(part)
            stream.write(COPY_TRAILER)
    except (
        connection.dialect.loaded_dbapi.Error
    ) as error:  # wrapped as SQLAlchemy would, so that callers treat it alike
        raise DBAPIError(statement, None, error, hide_parameters=True) from None
    db.execute(text(f"ALTER TABLE {table} ADD PRIMARY KEY (locator, entry) WITH (fillfactor = 100)"))


def drop_table(db: Session, dataset: UUID) -> None:
    """Drop the table of a data set if it exists.

    On PostgreSQL new readers wait for the drop, so it gives up after one second if an older reader holds the table. On SQLite all writers wait, so
    the pages are not overwritten; that is not needed for ciphertext whose key is destroyed.

    Raises:
        DataSetBusy: a long-running reader holds the table.
    """
    drop = text(f"DROP TABLE IF EXISTS {table_name(dataset)}")
    if _is_sqlite(db):
        db.execute(text("PRAGMA secure_delete = OFF"))
        try:
            db.execute(drop)
        finally:
            db.execute(text("PRAGMA secure_delete = ON"))
        return
    db.execute(text("SET LOCAL lock_timeout = '1s'"))
    try:
        db.execute(drop)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) == _LOCK_NOT_AVAILABLE:
            raise DataSetBusy(f"data set {dataset} is in use by a long-running reader; run this again") from None
        raise


def iterate_rows(db: Session, dataset: UUID) -> Iterator[StoredRow]:
    """Stream all rows of a data set."""
    query = text(f"SELECT locator, entry, sealed FROM {table_name(dataset)}")  # noqa: S608
    result = db.execute(query.execution_options(yield_per=_FETCH_SIZE))
    return ((locator, entry, sealed) for locator, entry, sealed in result)


def find_rows(db: Reader, wanted: Sequence[tuple[UUID, Sequence[bytes]]]) -> list[tuple[int, StoredRow]]:
    """Read the rows at some stored locators of some data sets in one query, and observe the catalogue version.

    Args:
        db: a session or an autocommit reader.
        wanted: data sets, each with the stored locators to read.
    Returns:
        For each row the index of its data set in *wanted*, and the row.
    """
    is_sqlite = isinstance(db, Session) and _is_sqlite(db)  # SQLite has no autocommit reader
    statement = _find_rows_statement(tuple((dataset, len(locators)) for dataset, locators in wanted), is_sqlite)
    locators = [locator for _, locators in wanted for locator in locators]
    values = (
        [value for locator in locators for value in (*_position_range(locator), locator)] if is_sqlite else locators
    )
    rows = fetch(db, statement, values)
    observe_version(db, rows[0][1] if rows and rows[0][0] == _VERSION_INDEX else None)
    return [(index, (locator, entry, sealed)) for index, locator, entry, sealed in rows[1:]]


@lru_cache(maxsize=256)
def _find_rows_statement(wanted: tuple[tuple[UUID, int], ...], is_sqlite: bool) -> str:
    """Return the look-up statement. Equal data sets and locator counts give equal text, so that PostgreSQL reuses the prepared plan."""

    def condition(locator_count: int) -> str:
        if is_sqlite:
            return " OR ".join(["position BETWEEN %s AND %s AND locator = %s"] * locator_count)
        return f"locator IN ({', '.join(['%s'] * locator_count)})"

    parts = [
        f"SELECT {index} AS set_index, locator, entry, sealed FROM {table_name(dataset)} WHERE {condition(count)}"  # noqa: S608
        for index, (dataset, count) in enumerate(wanted)
    ]
    version = f"SELECT {_VERSION_INDEX} AS set_index, version AS locator, NULL AS entry, NULL AS sealed FROM catalog_version WHERE id = 1"  # noqa: S608
    return " UNION ALL ".join([*parts, version]) + " ORDER BY set_index, locator, entry"


def delete_rows(db: Session, dataset: UUID, keys: Sequence[tuple[bytes, int]]) -> None:
    """Delete rows by stored locator and entry."""
    for locator, entry in keys:
        where, values = "locator = :locator AND entry = :entry", {"locator": locator, "entry": entry}
        if _is_sqlite(db):
            where += " AND position BETWEEN :first AND :last"
            values |= dict(zip(("first", "last"), _position_range(locator), strict=True))
        db.execute(text(f"DELETE FROM {table_name(dataset)} WHERE {where}"), values)  # noqa: S608


def _is_sqlite(db: Session) -> bool:
    return db.get_bind().dialect.name == "sqlite"
