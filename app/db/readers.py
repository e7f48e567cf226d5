"""What an answer is read with: SQL on the driver itself, in a unit of work or without a transaction (decision 0013)."""

from collections.abc import Sequence
from typing import Any, Self, cast

import psycopg
from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db.prepared_statements import PreparedStatements
from app.errors import DependencyUnavailable

_PREPARED = "prepared"


class DatabaseUnavailable(DependencyUnavailable):
    """The database cannot be reached, or does not do as it is told."""


class AutocommitReader:
    """One connection to PostgreSQL on which every statement stands for itself, taken from the pool with the first of them.

    It is no `Session`: to begin and end one costs as much as a statement, and nothing that is read here is an object of the ORM.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        """Know where to take it from, and what a failure calls that; nothing is taken yet."""
        self.info: dict[str, Any] = {}
        self._engine, self._name = engine, name
        self._connection: PoolProxiedConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Give the connection back."""
        if self._connection is not None:
            self._connection.close()

    def fetch(self, statement: str, values: Sequence[bytes | str]) -> list[Any]:
        """Run one SELECT; as `fetch`."""
        try:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
            return self._prepared(self._connection).fetch(statement, values)
        except (psycopg.Error, SQLAlchemyError) as error:  # SQLAlchemy's are those of its pool
            driver: Any = self._connection and self._connection.driver_connection
            if self._connection is not None and driver.closed:
                self._connection.invalidate()  # or the pool would hand it out again
            raise _unavailable(error, self._name) from None

    @staticmethod
    def _prepared(connection: PoolProxiedConnection) -> PreparedStatements:
        """What the connection has prepared; `info` lasts for as long as it is open."""
        if _PREPARED not in connection.info:
            connection.info[_PREPARED] = PreparedStatements(cast("psycopg.Connection[Any]", connection.driver_connection))
        found: PreparedStatements = connection.info[_PREPARED]
        return found


Reader = Session | AutocommitReader
"""What can read an answer: a snapshot, or a glance."""


def fetch(reader: Reader, statement: str, values: Sequence[bytes | str | int]) -> list[Any]:
    """Run one SELECT on the driver itself: for the look-up, which can spare what SQLAlchemy adds.

    Args:
        reader: the unit of work, or the glance.
        statement: with ``%s`` for each value, on both engines.
        values: of types that both drivers take as they are; whole numbers for SQLite only.

    Raises:
        DatabaseUnavailable: the database failed.
    """
    if isinstance(reader, AutocommitReader):
        return reader.fetch(statement, cast("Sequence[bytes | str]", values))
    connection = reader.connection()
    if connection.dialect.paramstyle == "qmark":
        statement = statement.replace("%s", "?")
    driver = connection.connection
    try:
        cursor = driver.cursor()
        cursor.execute(statement, values)
        return list(cursor.fetchall())
    except connection.dialect.loaded_dbapi.Error as error:
        if connection.dialect.is_disconnect(error, driver.dbapi_connection, None):
            connection.invalidate()  # or the pool would hand it out again
        raise _unavailable(error) from None


def _unavailable(error: Exception, name: str = "the database") -> DatabaseUnavailable:
    return DatabaseUnavailable(f"{name} failed ({type(error).__name__})")
