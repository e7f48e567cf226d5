"""Failures of PostgreSQL shards, and what a replica shows, in plain SQL.

The service must never turn a failure into an answer. Each way in which a server can be down, slow or stale must end in an error, or in missing
rows that a sentinel detects.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.datasets.postgres_tables import (
    copy_locators,
    create_sharded_table,
    create_table_on_primary,
    locator_on,
    look_up,
    unique_name,
)
from tests.support.postgres_cluster import (
    POSTGRES_FDW_SQL,
    REPLICATION_ROLE_SQL,
    SERVER_ROLE_SQL,
    SERVICE_ROLE_SQL,
    SHARD_PRIVILEGES_SQL,
    SHARD_SQL,
    PostgresCluster,
    PostgresServer,
)

pytestmark = pytest.mark.fleet

GUIDE = (Path(__file__).parents[2] / "docs" / "many-servers.md").read_text(encoding="utf-8")


@pytest.fixture
def table(postgres_cluster: PostgresCluster) -> str:
    """Name of a table with its rows on two shards."""
    name = unique_name("sealed")
    create_sharded_table(postgres_cluster, name)
    return name


@pytest.fixture
def primary(postgres_cluster: PostgresCluster) -> Iterator[psycopg.Connection[Any]]:
    with postgres_cluster.primary.connect() as connection:
        yield connection


def test_a_dead_shard_fails_at_once_and_recovers(
    primary: psycopg.Connection[Any], postgres_cluster: PostgresCluster, table: str
) -> None:
    wanted = (locator_on(0, 1), locator_on(1, 1))
    for _ in range(10):
        assert look_up(primary, table, *wanted) == set(wanted)
    postgres_cluster.shards[1].stop("immediate")
    try:
        started = time.monotonic()
        for _ in range(2):
            with pytest.raises(psycopg.OperationalError):
                look_up(primary, table, *wanted)
        assert time.monotonic() - started < 2
        assert look_up(primary, table, locator_on(0, 1), locator_on(0, 2)) == {locator_on(0, 1), locator_on(0, 2)}
    finally:
        postgres_cluster.shards[1].start()
    assert look_up(primary, table, *wanted) == set(wanted)


def test_a_shard_that_dies_within_a_transaction_fails_the_rollback(
    postgres_cluster: PostgresCluster, table: str
) -> None:
    """Even ROLLBACK fails and the transaction stays open. A connection pool must close the connection or roll back again."""
    with postgres_cluster.primary.connect(autocommit=False) as connection:
        look_up(connection, table, locator_on(0, 1), locator_on(1, 1))
        postgres_cluster.shards[1].stop("immediate")
        try:
            with pytest.raises(psycopg.OperationalError):
                connection.rollback()
            assert connection.info.transaction_status.name == "INERROR"
            connection.rollback()
        finally:
            postgres_cluster.shards[1].start()
        assert look_up(connection, table, locator_on(0, 1), locator_on(1, 1)) == {locator_on(0, 1), locator_on(1, 1)}


def test_a_blocked_shard_fails_after_the_statement_timeout(
    primary: psycopg.Connection[Any], postgres_cluster: PostgresCluster, table: str
) -> None:
    primary.execute("SET statement_timeout = 300")
    with postgres_cluster.shards[0].connect(autocommit=False) as locking_connection:
        locking_connection.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(errors.QueryCanceled):
            look_up(primary, table, locator_on(0, 1), locator_on(0, 2))
    assert look_up(primary, table, locator_on(0, 1), locator_on(0, 2)) == {locator_on(0, 1), locator_on(0, 2)}


def test_shards_have_their_own_statement_timeout(
    primary: psycopg.Connection[Any], postgres_cluster: PostgresCluster
) -> None:
    """The service's ``statement_timeout`` is not passed to the shard; the option of CREATE SERVER is."""
    name = unique_name("setting")
    with postgres_cluster.shards[0].connect() as shard:
        shard.execute(f"CREATE VIEW {name} AS SELECT current_setting('statement_timeout') AS value")
    primary.execute(f"CREATE FOREIGN TABLE {name} (value text) SERVER shard_0")
    assert primary.execute(f"SELECT value FROM {name}").fetchone() == ("8s",)


def test_a_missing_table_on_a_shard_is_an_error(
    primary: psycopg.Connection[Any], postgres_cluster: PostgresCluster, table: str
) -> None:
    with postgres_cluster.shards[1].connect() as shard:
        shard.execute(f"DROP TABLE {table}")
    with pytest.raises(errors.UndefinedTable):
        look_up(primary, table, locator_on(0, 1), locator_on(1, 1))


def test_swapped_shards_return_no_rows(
    primary: psycopg.Connection[Any], postgres_cluster: PostgresCluster, table: str
) -> None:
    """PostgreSQL does not notice, so a look-up needs the sentinel of each shard. Prepared statements follow a changed address at once."""
    wanted = (locator_on(0, 1), locator_on(0, 2))
    assert look_up(primary, table, *wanted) == set(wanted)
    expectations: list[tuple[tuple[PostgresServer, ...], set[bytes]]] = [
        (postgres_cluster.shards[::-1], set()),
        (postgres_cluster.shards, set(wanted)),
    ]
    for shards, expected in expectations:
        for index, shard in enumerate(shards):
            postgres_cluster.primary.run_as_superuser(f"ALTER SERVER shard_{index} OPTIONS (SET host '{shard.folder}')")
        assert look_up(primary, table, *wanted) == expected


def test_each_shard_takes_its_snapshot_when_first_asked(postgres_cluster: PostgresCluster, table: str) -> None:
    """A transaction has one snapshot of each server, not one of all servers."""
    with (
        postgres_cluster.primary.connect(autocommit=False) as connection,
        postgres_cluster.shards[0].connect() as shard,
    ):
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT 1")
        shard.execute(f"DELETE FROM {table} WHERE locator = %s", [locator_on(0, 1)])
        assert look_up(connection, table, locator_on(0, 1), locator_on(0, 2)) == {locator_on(0, 2)}
        shard.execute(f"DELETE FROM {table} WHERE locator = %s", [locator_on(0, 2)])
        assert look_up(connection, table, locator_on(0, 1), locator_on(0, 2)) == {locator_on(0, 2)}


def test_commits_reach_the_replica(postgres_cluster: PostgresCluster) -> None:
    table = create_table_on_primary(postgres_cluster, locator_on(0, 1))
    postgres_cluster.wait_for_replica()
    with postgres_cluster.replica.connect() as replica:
        assert look_up(replica, table, locator_on(0, 1), locator_on(0, 2)) == {locator_on(0, 1)}
        with pytest.raises(errors.ReadOnlySqlTransaction):
            replica.execute(f"DELETE FROM {table}")


def test_a_stale_replica_lacks_new_tables_and_new_rows(postgres_cluster: PostgresCluster) -> None:
    """A missing table is an error. Missing rows look like "not found", which is why there are sentinels."""
    old = create_table_on_primary(postgres_cluster, locator_on(0, 1))
    with postgres_cluster.paused_replica():
        new = create_table_on_primary(postgres_cluster, locator_on(0, 1))
        copy_locators(postgres_cluster.primary, old, [locator_on(0, 2)])
        with postgres_cluster.replica.connect() as replica:
            with pytest.raises(errors.UndefinedTable):
                look_up(replica, new, locator_on(0, 1), locator_on(0, 2))
            assert look_up(replica, old, locator_on(0, 1), locator_on(0, 2)) == {locator_on(0, 1)}
    with postgres_cluster.replica.connect() as replica:
        assert look_up(replica, new, locator_on(0, 1), locator_on(0, 2)) == {locator_on(0, 1)}
        assert look_up(replica, old, locator_on(0, 1), locator_on(0, 2)) == {locator_on(0, 1), locator_on(0, 2)}


def test_the_replica_reads_the_shards(postgres_cluster: PostgresCluster, table: str) -> None:
    postgres_cluster.wait_for_replica()
    with postgres_cluster.replica.connect() as replica, replica.transaction():
        replica.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert look_up(replica, table, locator_on(0, 1), locator_on(1, 1)) == {locator_on(0, 1), locator_on(1, 1)}


def test_a_stopped_replica_refuses_connections(postgres_cluster: PostgresCluster) -> None:
    postgres_cluster.replica.stop("immediate")
    try:
        with pytest.raises(psycopg.OperationalError):
            postgres_cluster.replica.connect()
    finally:
        postgres_cluster.replica.start()


def test_guide_contains_the_setup_statements() -> None:
    for statements in (
        SERVICE_ROLE_SQL,
        SERVER_ROLE_SQL,
        SHARD_PRIVILEGES_SQL,
        REPLICATION_ROLE_SQL,
        POSTGRES_FDW_SQL,
        SHARD_SQL,
    ):
        assert statements.format(password="…", name="shard_0", host="10.0.0.20") in GUIDE
