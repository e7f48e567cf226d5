"""What several PostgreSQL servers do for a look-up, in plain SQL: which server is asked, what a failure looks like, what a replica shows.

The rule of the house is that a failure is never an answer. So each way in which a server can be gone, slow or behind must end in an error, or in
something that a sentinel catches.
"""

import itertools
import re
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors

from tests.support.postgres_cluster import FOREIGN, REPLICATION, SERVICE, SHARD, PostgresCluster, PostgresServer

GUIDE = (Path(__file__).parents[2] / "docs" / "many-servers.md").read_text(encoding="utf-8")
BOUNDS = (("MINVALUE", "'\\x80'", "locator < '\\x80'"), ("'\\x80'", "MAXVALUE", "locator >= '\\x80'"))
ONE = "SELECT 0 AS place, locator, entry, sealed FROM {0} WHERE locator IN ({1}, {2})"
IN = (
    ONE
    + " UNION ALL SELECT 1 AS place, locator, entry, sealed FROM {0}_later WHERE locator IN ({1}, {2}) ORDER BY place, locator, entry"
)
ANY = "SELECT 0 AS place, locator, entry, sealed FROM {0} WHERE locator = ANY({1}) ORDER BY place, locator, entry"

_numbers = itertools.count()


def at(server: int, number: int) -> bytes:
    """A locator in the range of a server."""
    return bytes([0x80 * server]) + number.to_bytes(15)


def row(locator: bytes) -> tuple[int, bytes, bytes]:
    return 0, locator, b"sealed"


def load(server: PostgresServer, table: str, locators: list[bytes]) -> None:
    with server.connect() as connection, connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types(["int2", "bytea", "bytea"])
        for locator in locators:
            copy.write_row(row(locator))


def spread(servers: PostgresCluster, table: str) -> None:
    """Range a data set over the two further servers, each loaded straight with 100 rows."""
    columns = "(entry smallint NOT NULL, locator bytea NOT NULL, sealed bytea NOT NULL"
    with servers.primary.connect() as primary:
        primary.execute(f"CREATE TABLE {table} {columns}) PARTITION BY RANGE (locator)")
        for number, (shard, (low, high, check)) in enumerate(zip(servers.shards, BOUNDS, strict=True)):
            with shard.connect() as connection:
                connection.execute(f"CREATE TABLE {table} {columns}, CHECK ({check}))")
            load(shard, table, [at(number, of) for of in range(100)])
            with shard.connect() as connection:
                connection.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (locator, entry)")
            primary.execute(
                f"CREATE FOREIGN TABLE {table}_{number} PARTITION OF {table} FOR VALUES FROM ({low}) TO ({high})"
                f" SERVER shard_{number} OPTIONS (table_name '{table}')"
            )


@pytest.fixture
def table(servers: PostgresCluster) -> str:
    """A data set on two servers, and a later one beside it."""
    name = f"sealed_{next(_numbers)}"
    spread(servers, name)
    spread(servers, f"{name}_later")
    return name


@pytest.fixture
def primary(servers: PostgresCluster) -> Iterator[psycopg.Connection]:
    with servers.primary.connect() as connection:
        yield connection


def look_up(connection: psycopg.Connection, table: str, *locators: bytes) -> set[bytes]:
    """Read two locators as the service does, by a statement that the server keeps prepared."""
    query = ONE.format(table, "%s", "%s")
    return {locator for _, locator, _, _ in connection.execute(query, locators, prepare=True)}


def plan(connection: psycopg.Connection, query: str, values: list[str], mode: str) -> str:
    connection.execute(f"SET plan_cache_mode = {mode}")
    connection.execute(f"PREPARE asked AS {query}")
    lines = connection.execute(f"EXPLAIN (VERBOSE, COSTS OFF) EXECUTE asked ({', '.join(values)})").fetchall()
    connection.execute("DEALLOCATE asked")
    return "\n".join(line for (line,) in lines)


def asked(shown: str) -> set[str]:
    """The foreign partitions that a plan reads."""
    return set(re.findall(r"Foreign Scan on public\.(\w+)", shown))


def literal(locator: bytes) -> str:
    return f"'\\x{locator.hex()}'"


# --- which server is asked ---


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_only_the_server_that_holds_the_range_is_asked_and_it_does_the_search(
    primary: psycopg.Connection, table: str, mode: str
) -> None:
    for holder in (0, 1):
        there = [literal(at(holder, number)) for number in (1, 2)]
        shown = plan(primary, IN.format(table, "$1", "$2"), there, mode)
        assert asked(shown) == {f"{table}_{holder}", f"{table}_later_{holder}"}
        assert len(re.findall(r"Remote SQL: .* WHERE \(\(locator = ANY \(", shown)) == 2
        assert "Filter" not in shown
        assert ("Subplans Removed: 1" in shown) == (mode == "force_generic_plan")


def test_only_the_server_that_holds_the_range_is_asked_when_the_locators_are_written_out(
    primary: psycopg.Connection, table: str
) -> None:
    query = IN.format(table, literal(at(1, 1)), literal(at(1, 2)))
    shown = "\n".join(line for (line,) in primary.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {query}"))
    assert asked(shown) == {f"{table}_1", f"{table}_later_1"}


def test_an_array_as_parameter_asks_every_server_once_the_plan_is_kept(primary: psycopg.Connection, table: str) -> None:
    """Why the service writes ``IN ($1, $2)``: PostgreSQL prunes by the elements of a list, not by an array that is still a parameter."""
    values = [f"ARRAY[{literal(at(0, 1))}, {literal(at(0, 2))}]::bytea[]"]
    query = ANY.format(table, "$1")
    assert asked(plan(primary, query, values, "force_custom_plan")) == {f"{table}_0"}
    assert asked(plan(primary, query, values, "force_generic_plan")) == {f"{table}_0", f"{table}_1"}


def test_what_a_look_up_costs(primary: psycopg.Connection, servers: PostgresCluster, table: str) -> None:
    """Shown by ``pytest -s``; no figure is demanded."""
    with servers.shards[0].connect() as shard:
        for label, connection, wanted in (
            ("straight from its server", shard, (at(0, 1), at(0, 2))),
            ("through the primary", primary, (at(0, 1), at(0, 2))),
            ("through the primary, on both servers", primary, (at(0, 1), at(1, 1))),
        ):
            took = []
            for _ in range(300):
                started = time.perf_counter()
                assert look_up(connection, table, *wanted) == set(wanted)
                took.append(time.perf_counter() - started)
            print(f"{label}: {statistics.median(took) * 1000:.2f} ms")  # noqa: T201


# --- loading and dropping ---


def test_a_server_refuses_rows_of_another_range(primary: psycopg.Connection, servers: PostgresCluster, table: str) -> None:
    """PostgreSQL checks no bound on a foreign partition: without the constraint on its server such a row would be there and never be found."""
    astray = at(1, 999)
    with pytest.raises(errors.CheckViolation):
        load(servers.shards[0], table, [astray])
    with servers.shards[0].connect() as shard:
        shard.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_locator_check")
    load(servers.shards[0], table, [astray])
    assert look_up(primary, table, astray, at(1, 1)) == {at(1, 1)}


def test_the_key_lies_on_each_server_only(primary: psycopg.Connection, table: str) -> None:
    with pytest.raises(errors.WrongObjectType):
        primary.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (locator, entry)")


def test_a_row_is_deleted_on_its_server(primary: psycopg.Connection, servers: PostgresCluster, table: str) -> None:
    statement = f"DELETE FROM {table} WHERE locator = $1 AND entry = $2"
    shown = plan(primary, statement, [literal(at(1, 1)), "0::smallint"], "force_generic_plan")
    assert "Remote SQL: DELETE FROM public." in shown
    assert primary.execute(f"DELETE FROM {table} WHERE locator = %s AND entry = 0", [at(1, 1)]).rowcount == 1
    with servers.shards[1].connect() as shard:
        assert look_up(shard, table, at(1, 1), at(1, 2)) == {at(1, 2)}


def test_dropping_it_on_the_primary_leaves_the_rows_on_their_servers(
    primary: psycopg.Connection, servers: PostgresCluster, table: str
) -> None:
    """To retire a data set is to drop its table on each server too; TRUNCATE, unlike DROP, goes through."""
    primary.execute(f"DROP TABLE {table}")
    primary.execute(f"TRUNCATE {table}_later")
    with servers.shards[0].connect() as shard:
        assert look_up(shard, table, at(0, 1), at(0, 2)) == {at(0, 1), at(0, 2)}
        assert look_up(shard, f"{table}_later", at(0, 1), at(0, 2)) == set()


# --- failures ---


def test_a_dead_server_is_an_error_at_once_and_no_more_once_it_is_back(
    primary: psycopg.Connection, servers: PostgresCluster, table: str
) -> None:
    wanted = (at(0, 1), at(1, 1))
    for _ in range(10):
        assert look_up(primary, table, *wanted) == set(wanted)
    servers.shards[1].stop("immediate")
    try:
        started = time.monotonic()
        for _ in range(2):
            with pytest.raises(psycopg.OperationalError):
                look_up(primary, table, *wanted)
        assert time.monotonic() - started < 2
        assert look_up(primary, table, at(0, 1), at(0, 2)) == {at(0, 1), at(0, 2)}
    finally:
        servers.shards[1].start()
    assert look_up(primary, table, *wanted) == set(wanted)


def test_a_server_that_dies_before_the_transaction_ends_fails_its_end(servers: PostgresCluster, table: str) -> None:
    """Even ROLLBACK fails, and the transaction is still open: whoever keeps connections must throw this one away, or roll back once more."""
    with servers.primary.connect(autocommit=False) as connection:
        look_up(connection, table, at(0, 1), at(1, 1))
        servers.shards[1].stop("immediate")
        try:
            with pytest.raises(psycopg.OperationalError):
                connection.rollback()
            assert connection.info.transaction_status.name == "INERROR"
            connection.rollback()
        finally:
            servers.shards[1].start()
        assert look_up(connection, table, at(0, 1), at(1, 1)) == {at(0, 1), at(1, 1)}


def test_a_server_that_does_not_answer_is_an_error_when_the_time_is_up(
    primary: psycopg.Connection, servers: PostgresCluster, table: str
) -> None:
    primary.execute("SET statement_timeout = 300")
    with servers.shards[0].connect(autocommit=False) as holding:
        holding.execute(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(errors.QueryCanceled):
            look_up(primary, table, at(0, 1), at(0, 2))
    assert look_up(primary, table, at(0, 1), at(0, 2)) == {at(0, 1), at(0, 2)}


def test_a_server_ends_by_itself_what_the_primary_forgot(primary: psycopg.Connection, servers: PostgresCluster) -> None:
    """The service's own ``statement_timeout`` is not handed on; the option of CREATE SERVER is."""
    name = f"shown_{next(_numbers)}"
    with servers.shards[0].connect() as shard:
        shard.execute(f"CREATE VIEW {name} AS SELECT current_setting('statement_timeout') AS value")
    primary.execute(f"CREATE FOREIGN TABLE {name} (value text) SERVER shard_0")
    assert primary.execute(f"SELECT value FROM {name}").fetchone() == ("8s",)


def test_a_table_that_is_gone_from_its_server_is_an_error(
    primary: psycopg.Connection, servers: PostgresCluster, table: str
) -> None:
    with servers.shards[1].connect() as shard:
        shard.execute(f"DROP TABLE {table}")
    with pytest.raises(errors.UndefinedTable):
        look_up(primary, table, at(0, 1), at(1, 1))


def test_exchanged_servers_show_nothing(primary: psycopg.Connection, servers: PostgresCluster, table: str) -> None:
    """PostgreSQL does not notice, so a look-up needs the sentinel of each range that it reads. A kept statement follows a server at once."""
    wanted = (at(0, 1), at(0, 2))
    assert look_up(primary, table, *wanted) == set(wanted)
    for holders, found in ((servers.shards[::-1], set()), (servers.shards, set(wanted))):
        for number, shard in enumerate(holders):
            servers.primary.run_as_superuser(f"ALTER SERVER shard_{number} OPTIONS (SET host '{shard.folder}')")
        assert look_up(primary, table, *wanted) == found


def test_each_server_shows_its_state_of_when_it_is_first_asked(servers: PostgresCluster, table: str) -> None:
    """One transaction is one snapshot of each server, not of all together."""
    with servers.primary.connect(autocommit=False) as connection, servers.shards[0].connect() as shard:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT 1")
        shard.execute(f"DELETE FROM {table} WHERE locator = %s", [at(0, 1)])
        assert look_up(connection, table, at(0, 1), at(0, 2)) == {at(0, 2)}
        shard.execute(f"DELETE FROM {table} WHERE locator = %s", [at(0, 2)])
        assert look_up(connection, table, at(0, 1), at(0, 2)) == {at(0, 2)}


# --- the replica ---


def test_what_is_committed_comes_over_to_the_replica(servers: PostgresCluster) -> None:
    table = _own_table(servers, at(0, 1))
    servers.catch_up()
    with servers.replica.connect() as replica:
        assert look_up(replica, table, at(0, 1), at(0, 2)) == {at(0, 1)}
        with pytest.raises(errors.ReadOnlySqlTransaction):
            replica.execute(f"DELETE FROM {table}")


def test_a_stale_replica_has_no_new_table_and_lacks_new_rows_of_an_old_one(servers: PostgresCluster) -> None:
    """The first is an error by itself. The second is an empty result and looks like "nobody": what a sentinel is for."""
    old = _own_table(servers, at(0, 1))
    with servers.stale_replica():
        new = _own_table(servers, at(0, 1))
        load(servers.primary, old, [at(0, 2)])
        with servers.replica.connect() as replica:
            with pytest.raises(errors.UndefinedTable):
                look_up(replica, new, at(0, 1), at(0, 2))
            assert look_up(replica, old, at(0, 1), at(0, 2)) == {at(0, 1)}
    with servers.replica.connect() as replica:
        assert look_up(replica, new, at(0, 1), at(0, 2)) == {at(0, 1)}
        assert look_up(replica, old, at(0, 1), at(0, 2)) == {at(0, 1), at(0, 2)}


def test_the_replica_reads_the_further_servers_too(servers: PostgresCluster, table: str) -> None:
    servers.catch_up()
    with servers.replica.connect() as replica, replica.transaction():
        replica.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        assert look_up(replica, table, at(0, 1), at(1, 1)) == {at(0, 1), at(1, 1)}


def test_a_dead_replica_is_an_error(servers: PostgresCluster) -> None:
    servers.replica.stop("immediate")
    try:
        with pytest.raises(psycopg.OperationalError):
            servers.replica.connect()
    finally:
        servers.replica.start()


# --- the guide ---


def test_the_guide_says_what_these_servers_were_set_up_with() -> None:
    for statements in (SERVICE, REPLICATION, FOREIGN, SHARD):
        assert statements.format(password="…", name="shard_0", host="10.0.0.20") in GUIDE


def _own_table(servers: PostgresCluster, *locators: bytes) -> str:
    table = f"sealed_{next(_numbers)}"
    with servers.primary.connect() as primary:
        primary.execute(
            f"CREATE TABLE {table} (entry smallint, locator bytea, sealed bytea, PRIMARY KEY (locator, entry))"
        )
    load(servers.primary, table, list(locators))
    return table
