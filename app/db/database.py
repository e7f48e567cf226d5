"""The engine and the two units of work.

    with database.read() as session     one snapshot: every statement sees the same committed state
    with database.write() as session    committed at the end, rolled back by an exception; on SQLite it holds the one write lock
    database.snapshot_read(work)               one snapshot, or a fresh one where a data set was retired under it
    database.optimistic_read(work)               the same without a transaction, where each statement proves that nothing changed meanwhile

A face opens them; a domain works inside and never commits.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from app.db.catalog_version import SNAPSHOT, SnapshotNeeded, read_version, observed_version
from app.db.readers import DatabaseUnavailable, AutocommitReader, Reader
from app.errors import InvalidInput, DependencyUnavailable

T = TypeVar("T")

_BUSY_SECONDS = 5
_OPTIONS = "-c statement_timeout=10000 -c plan_cache_mode=force_generic_plan"
"""Milliseconds; and what is asked over and over is a read of few rows by their key, whose plan is the same whatever the key."""


def parse_database_url(url: str, setting: str = "EXPOSURE_DATABASE_URL") -> URL:
    """Read a database address: ``sqlite:///PATH`` or ``postgresql://…``.

    Raises:
        InvalidInput: it is neither; the message does not repeat it, since it may hold a password.
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
    """One database, SQLite (WAL) or PostgreSQL."""

    def __init__(self, url: str, *, pool_size: int = 8, name: str = "the database") -> None:
        """Know where it is; nothing is opened yet.

        Args:
            url: of `parse_database_url`.
            pool: connections that are open at most. Who finds none free waits two seconds.
            name: what a failure calls it.
        """
        self.name = name
        self.url = parse_database_url(url)
        if self.is_sqlite:
            self.engine = self._reading = _sqlite(self.url, pool_size)
            self._writing = self.engine.execution_options(begin="BEGIN IMMEDIATE")
        else:
            self._statements = _postgresql(self.url, pool_size)
            self._reading = self._statements.execution_options(isolation_level="REPEATABLE READ")
            self.engine = self._writing = self._statements.execution_options(isolation_level="READ COMMITTED")

    @property
    def is_sqlite(self) -> bool:
        """Whether this is the embedded engine."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def folder(self) -> Path | None:
        """Where the database's file lies, where it is one."""
        return Path(self.url.database or "").absolute().parent if self.is_sqlite else None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Read one snapshot.

        Raises:
            DatabaseUnavailable: the database failed.
        """
        with self._unit(self._reading, **{SNAPSHOT: True}) as db:
            yield db

    def autocommit_reader(self) -> AutocommitReader:
        """Read statement by statement, each in a state of its own: PostgreSQL only."""
        return AutocommitReader(self._statements, self.name)

    def optimistic_read(self, work: Callable[[Reader], T]) -> T:
        """Do *work* on one state of the database, statement by statement where that does: the path of an answer.

        Each statement stands for itself and brings the edition along, which must be the same in all of them. So no transaction is begun
        and ended, and no lock is kept while seals are opened. Where the edition changed, or is new to this process, a snapshot answers.

        Args:
            work: reads only what is remembered, and what brings the edition along.

        Raises:
            DependencyUnavailable: as for `answer`.
        """
        if self.is_sqlite:
            return self.snapshot_read(work)
        try:
            with self.autocommit_reader() as glance:
                return work(glance)
        except SnapshotNeeded:
            return self.snapshot_read(work)
        except DependencyUnavailable as error:
            self._require_change(error, observed_version(glance))
        return self.snapshot_read(work)

    def snapshot_read(self, work: Callable[[Reader], T]) -> T:
        """Do *work* in one snapshot, and should that fail, once more in a fresh one where the edition is another by then.

        A snapshot protects rows, and neither a dropped table nor a destroyed key: who began just before a data set was retired may find
        it listed and gone. A failure without a change of the edition is no such thing, and stays.

        Raises:
            DependencyUnavailable: *work* failed, and not because of what changed meanwhile.
        """
        try:
            with self.read() as db:
                return work(db)
        except DependencyUnavailable as error:
            self._require_change(error, observed_version(db))
        with self.read() as fresh:
            return work(fresh)

    def _require_change(self, failure: DependencyUnavailable, before: bytes | None) -> None:
        """Raise *failure* again, unless the edition is another than *before* by now."""
        if before is None:
            raise failure
        with self.read() as fresh:
            if read_version(fresh) == before:
                raise failure

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Write, all or nothing. An `IntegrityError` passes: it is an answer of the database, not its failure.

        Raises:
            DatabaseUnavailable: the database failed; nothing was written.
        """
        with self._unit(self._writing) as db:
            yield db
            db.commit()

    @contextmanager
    def _unit(self, engine: Engine, **info: object) -> Iterator[Session]:
        try:
            with Session(engine, expire_on_commit=False, info=info) as db:
                yield db
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise DatabaseUnavailable(f"{self.name} failed ({type(error).__name__})") from None

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _postgresql(url: URL, pool_size: int) -> Engine:
    return create_engine(
        url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",  # what `glance` needs; the units of work set their own, and set it back
        skip_autocommit_rollback=True,
        pool_use_lifo=True,  # few connections that are busy: what they have prepared is used
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=2,
        connect_args={"connect_timeout": 2, "options": _OPTIONS},
    )


def _sqlite(url: URL, pool_size: int) -> Engine:
    try:
        Path(url.database or "").absolute().parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"EXPOSURE_DATABASE_URL: cannot create the folder ({error.strerror})") from None
    # isolation_level None: the driver opens no transaction of its own, so that BEGIN IMMEDIATE below is the one that counts
    engine = create_engine(
        url,
        hide_parameters=True,
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=2,
        connect_args={"timeout": _BUSY_SECONDS, "isolation_level": None},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: DBAPIConnection, _: Any) -> None:  # noqa: ANN401  SQLAlchemy's own signature
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:  # noqa: ANN401
        connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))

    return engine
