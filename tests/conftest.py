"""Fixtures. A test that uses `deployment` runs twice: on SQLite and on a real PostgreSQL."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper
from app.db import Database
from app.db.upgrade import upgrade
from app.keyholder import KeyholderSocket, spawn_keyholder
from tests.rate_limits.helpers import RestartableValkey
from tests.support.deployment import Deployment, copy_sqlite_database
from tests.support.external_servers import run_postgresql, run_valkey
from tests.support.postgres_cluster import PostgresCluster, start_cluster
from tests.support.postgres_database import SERVER_ROLE, ReusableDatabase, url_of_role

for _name, _examples in (("dev", 20), ("ci", 100), ("nightly", 1_000)):
    settings.register_profile(_name, deadline=None, max_examples=_examples)  # no deadline: no test is about time
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

COVERED_FOLDERS = ("tests/crypto/", "tests/identifiers/", "tests/verification/", "tests/exposures/")
"""Tests of the packages that have a coverage floor, as in the Makefile."""
SLOW_MARKERS = ("slow", "kill", "fuzz", "fleet")


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests of packages that have a coverage floor."""
    if item.nodeid.startswith(COVERED_FOLDERS):
        item.add_marker("covered")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Start each of two workers with half of the slow tests, so that none is left for the end."""
    slow, fast = list[pytest.Item](), list[pytest.Item]()
    for item in items:
        is_slow = any(item.get_closest_marker(name) for name in SLOW_MARKERS)
        (slow if is_slow else fast).append(item)
    half = len(fast) // 2
    items[:] = [*slow[::2], *fast[:half], *slow[1::2], *fast[half:]]


@pytest.fixture(autouse=True)
def _block_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Block connections that leave this machine."""
    connect = socket.socket.connect

    def connect_locally(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and address[0] not in ("127.0.0.1", "::1", "localhost"):
            raise AssertionError("a test tried to connect to the network")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", connect_locally)


@pytest.fixture(autouse=True)
def _clear_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the settings of this machine from the environment."""
    for name in [name for name in os.environ if name.startswith("EXPOSURE_") and not name.startswith("EXPOSURE_TEST_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """URL of a PostgreSQL server's maintenance database."""
    with run_postgresql() as url:
        yield url


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """URL of a Valkey server."""
    with run_valkey() as url:
        yield url


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[RestartableValkey]:
    """A Valkey server of its own, which the test may stop."""
    valkey = RestartableValkey(tmp_path / "valkey")
    yield valkey
    valkey.kill()


@pytest.fixture
def generous_redis_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test measures time: on a busy machine Redis may take longer than a call would wait for it."""
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 10.0)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """A PostgreSQL primary with a replica and two shards."""
    with start_cluster() as started:
        yield started


@pytest.fixture(scope="session")
def keyholder_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Lookup socket of a real keyholder process."""
    pepper = tmp_path_factory.mktemp("pepper") / "pepper.key"
    create_key_file(pepper, Pepper.generate())
    with spawn_keyholder(pepper, KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as socket_path:
        yield socket_path


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database on the current schema, to be copied."""
    path = tmp_path_factory.mktemp("template") / "exposure.sqlite3"
    database = Database(f"sqlite:///{path}")
    upgrade(database)
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ROLLBACK")
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture(scope="session")
def reusable_database(postgresql_url: str) -> Iterator[ReusableDatabase]:
    """This worker's PostgreSQL database."""
    with closing(ReusableDatabase(postgresql_url)) as database:
        yield database


@pytest.fixture
def sqlite_url(tmp_path: Path, migrated_sqlite: Path) -> Iterator[str]:
    """URL of a fresh SQLite database."""
    with copy_sqlite_database(tmp_path, migrated_sqlite) as url:
        yield url


@pytest.fixture
def fresh_postgresql_url(reusable_database: ReusableDatabase) -> Iterator[str]:
    """URL of an empty PostgreSQL database."""
    with reusable_database.empty() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """URL of a fresh database, of each engine in turn."""
    url: str = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "fresh_postgresql_url")
    return url


@pytest.fixture
def server_url(database_url: str) -> str:
    """URL of the same database for the server: on PostgreSQL as its least-privileged role."""
    return database_url if database_url.startswith("sqlite") else url_of_role(database_url, SERVER_ROLE)


@pytest.fixture
def make_deployment(
    tmp_path: Path, database_url: str, server_url: str, keyholder_socket: Path
) -> Iterator[Callable[..., Deployment]]:
    """Factory for deployments with settings of the test's choice."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Deployment:
            socket_path = settings.pop("keyholder_socket", keyholder_socket)
            url = settings.pop("database_url", database_url)
            settings.setdefault("server_url", server_url if url == database_url else url)
            deployment = Deployment(tmp_path, url, socket_path, **settings)
            stack.callback(deployment.close)
            return deployment

        yield make


@pytest.fixture
def deployment(make_deployment: Callable[..., Deployment]) -> Deployment:
    """A complete deployment with an incident and no data sets."""
    return make_deployment()
