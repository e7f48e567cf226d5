"""Tables of sealed rows on a PostgreSQL cluster, in plain SQL: created, filled and read without the application."""

import itertools
from typing import Any

import psycopg

from tests.support.postgres_cluster import PostgresCluster, PostgresServer

BOUNDS = (("MINVALUE", "'\\x80'", "locator < '\\x80'"), ("'\\x80'", "MAXVALUE", "locator >= '\\x80'"))
ONE_TABLE_QUERY = "SELECT 0 AS place, locator, entry, sealed FROM {0} WHERE locator IN ({1}, {2})"

_name_counter = itertools.count()


def unique_name(prefix: str) -> str:
    return f"{prefix}_{next(_name_counter)}"


def locator_on(shard: int, number: int) -> bytes:
    """Return a locator in the range of a shard."""
    return bytes([0x80 * shard]) + number.to_bytes(15)


def make_row(locator: bytes) -> tuple[int, bytes, bytes]:
    return 0, locator, b"sealed"


def copy_locators(server: PostgresServer, table: str, locators: list[bytes]) -> None:
    with server.connect() as connection, connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int2", "bytea", "bytea"])
        for locator in locators:
            copy.write_row(make_row(locator))


def create_sharded_table(postgres_cluster: PostgresCluster, table: str) -> None:
    """Create a table whose ranges are on the two shards, with 100 rows on each shard."""
    columns = "(entry smallint NOT NULL, locator bytea NOT NULL, sealed bytea NOT NULL"
    with postgres_cluster.primary.connect() as primary:
        primary.execute(f"CREATE TABLE {table} {columns}) PARTITION BY RANGE (locator)")
        for index, (shard, (low, high, check)) in enumerate(zip(postgres_cluster.shards, BOUNDS, strict=True)):
            with shard.connect() as connection:
                connection.execute(f"CREATE TABLE {table} {columns}, CHECK ({check}))")
            copy_locators(shard, table, [locator_on(index, number) for number in range(100)])
            with shard.connect() as connection:
                connection.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (locator, entry)")
            primary.execute(
                f"CREATE FOREIGN TABLE {table}_{index} PARTITION OF {table} FOR VALUES FROM ({low}) TO ({high})"
                f" SERVER shard_{index} OPTIONS (table_name '{table}')"
            )


def create_table_on_primary(postgres_cluster: PostgresCluster, *locators: bytes) -> str:
    table = unique_name("sealed")
    with postgres_cluster.primary.connect() as primary:
        primary.execute(
            f"CREATE TABLE {table} (entry smallint, locator bytea, sealed bytea, PRIMARY KEY (locator, entry))"
        )
    copy_locators(postgres_cluster.primary, table, list(locators))
    return table


def look_up(connection: psycopg.Connection[Any], table: str, *locators: bytes) -> set[bytes]:
    """Read two locators like the service does, with a prepared statement. Return the locators that were found."""
    query = ONE_TABLE_QUERY.format(table, "%s", "%s")
    return {locator for _, locator, _, _ in connection.execute(query, locators, prepare=True)}
