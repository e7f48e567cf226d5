"""Statements as a connection to PostgreSQL has prepared them, each asked and answered in one call of libpq.

psycopg's cursor takes several, with the interpreter's lock given away and fought for again around each: with some threads at work that cost more
than the statement did. What is asked here is one row or a few by their key, so nothing is streamed, and the server's own timeout bounds it.
"""

from collections.abc import Sequence
from typing import Any

from psycopg import Connection
from psycopg.adapt import Transformer
from psycopg.errors import InvalidSqlStatementName, error_from_result
from psycopg.pq import ExecStatus, Format
from psycopg.pq.abc import PGresult

KEPT = 100
"""Statements that one connection keeps: each data set that was ever read has its own, so the oldest go."""


class PreparedStatements:
    """What one connection has prepared. It runs outside of transactions, and nothing else uses the connection meanwhile."""

    def __init__(self, connection: Connection[Any]) -> None:
        self._connection = connection
        self._names: dict[str, bytes] = {}
        self._made = 0
        self._rows = Transformer(connection)

    def fetch(self, statement: str, values: Sequence[bytes | str]) -> list[Any]:
        """Run one SELECT, with ``%s`` for each value.

        Raises:
            psycopg.Error: the database failed.
        """
        given = [value.encode() if isinstance(value, str) else value for value in values]
        try:
            result = self._run(statement, given)
        except InvalidSqlStatementName:  # psycopg deallocates all, and ours with its own, after a rollback
            self._names.clear()
            result = self._run(statement, given)
        self._rows.set_pgresult(result)
        rows = self._rows.load_rows(0, result.ntuples, tuple)
        self._rows.set_pgresult(None)  # nothing of an answer is kept
        return rows

    def _run(self, statement: str, given: Sequence[bytes]) -> PGresult:
        formats = [Format.BINARY] * len(given)
        return _checked(self._connection.pgconn.exec_prepared(self._name(statement), given, formats, Format.BINARY))

    def _name(self, statement: str) -> bytes:
        name = self._names.get(statement)
        if name is None:
            if len(self._names) >= KEPT:
                oldest = self._names.pop(next(iter(self._names)))
                _checked(self._connection.pgconn.exec_(b"DEALLOCATE " + oldest))
            first, *others = statement.split("%s")
            text = first + "".join([f"${number}{part}" for number, part in enumerate(others, start=1)])
            self._made += 1
            name = b"glance_%d" % self._made
            _checked(self._connection.pgconn.prepare(name, text.encode(), None))
            self._names[statement] = name
        return name


def _checked(result: PGresult) -> PGresult:
    if result.status not in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        raise error_from_result(result)
    return result
