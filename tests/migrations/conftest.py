"""Tests of migrations change the schema, so each gets a database of its own."""

from collections.abc import Iterator

import pytest

from tests.support.postgres_database import temporary_database


@pytest.fixture
def fresh_postgresql_url(postgresql_url: str) -> Iterator[str]:
    with temporary_database(postgresql_url) as url:
        yield url


@pytest.fixture
def server_url(database_url: str) -> str:
    """Use the owner's: a table that a downgrade dropped has lost its grants."""
    return database_url
