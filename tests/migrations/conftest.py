"""Tests of migrations change the schema, so each gets a database of its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import create_engine, make_url, text

from app.db import Database
from tests.support.postgres_database import temporary_database


@pytest.fixture
def fresh_postgresql_url(postgresql_url: str) -> Iterator[str]:
    with temporary_database(postgresql_url) as url:
        yield url


@pytest.fixture
def server_url(database_url: str) -> str:
    """Use the owner's: a table that a downgrade dropped has lost its grants."""
    return database_url


@pytest.fixture
def empty_database(database_url: str, tmp_path: Any) -> Any:
    """A database of each engine without any tables."""
    if database_url.startswith("sqlite"):
        database = Database(f"sqlite:///{tmp_path / 'empty' / 'exposure.sqlite3'}")
        yield database
        database.close()
        return
    # the fresh database has the newest schema: drop everything
    url = make_url(database_url)
    admin = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    admin.dispose()
    database = Database(database_url)
    yield database
    database.close()
