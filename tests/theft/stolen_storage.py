"""What an attacker can copy of a database: its files, and a backup."""

import sqlite3
import subprocess
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psycopg
from sqlalchemy import make_url

from tests.support.postgres_cluster import PostgresServer


class Storage(Protocol):
    """A database, and access to what it stores."""

    url: str

    def read_files(self, moment: str) -> dict[str, bytes]:
        """Return the contents of the database's files, by names that contain the *moment*."""

    def make_backup(self) -> dict[str, bytes]:
        """Return an online backup."""


@dataclass
class SqliteStorage:
    url: str

    @property
    def _path(self) -> Path:
        return Path(make_url(self.url).database or "")

    def read_files(self, moment: str) -> dict[str, bytes]:
        return {f"{moment}: {path.name}": path.read_bytes() for path in self._path.parent.iterdir()}

    def make_backup(self) -> dict[str, bytes]:
        copy = self._path.parent.with_name("backup.sqlite3")
        with closing(sqlite3.connect(self._path)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return {"backup": copy.read_bytes()}


class PostgresStorage:
    """A database of *server*. Of its write-ahead log only what follows is read, not the creation of the database."""

    def __init__(self, url: str, server: PostgresServer) -> None:
        self.url = url
        self._server = server
        self._first_segment = self._query("SELECT pg_walfile_name(pg_switch_wal())")

    def read_files(self, moment: str) -> dict[str, bytes]:
        """Return the heap of the outbox and the write-ahead log, once all of it is on disk."""
        self._query("CHECKPOINT")
        data = self._server.folder / "data"
        last_segment = self._query("SELECT pg_walfile_name(pg_current_wal_lsn())")
        paths = [data / self._query("SELECT pg_relation_filepath('outbox')")]
        paths += [path for path in (data / "pg_wal").iterdir() if self._first_segment < path.name <= last_segment]
        return {f"{moment}: {path.name}": path.read_bytes().rstrip(b"\0") for path in paths}

    def _query(self, statement: str) -> str:
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            row = cursor.fetchone() if cursor.description else None
        return str(row[0]) if row else ""

    def make_backup(self) -> dict[str, bytes]:
        dump = subprocess.run(
            [self._server.programs / "pg_dump", "--dbname", self.url], check=True, capture_output=True
        )
        return {"backup": dump.stdout}
