"""Reading with SQL directly on the driver, in a transaction or in autocommit mode (decision 0013)."""

from collections.abc import Sequence
from typing import Any, Self, cast

import psycopg
from sqlalchemy import Engine, PoolProxiedConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.db.prepared_statements import PreparedStatements
from app.errors import DependencyUnavailable

_PREPARED = "prepared"
"""Key in a connection's `info` of its `PreparedStatements`."""


class DatabaseUnavailable(DependencyUnavailable):
    """The database cannot be reached, or a statement failed."""


class AutocommitReader:
    """One PostgreSQL connection in autocommit mode, taken from the pool at the first statement.

    It is not a `Session`: beginning and ending one costs as much as a statement, and no ORM objects are read here.

    Args:
        engine: whose pool the connection is taken from.
        name: of the database in error messages.
    """

    def __init__(self, engine: Engine, name: str) -> None:
        self.info: dict[str, Any] = {}
        self._engine, self._name = engine, name
        self._connection: PoolProxiedConnection | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Return the connection to the pool."""
        if self._connection is not None:
            self._connection.close()

    def fetch(self, statement: str, values: Sequence[bytes | str]) -> list[Any]:
        """Execute one SELECT; see the function `fetch`."""
        try:
            if self._connection is None:
                self._connection = self._engine.raw_connection()
            return self._prepared_statements(self._connection).fetch(statement, values)
        except (psycopg.Error, SQLAlchemyError) as error:  # SQLAlchemy's errors come from its pool
            driver: Any = self._connection and self._connection.driver_connection
            if self._connection is not None and driver.closed:
                self._connection.invalidate()  # otherwise the pool would hand it out again
            raise _unavailable(error, self._name) from None

    @staticmethod
    def _prepared_statements(connection: PoolProxiedConnection) -> PreparedStatements:
        """Return the connection's prepared statements. `info` lives as long as the connection."""
        if _PREPARED not in connection.info:
            connection.info[_PREPARED] = PreparedStatements(
                cast("psycopg.Connection[Any]", connection.driver_connection)
            )
        prepared: PreparedStatements = connection.info[_PREPARED]
        return prepared


Reader = Session | AutocommitReader
"""What read-only queries accept: a session, or an autocommit connection."""


def fetch(reader: Reader, statement: str, values: Sequence[bytes | str | int]) -> list[Any]:
    """Execute one SELECT directly on the driver, without SQLAlchemy's overhead.

    Args:
        reader: the session or autocommit connection.
        statement: with ``%s`` for each value, on both engines.
        values: of types that both drivers take unconverted; integers on SQLite only.

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
            connection.invalidate()  # otherwise the pool would hand it out again
        raise _unavailable(error) from None


def _unavailable(error: Exception, name: str = "the database") -> DatabaseUnavailable:
    return DatabaseUnavailable(f"{name} failed ({type(error).__name__})")
