"""Installations to benchmark, set up as an operator would: the real commands, key files, a keyholder, and PostgreSQL or SQLite."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import PROJECT_ROOT
from tests.support.postgres_cluster import PostgresServer, start_server

EXPOSURE_COMMAND = (sys.executable, "-m", "app")
INCIDENT_SLUG = "sample-2025"


@dataclass(frozen=True, slots=True)
class Installation:
    """An installation with its own database, keys and folder. No server is running."""

    folder: Path
    database_url: str

    def command(self, *arguments: object) -> list[str]:
        """Return the command line of an `exposure` command with JSON output."""
        return [*EXPOSURE_COMMAND, *map(str, arguments), "--json"]

    def environment(self) -> dict[str, str]:
        """Return the environment variables for a command."""
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("EXPOSURE_")}
        return inherited | {
            "EXPOSURE_DATABASE_URL": self.database_url,
            "EXPOSURE_KEY_DIR": str(self.folder / "keys"),
            "EXPOSURE_PEPPER_FILE": str(self.folder / "pepper" / "pepper.key"),
            "EXPOSURE_WORK_DIR": str(self.folder / "work"),
        }

    def run(self, *arguments: object) -> dict[str, Any]:
        """Run a command to completion, and return the last JSON object of its output."""
        completed = subprocess.run(
            self.command(*arguments), env=self.environment(), cwd=PROJECT_ROOT, stdout=subprocess.PIPE, check=True
        )
        result: dict[str, Any] = json.loads(completed.stdout.splitlines()[-1])
        return result

    def set_up(self, *, hints: bool) -> "Installation":
        """Create the schema, the keys and the sample incident, with masked *hints* in its records or without."""
        self.folder.mkdir()
        incident_file = self.folder / "incident.toml"
        sample = (PROJECT_ROOT / "app" / "incidents" / "sample.toml").read_text(encoding="utf-8")
        incident_file.write_text(sample.replace("hints = true", f"hints = {str(hints).lower()}"), encoding="utf-8")
        self.run("db", "upgrade")
        self.run("keys", "generate")
        self.run("incident", "create", incident_file)
        return self


@dataclass(slots=True)
class BenchmarkEnvironment:
    """A temporary folder and a PostgreSQL server, in which installations are created."""

    folder: Path
    server: PostgresServer
    hints: bool
    """Whether all incidents keep masked hints. By default an incident does not."""
    _files: dict[int, Path] = field(default_factory=dict)

    @property
    def postmaster_pid(self) -> int:
        """The process id of PostgreSQL's main process, the ancestor of all others."""
        return int((self.server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def data_set_file(self, accounts: int) -> Path:
        """Return a CSV file of that many synthetic accounts. It is generated once per size."""
        if accounts not in self._files:
            path = self._files[accounts] = self.folder / f"people-{accounts}.csv"
            command = [
                *EXPOSURE_COMMAND,
                "dataset",
                "synthesize",
                "--accounts",
                str(accounts),
                "--out",
                str(path),
                "--json",
            ]
            subprocess.run(command, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, check=True)
        return self._files[accounts]

    def install_on_postgresql(self, name: str) -> Installation:
        """Create an installation on PostgreSQL, in its own database."""
        return Installation(self.folder / name, self.create_database(name)).set_up(hints=self.hints)

    def install_on_sqlite(self, name: str) -> Installation:
        """Create an installation on SQLite."""
        return Installation(self.folder / name, f"sqlite:///{self.folder}/{name}/database/exposure.sqlite3").set_up(
            hints=self.hints
        )

    def create_database(self, name: str) -> str:
        """Create an empty PostgreSQL database, and return its URL."""
        self.server.run_as_superuser(f"CREATE DATABASE {name} OWNER exposure", "postgres")
        return self.server.url(database=name)


@contextmanager
def benchmark_environment(*, hints: bool) -> Iterator[BenchmarkEnvironment]:
    """Start a PostgreSQL server in a temporary folder, and remove both at the end."""
    with TemporaryDirectory(prefix="exposure-bench-", dir="/var/tmp") as folder, start_server() as server:
        yield BenchmarkEnvironment(Path(folder), server, hints)
