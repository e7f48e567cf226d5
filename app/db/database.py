"""The engine, transactions, and optimistic reads.

    with database.read() as db        a snapshot: every statement sees the same committed state
    with database.write() as db       committed at the end, rolled back by an exception; on SQLite it holds the one write lock
    database.snapshot_read(work)      runs *work* in a snapshot, and again in a new one if a data set was retired meanwhile
    database.optimistic_read(work)    runs *work* without a transaction, and again in a snapshot if the catalog changed meanwhile

The interfaces open transactions. Domains work inside them and never commit.
"""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from app.db.catalog_version import SNAPSHOT, SnapshotNeeded, observed_version, read_version
from app.db.readers import AutocommitReader, DatabaseUnavailable, Reader
from app.errors import DependencyUnavailable, InvalidInput

T = TypeVar("T")

_SQLITE_LOCK_SECONDS = 5
_POSTGRESQL_OPTIONS = "-c statement_timeout=10000 -c plan_cache_mode=force_generic_plan"
"""The timeout is in milliseconds. Generic plans, because frequent queries read few rows by key: the plan does not depend on the key."""


def parse_database_url(url: str, setting: str = "EXPOSURE_DATABASE_URL") -> URL:
    """Parse a database URL: ``sqlite:///PATH`` or ``postgresql://…``.

    Raises:
        InvalidInput: it is neither. The message does not repeat the URL, which may hold a password.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise InvalidInput(f"{setting}: must be a sqlite:///PATH or postgresql:// URL") from None
    match parsed.get_backend_name():
        case "sqlite":
            if not parsed.database or parsed.database == ":memory:":
                raise InvalidInput(f"{setting}: must name a file, such as sqlite:///data/exposure.sqlite3")
            return parsed.set(drivername="sqlite+pysqlite")
        case "postgresql":
            return parsed.set(drivername="postgresql+psycopg")
        case _:
            raise InvalidInput(f"{setting}: must be a sqlite:///PATH or postgresql:// URL")


class Database:
    """One database, SQLite (WAL) or PostgreSQL. No connection is opened before the first use.

    Args:
        url: as for `parse_database_url`.
        pool_size: maximum of open connections. A caller waits two seconds for a free one.
        name: of the database in error messages.
    """

    def __init__(self, url: str, *, pool_size: int = 8, name: str = "the database") -> None:
        self.name = name
        self.url = parse_database_url(url)
        if self.is_sqlite:
            self.engine = self._snapshot_engine = _create_sqlite_engine(self.url, pool_size)
            self._write_engine = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        else:
            self._autocommit_engine = _create_postgresql_engine(self.url, pool_size)
            self._snapshot_engine = self._autocommit_engine.execution_options(isolation_level="REPEATABLE READ")
            self.engine = self._write_engine = self._autocommit_engine.execution_options(
                isolation_level="READ COMMITTED"
            )

    @property
    def is_sqlite(self) -> bool:
        """Whether this is SQLite."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def folder(self) -> Path | None:
        """Folder of the SQLite file; None for PostgreSQL."""
        return Path(self.url.database or "").absolute().parent if self.is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Open a read-only snapshot.

        Raises:
            DatabaseUnavailable: the database failed.
        """
        with self._transaction(self._snapshot_engine, **{SNAPSHOT: True}) as db:
            yield db

    def autocommit_reader(self) -> AutocommitReader:
        """Return a reader whose statements each see the state at their own start. PostgreSQL only."""
        return AutocommitReader(self._autocommit_engine, self.name)

    def optimistic_read(self, work: Callable[[Reader], T]) -> T:
        """Run *work* in autocommit mode, or in a snapshot if needed. *work* may run up to three times: it must have no side effects.

        Each statement also returns the catalog version, which must be the same in all of them. This saves beginning and ending a transaction,
        and holds no lock while rows are decrypted. If the version changes, or is new to this process, *work* runs again in a snapshot.
        On SQLite it always runs in a snapshot.

        Args:
            work: uses only a `VersionedCache`, and statements that return the catalog version.

        Raises:
            DependencyUnavailable: as for `snapshot_read`.
        """
        if self.is_sqlite:
            return self.snapshot_read(work)
        try:
            with self.autocommit_reader() as reader:
                return work(reader)
        except SnapshotNeeded:
            return self.snapshot_read(work)
        except DependencyUnavailable as error:
            self._reraise_unless_changed(error, observed_version(reader))
        return self.snapshot_read(work)

    def snapshot_read(self, work: Callable[[Reader], T]) -> T:
        """Run *work* in a snapshot. If it fails and the catalog version has changed, run it again in a new one. *work* may run twice.

        A snapshot protects rows, but not against a dropped table or a destroyed key: a data set that is retired after the snapshot began may be
        listed and yet be gone. A failure without a change of version is raised.

        Raises:
            DependencyUnavailable: *work* failed, and not because of a concurrent change.
        """
        try:
            with self.read() as db:
                return work(db)
        except DependencyUnavailable as error:
            self._reraise_unless_changed(error, observed_version(db))
        with self.read() as fresh:
            return work(fresh)

    def _reraise_unless_changed(self, failure: DependencyUnavailable, version: bytes | None) -> None:
        """Raise *failure* again unless the catalog version differs from *version* by now."""
        if version is None:
            raise failure
        with self.read() as fresh:
            if read_version(fresh) == version:
                raise failure

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Open a write transaction. `IntegrityError` is raised unchanged: callers handle it, and it is no failure of the database.

        Raises:
            DatabaseUnavailable: the database failed; nothing was written.
        """
        with self._transaction(self._write_engine) as db:
            yield db
            db.commit()

    @contextmanager
    def _transaction(self, engine: Engine, **info: object) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False, info=info) as db:
                yield db
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise DatabaseUnavailable(f"{self.name} failed ({type(error).__name__})") from None

    def restrict_files(self) -> bool:
        """Set mode 0600 on the files of a SQLite database, and return whether one had another. Earlier versions created them as 0644.

        Raises:
            InvalidInput: they belong to another user.
        """
        changed = False
        for suffix in ("", "-wal", "-shm") if self.is_sqlite else ():
            path = Path(f"{self.url.database}{suffix}")
            try:
                if path.stat().st_mode & 0o077:
                    path.chmod(0o600)
                    changed = True
            except FileNotFoundError:
                continue
            except OSError as error:
                raise InvalidInput(f"{path}: its mode cannot be changed to 0600 ({error.strerror})") from None
        return changed

    def truncate_wal(self) -> None:
        """Empty SQLite's write-ahead log, where deleted rows live on. Nothing to do on PostgreSQL.

        Waits for no one: what an active reader or writer needs stays in the log until a later call.

        Raises:
            DatabaseUnavailable: the database failed.
        """
        if not self.is_sqlite:
            return
        try:
            with closing(self.engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
                cursor.execute("PRAGMA busy_timeout=0")  # or SQLite would hold off all writers while it waits
                try:
                    cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                finally:
                    cursor.execute(f"PRAGMA busy_timeout={_SQLITE_LOCK_SECONDS * 1000}")
        except (SQLAlchemyError, sqlite3.Error) as error:
            raise DatabaseUnavailable(f"{self.name} failed ({type(error).__name__})") from None

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _create_postgresql_engine(url: URL, pool_size: int) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",  # for `optimistic_read`; transactions set their own level and reset it
        skip_autocommit_rollback=True,
        pool_use_lifo=True,  # reuses few connections, and so their prepared statements
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=2,
        connect_args={"connect_timeout": 2, "options": _POSTGRESQL_OPTIONS},
    )


def _create_sqlite_engine(url: URL, pool_size: int) -> Engine:
    try:
        Path(url.database or "").absolute().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"EXPOSURE_DATABASE_URL: cannot create the folder ({error.strerror})") from None
    # isolation_level None: the driver begins no transaction by itself, so the BEGIN below takes effect
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=2,
        connect_args={"timeout": _SQLITE_LOCK_SECONDS, "isolation_level": None},
    )

    @event.listens_for(engine, "do_connect")
    def _create_file(*_: object) -> None:
        # SQLite would create it as 0644; -wal and -shm get the mode of the database. If it cannot be created, SQLite says so.
        with suppress(OSError):
            os.close(os.open(url.database or "", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))

    @event.listens_for(engine, "connect")
    def _set_pragmas(connection: DBAPIConnection, _: Any) -> None:  # noqa: ANN401  SQLAlchemy's own signature
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:  # noqa: ANN401
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine
