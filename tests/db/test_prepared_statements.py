"""Prepared statements: prepared once each, bounded in number, and prepared again if psycopg deallocated them."""

from typing import Any

import psycopg
import pytest

from app.db import Database, DatabaseUnavailable, fetch
from app.db.prepared_statements import PreparedStatements

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

SELECT_NAMES = "SELECT name FROM pg_prepared_statements WHERE starts_with(name, 'exposure_') ORDER BY prepare_time"


def prepared_names(connection: psycopg.Connection[Any]) -> list[str]:
    return [name for (name,) in connection.execute(SELECT_NAMES)]


@pytest.fixture
def connection(database_url: str) -> Any:
    with psycopg.connect(database_url, autocommit=True) as connection:
        yield connection


def test_a_statement_is_prepared_once_and_takes_values(connection: psycopg.Connection[Any]) -> None:
    statements = PreparedStatements(connection)
    for index in range(3):
        rows = statements.fetch("SELECT %s::bytea, %s::text, 7, NULL", [bytes([index]), "가"])
        assert rows == [(bytes([index]), "가", 7, None)]
    assert prepared_names(connection) == ["exposure_1"]


def test_the_number_of_statements_is_bounded(
    connection: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.db.prepared_statements.MAX_PREPARED", 3)
    statements = PreparedStatements(connection)
    for number in range(5):
        assert statements.fetch(f"SELECT {number}", []) == [(number,)]
    assert prepared_names(connection) == ["exposure_3", "exposure_4", "exposure_5"]
    assert statements.fetch("SELECT 0", []) == [(0,)]


def test_a_deallocated_statement_is_prepared_again(connection: psycopg.Connection[Any]) -> None:
    statements = PreparedStatements(connection)
    assert statements.fetch("SELECT 1", []) == [(1,)]
    connection.execute("DEALLOCATE ALL")
    assert statements.fetch("SELECT 1", []) == [(1,)]


def test_a_failed_statement_raises_and_the_next_one_works(connection: psycopg.Connection[Any]) -> None:
    statements = PreparedStatements(connection)
    for statement in ("SELECT 1 / 0", "SELECT * FROM nowhere"):
        with pytest.raises(psycopg.Error):
            statements.fetch(statement, [])
    assert statements.fetch("SELECT 1", []) == [(1,)]


def test_a_terminated_connection_fails_the_read_and_is_replaced(database_url: str) -> None:
    database = Database(database_url, pool_size=1)
    pid = "SELECT pg_backend_pid()"
    with pytest.raises(DatabaseUnavailable):
        database.optimistic_read(lambda reader: [fetch(reader, "SELECT pg_terminate_backend(pg_backend_pid())", [])])
    assert database.optimistic_read(lambda reader: fetch(reader, pid, []))
    database.close()
