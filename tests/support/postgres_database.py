"""One PostgreSQL database for each worker, emptied after each test: creating one takes several times as long."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from itertools import count

import psycopg
from sqlalchemy import make_url

from app.db import Base, Database
from app.db.roles import Roles
from app.db.upgrade import upgrade

SERVER_ROLE, IMPORT_ROLE, ROLE_PASSWORD = "exposure_server", "exposure_import", "made-up"
"""The least-privileged roles. The role of the URLs here is the owner."""
LOCK_TIMEOUT = "2s"
"""After a test that leaves a lock behind, the next one gets a new database."""

CREATE_ROLE_SQL = """\
DO $$ BEGIN CREATE ROLE {role} LOGIN PASSWORD '{password}'; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$
"""
"""Roles belong to the server, which other workers may use too."""

_numbers = count(1)


def url_of_role(url: str, role: str) -> str:
    """Return *url* for another role."""
    return make_url(url).set(username=role, password=ROLE_PASSWORD).render_as_string(hide_password=False)


@contextmanager
def temporary_database(server_url: str) -> Iterator[str]:
    """Create a database on the current schema and its roles, yield the owner's URL, and drop it. *server_url* is of the maintenance database."""
    name = f"exposure_test_{os.getpid()}_{next(_numbers)}"
    _execute(server_url, f'CREATE DATABASE "{name}"')
    url = make_url(server_url).set(database=name).render_as_string(hide_password=False)
    try:
        for role in (SERVER_ROLE, IMPORT_ROLE):
            _execute(server_url, CREATE_ROLE_SQL.format(role=role, password=ROLE_PASSWORD))
        database = Database(url)
        upgrade(database, Roles(server=SERVER_ROLE, importer=IMPORT_ROLE))
        database.close()
        yield url
    finally:
        _execute(server_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')  # a test may have dropped it


class ReusableDatabase:
    """A database on the current schema, and a connection that empties it.

    Args:
        server_url: URL of the server's maintenance database.
    """

    def __init__(self, server_url: str) -> None:
        self._server_url = server_url
        self._resources = ExitStack()
        self._connection: psycopg.Connection[object] | None = None
        self._url = ""

    @contextmanager
    def empty(self) -> Iterator[str]:
        """Yield the URL of an empty database. It is emptied at the end, or given up if its tables are not the usual ones."""
        if self._connection is None:
            self._url = self._resources.enter_context(temporary_database(self._server_url))
            self._connection = self._resources.enter_context(psycopg.connect(self._url, autocommit=True))
            self._connection.execute(f"SET lock_timeout = '{LOCK_TIMEOUT}'")
        try:
            yield self._url
        finally:
            try:
                _empty(self._connection)
            except psycopg.Error:
                self.close()

    def close(self) -> None:
        """Drop the database; the next test gets a new one."""
        self._connection = None
        self._resources.close()


def _execute(server_url: str, statement: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as server:
        server.execute(statement.encode())


def _empty(connection: psycopg.Connection[object]) -> None:
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
    tables = {str(row[0]) for row in rows if isinstance(row, tuple)}
    sealed = {table for table in tables if table.startswith("sealed_")}
    if tables - sealed != {*Base.metadata.tables, "alembic_version"}:
        raise psycopg.Error("a test has changed the tables")
    for table in sealed:
        connection.execute(f'DROP TABLE IF EXISTS "{table}" CASCADE')
    connection.execute(
        f"TRUNCATE {', '.join(Base.metadata.tables.keys() - {'catalog_version', 'signed_catalog'})} RESTART IDENTITY CASCADE"
    )
    if connection.execute("UPDATE signed_catalog SET payload = '', signature = ''").rowcount != 1:
        raise psycopg.Error("a test has deleted the signed catalogue")
    if connection.execute("UPDATE catalog_version SET version = uuid_send(gen_random_uuid())").rowcount != 1:
        raise psycopg.Error("a test has deleted the catalog version")
