"""Tests of migrations change the schema, so each gets a database of its own."""

import pytest

from tests.support.postgres_database import create_database


@pytest.fixture
def fresh_postgresql_url(postgresql_url: str) -> str:
    return create_database(postgresql_url)
