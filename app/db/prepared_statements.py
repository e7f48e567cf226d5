"""Prepared statements of one PostgreSQL connection, each executed in a single libpq call.

psycopg's cursor makes several calls and releases and reacquires the GIL around each; under several threads that cost more than the statement
itself. The statements here read one or a few rows by key, so nothing is streamed, and the server's statement timeout bounds them.
"""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.adapt import Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

MAX_PREPARED = 100
"""Prepared statements per connection. Each data set has its own, so the oldest are deallocated."""


class PreparedStatements:
    """The prepared statements of one connection. The connection must be in autocommit mode and have no other user meanwhile."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._names: dict[str, bytes] = {}
        self._prepared_count = 0
        self._transformer = Transformer(connection)

    def fetch(self, statement: str, values: Sequence[bytes | str]) -> list[Any]:
        """Execute one SELECT with a ``%s`` placeholder for each value.

        Raises:
            psycopg.Error: the database failed.
        """
        parameters = [value.encode() if isinstance(value, str) else value for value in values]
        try:
            result = self._execute(statement, parameters)
        except InvalidSqlStatementName:  # after a rollback psycopg deallocates all statements, including ours
            self._names.clear()
            result = self._execute(statement, parameters)
        self._transformer.set_pgresult(result)
        rows = self._transformer.load_rows(0, result.ntuples, tuple)
        self._transformer.set_pgresult(None)  # keeps no reference to the result
        return rows

    def _execute(self, statement: str, parameters: Sequence[bytes]) -> PGresult:
        formats = [Format.BINARY] * len(parameters)
        name = self._prepared_name(statement)
        return _checked(self._connection.pgconn.exec_prepared(name, parameters, formats, Format.BINARY))

    def _prepared_name(self, statement: str) -> bytes:
        """Return the name of the prepared *statement*, preparing it first if needed."""
        name = self._names.get(statement)
        if name is None:
            if len(self._names) >= MAX_PREPARED:
                oldest = self._names.pop(next(iter(self._names)))
                _checked(self._connection.pgconn.exec_(b"DEALLOCATE " + oldest))
            first, *others = statement.split("%s")
            text = first + "".join([f"${number}{part}" for number, part in enumerate(others, start=1)])
            self._prepared_count += 1
            name = b"exposure_%d" % self._prepared_count
            _checked(self._connection.pgconn.prepare(name, text.encode(), None))
            self._names[statement] = name
        return name


def _checked(result: PGresult) -> PGresult:
    """Return *result*, or raise the error that it holds."""
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    return result
