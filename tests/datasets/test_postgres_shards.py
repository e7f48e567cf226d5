"""Behaviour of PostgreSQL shards that the service relies on, in plain SQL: which shard is asked, loading, deleting, dropping."""

import re
import statistics
import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg import errors

from tests.datasets.postgres_tables import (
    ONE_TABLE_QUERY,
    copy_locators,
    create_sharded_table,
    locator_on,
    look_up,
    unique_name,
)
from tests.support.postgres_cluster import PostgresCluster

pytestmark = pytest.mark.fleet

TWO_TABLE_QUERY = (
    ONE_TABLE_QUERY
    + " UNION ALL SELECT 1 AS place, locator, entry, sealed FROM {0}_later WHERE locator IN ({1}, {2}) ORDER BY place, locator, entry"
)
ARRAY_QUERY = (
    "SELECT 0 AS place, locator, entry, sealed FROM {0} WHERE locator = ANY({1}) ORDER BY place, locator, entry"
)


@pytest.fixture
def table(postgres_cluster: PostgresCluster) -> str:
    """Name of a table with its rows on two shards. A second one has the suffix "_later"."""
    name = unique_name("sealed")
    create_sharded_table(postgres_cluster, name)
    create_sharded_table(postgres_cluster, f"{name}_later")
    return name


@pytest.fixture
def primary(postgres_cluster: PostgresCluster) -> Iterator[psycopg.Connection[Any]]:
    with postgres_cluster.primary.connect() as connection:
        yield connection


def explain(connection: psycopg.Connection[Any], query: str, values: list[str], mode: str) -> str:
    connection.execute(f"SET plan_cache_mode = {mode}")
    connection.execute(f"PREPARE look_up AS {query}")
    lines = connection.execute(f"EXPLAIN (VERBOSE, COSTS OFF) EXECUTE look_up ({', '.join(values)})").fetchall()
    connection.execute("DEALLOCATE look_up")
    return "\n".join(line for (line,) in lines)


def scanned_partitions(plan_text: str) -> set[str]:
    """Return the foreign partitions that a plan reads."""
    return set(re.findall(r"Foreign Scan on public\.(\w+)", plan_text))


def bytea_literal(locator: bytes) -> str:
    return f"'\\x{locator.hex()}'"


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_only_the_shard_of_the_range_is_asked_and_searches_by_key(
    primary: psycopg.Connection[Any], table: str, mode: str
) -> None:
    for shard in (0, 1):
        literals = [bytea_literal(locator_on(shard, number)) for number in (1, 2)]
        plan_text = explain(primary, TWO_TABLE_QUERY.format(table, "$1", "$2"), literals, mode)
        assert scanned_partitions(plan_text) == {f"{table}_{shard}", f"{table}_later_{shard}"}
        assert len(re.findall(r"Remote SQL: .* WHERE \(\(locator = ANY \(", plan_text)) == 2
        assert "Filter" not in plan_text
        assert ("Subplans Removed: 1" in plan_text) == (mode == "force_generic_plan")


def test_only_the_shard_of_the_range_is_asked_with_literal_locators(
    primary: psycopg.Connection[Any], table: str
) -> None:
    query = TWO_TABLE_QUERY.format(table, bytea_literal(locator_on(1, 1)), bytea_literal(locator_on(1, 2)))
    plan_text = "\n".join(line for (line,) in primary.execute(f"EXPLAIN (VERBOSE, COSTS OFF) {query}"))
    assert scanned_partitions(plan_text) == {f"{table}_1", f"{table}_later_1"}


def test_an_array_parameter_asks_every_shard_with_a_generic_plan(primary: psycopg.Connection[Any], table: str) -> None:
    """This is why the service writes ``IN ($1, $2)``: PostgreSQL prunes partitions by the elements of a list, but not by an array parameter."""
    values = [f"ARRAY[{bytea_literal(locator_on(0, 1))}, {bytea_literal(locator_on(0, 2))}]::bytea[]"]
    query = ARRAY_QUERY.format(table, "$1")
    assert scanned_partitions(explain(primary, query, values, "force_custom_plan")) == {f"{table}_0"}
    assert scanned_partitions(explain(primary, query, values, "force_generic_plan")) == {f"{table}_0", f"{table}_1"}


def test_print_look_up_times(primary: psycopg.Connection[Any], postgres_cluster: PostgresCluster, table: str) -> None:
    """Print the median times; visible with ``pytest -s``. There is no limit to check."""
    with postgres_cluster.shards[0].connect() as shard:
        for label, connection, wanted in (
            ("directly from the shard", shard, (locator_on(0, 1), locator_on(0, 2))),
            ("through the primary", primary, (locator_on(0, 1), locator_on(0, 2))),
            ("through the primary, from both shards", primary, (locator_on(0, 1), locator_on(1, 1))),
        ):
            durations = []
            for _ in range(300):
                started = time.perf_counter()
                assert look_up(connection, table, *wanted) == set(wanted)
                durations.append(time.perf_counter() - started)
            print(f"{label}: {statistics.median(durations) * 1000:.2f} ms")  # noqa: T201


def test_a_shard_rejects_rows_of_another_range(
    primary: psycopg.Connection[Any], postgres_cluster: PostgresCluster, table: str
) -> None:
    """PostgreSQL does not check the bounds of a foreign partition. Without the constraint on the shard, such a row would never be found."""
    misplaced = locator_on(1, 999)
    with pytest.raises(errors.CheckViolation):
        copy_locators(postgres_cluster.shards[0], table, [misplaced])
    with postgres_cluster.shards[0].connect() as shard:
        shard.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_locator_check")
    copy_locators(postgres_cluster.shards[0], table, [misplaced])
    assert look_up(primary, table, misplaced, locator_on(1, 1)) == {locator_on(1, 1)}


def test_the_primary_cannot_have_a_primary_key(primary: psycopg.Connection[Any], table: str) -> None:
    with pytest.raises(errors.WrongObjectType):
        primary.execute(f"ALTER TABLE {table} ADD PRIMARY KEY (locator, entry)")


def test_delete_runs_on_the_shard(
    primary: psycopg.Connection[Any], postgres_cluster: PostgresCluster, table: str
) -> None:
    statement = f"DELETE FROM {table} WHERE locator = $1 AND entry = $2"
    plan_text = explain(primary, statement, [bytea_literal(locator_on(1, 1)), "0::smallint"], "force_generic_plan")
    assert "Remote SQL: DELETE FROM public." in plan_text
    assert primary.execute(f"DELETE FROM {table} WHERE locator = %s AND entry = 0", [locator_on(1, 1)]).rowcount == 1
    with postgres_cluster.shards[1].connect() as shard:
        assert look_up(shard, table, locator_on(1, 1), locator_on(1, 2)) == {locator_on(1, 2)}


def test_drop_on_the_primary_leaves_rows_on_the_shards(
    primary: psycopg.Connection[Any], postgres_cluster: PostgresCluster, table: str
) -> None:
    """Retiring a data set must therefore drop its table on each shard too. TRUNCATE, unlike DROP, does reach the shards."""
    primary.execute(f"DROP TABLE {table}")
    primary.execute(f"TRUNCATE {table}_later")
    with postgres_cluster.shards[0].connect() as shard:
        assert look_up(shard, table, locator_on(0, 1), locator_on(0, 2)) == {locator_on(0, 1), locator_on(0, 2)}
        assert look_up(shard, f"{table}_later", locator_on(0, 1), locator_on(0, 2)) == set()
