"""Failures of a shard: the table in docs/many-servers.md. The service answers 503, never "not found", and recovers by itself."""

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.datasets import sealed_rows
from app.datasets.sealed_rows import table_name
from tests.datasets.sharding.helpers import assert_found, database_name, get_exposures, phone_on_shard
from tests.support.deployment import Deployment
from tests.support.postgres_cluster import PASSWORD, PostgresCluster, PostgresServer
from tests.support.responses import assert_unavailable

pytestmark = pytest.mark.fleet


@contextmanager
def shard_stopped(postgres_cluster: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    postgres_cluster.shards[1].stop("immediate")
    try:
        yield
    finally:
        postgres_cluster.shards[1].start()


@contextmanager
def shard_stopped_after_read(
    postgres_cluster: PostgresCluster, deployment: Deployment, dataset: UUID
) -> Iterator[None]:
    """Stop the shard within a transaction: the first look-up after each change of the catalogue runs in one."""
    find_rows, stopped_once = sealed_rows.find_rows, threading.Event()

    def find_rows_and_stop_shard(*arguments: Any) -> Any:
        rows = find_rows(*arguments)
        if not stopped_once.is_set():
            postgres_cluster.shards[1].stop("immediate")
            stopped_once.set()
        return rows

    deployment.execute_sql("UPDATE data_sets SET state = state")
    try:
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(sealed_rows, "find_rows", find_rows_and_stop_shard)
            yield
    finally:
        postgres_cluster.shards[1].start()


@contextmanager
def shard_hanging(postgres_cluster: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    """Suspend every process of the shard: the host accepts connections, but no process answers."""
    postmaster = int((postgres_cluster.shards[1].folder / "data" / "postmaster.pid").read_text().split()[0])
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    stopped_pids = [postmaster, *map(int, children)]
    for pid in stopped_pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in stopped_pids:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def table_locked(postgres_cluster: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    with postgres_cluster.shards[1].connect(autocommit=False) as locking_connection:
        locking_connection.execute(f"LOCK TABLE {table_name(dataset)} IN ACCESS EXCLUSIVE MODE")
        yield


def table_changed(statement: str, undo: str) -> Callable[[PostgresCluster, Deployment, UUID], Any]:
    @contextmanager
    def change_and_restore(postgres_cluster: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
        with postgres_cluster.shards[1].connect() as connection:
            connection.execute(f"CREATE TEMP TABLE saved AS TABLE {table_name(dataset)}")
            connection.execute(statement.format(table_name(dataset)))
            yield
            connection.execute(undo.format(table_name(dataset)))

    return change_and_restore


@contextmanager
def wrong_password(postgres_cluster: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    name = database_name(deployment.settings.database_url)
    alter = "ALTER USER MAPPING FOR exposure_server SERVER shard_1 OPTIONS (SET password '{}')"
    postgres_cluster.primary.run_as_superuser(alter.format("another"), name)
    try:
        yield
    finally:
        postgres_cluster.primary.run_as_superuser(alter.format(PASSWORD), name)


@contextmanager
def shards_swapped(postgres_cluster: PostgresCluster, deployment: Deployment, dataset: UUID) -> Iterator[None]:
    name = database_name(deployment.settings.database_url)

    def set_hosts(servers: tuple[PostgresServer, ...]) -> None:
        for index, server in enumerate(servers):
            statement = f"ALTER SERVER shard_{index} OPTIONS (SET host '{server.folder}')"
            postgres_cluster.primary.run_as_superuser(statement, name)

    set_hosts(postgres_cluster.shards[::-1])
    try:
        yield
    finally:
        set_hosts(postgres_cluster.shards)


FAILURES = {
    "down": shard_stopped,
    "stopped during a look-up": shard_stopped_after_read,
    "hanging": shard_hanging,
    "locked": table_locked,
    "dropped": table_changed("ALTER TABLE {0} RENAME TO {0}_gone", "ALTER TABLE {0}_gone RENAME TO {0}"),
    "emptied": table_changed("DELETE FROM {}", "INSERT INTO {} TABLE saved"),
    "wrong password": wrong_password,
    "swapped": shards_swapped,
}


@pytest.fixture
def short_statement_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reduce the service's statement timeout from 10 s to 1 s."""
    options = "-c statement_timeout=1000 -c plan_cache_mode=force_generic_plan"
    monkeypatch.setattr("app.db.database._POSTGRESQL_OPTIONS", options)


@pytest.mark.usefixtures("short_statement_timeout")
@pytest.mark.parametrize("failure", FAILURES)
def test_a_failing_shard_gives_503_and_recovers(
    deployment: Deployment, postgres_cluster: PostgresCluster, dataset: UUID, failure: str
) -> None:
    on_failing_shard, on_other_shard = (
        deployment.sign_in(phone_on_shard(deployment, dataset, shard)) for shard in (1, 0)
    )
    for headers in (on_failing_shard, on_other_shard):
        for _ in range(6):  # psycopg prepares a statement after five uses
            assert_found(get_exposures(deployment, headers))
    with FAILURES[failure](postgres_cluster, deployment, dataset):
        if failure == "stopped during a look-up":
            assert get_exposures(deployment, on_failing_shard).status_code in (200, 503)
        assert_unavailable(get_exposures(deployment, on_failing_shard))
        if failure == "swapped":
            assert_unavailable(get_exposures(deployment, on_other_shard))
        else:
            assert_unavailable(deployment.client.get("/readyz"))
            assert_found(get_exposures(deployment, on_other_shard))  # it asks only the other shard
    for headers in (on_failing_shard, on_other_shard):
        if get_exposures(deployment, headers).status_code != 200:  # the first use of a dead connection may fail once
            assert_found(get_exposures(deployment, headers))
    assert deployment.client.get("/readyz").status_code == 200
