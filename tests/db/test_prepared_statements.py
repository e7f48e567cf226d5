"""What a connection has prepared: once each, a bounded number of them, and again where psycopg has thrown it away."""

from typing import Any

import psycopg
import pytest

from app.db import Database, DatabaseUnavailable, fetch
from app.db.prepared_statements import PreparedStatements

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

NAMES = "SELECT name FROM pg_prepared_statements WHERE starts_with(name, 'glance_') ORDER BY prepare_time"


def names(connection: psycopg.Connection[Any]) -> list[str]:
    return [name for (name,) in connection.execute(NAMES)]


@pytest.fixture
def connection(database_url: str) -> Any:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def test_a_statement_is_prepared_once_and_takes_its_values(connection: psycopg.Connection[Any]) -> None:
    prepared = PreparedStatements(connection)
    for number in range(3):
        found = prepared.fetch("SELECT %s::bytea, %s::text, 7, NULL", [bytes([number]), "가"])
        assert found == [(bytes([number]), "가", 7, None)]
    assert names(connection) == ["glance_1"]


def test_no_more_are_kept_than_may_be(connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.db.prepared_statements.KEPT", 3)
    prepared = PreparedStatements(connection)
    for number in range(5):
        assert prepared.fetch(f"SELECT {number}", []) == [(number,)]
    assert names(connection) == ["glance_3", "glance_4", "glance_5"]
    assert prepared.fetch("SELECT 0", []) == [(0,)]


def test_what_was_thrown_away_is_prepared_again(connection: psycopg.Connection[Any]) -> None:
    prepared = PreparedStatements(connection)
    assert prepared.fetch("SELECT 1", []) == [(1,)]
    connection.execute("DEALLOCATE ALL")
    assert prepared.fetch("SELECT 1", []) == [(1,)]


def test_a_failed_one_is_an_error_and_the_next_one_works(connection: psycopg.Connection[Any]) -> None:
    prepared = PreparedStatements(connection)
    for statement in ("SELECT 1 / 0", "SELECT * FROM nowhere"):
        with pytest.raises(psycopg.Error):
            prepared.fetch(statement, [])
    assert prepared.fetch("SELECT 1", []) == [(1,)]


def test_a_glance_whose_connection_was_ended_fails_and_the_next_one_has_another(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    pid = "SELECT pg_backend_pid()"
    with pytest.raises(DatabaseUnavailable):
        database.optimistic_read(lambda reader: [fetch(reader, "SELECT pg_terminate_backend(pg_backend_pid())", [])])
    assert database.optimistic_read(lambda reader: fetch(reader, pid, []))
    database.close()
