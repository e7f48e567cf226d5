"""Deployments to import into, as an operator would set them up: the real command, key files, a keyholder, PostgreSQL or SQLite."""

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
    """One deployment, with a database of its own."""

    folder: Path
    database_url: str

    def command(self, *arguments: object) -> list[str]:
        """Spell an `exposure` command that answers in JSON."""
        return [*EXPOSURE_COMMAND, *map(str, arguments), "--json"]

    def environment(self) -> dict[str, str]:
        """Give the settings that such a command reads."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("EXPOSURE_")}
        return kept | {
            "EXPOSURE_DATABASE_URL": self.database_url,
            "EXPOSURE_KEY_DIR": str(self.folder / "keys"),
            "EXPOSURE_PEPPER_FILE": str(self.folder / "pepper" / "pepper.key"),
            "EXPOSURE_WORK_DIR": str(self.folder / "work"),
        }

    def run(self, *arguments: object) -> dict[str, Any]:
        """Run a command to its end; gives the last that it said."""
        done = subprocess.run(
            self.command(*arguments), env=self.environment(), cwd=PROJECT_ROOT, stdout=subprocess.PIPE, check=True
        )
        said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return said

    def set_up(self, *, hints: bool) -> "Installation":
        """Make schema, keys and incident, whose records keep masked *hints* or not."""
        self.folder.mkdir()
        incident = self.folder / "incident.toml"
        sample = (PROJECT_ROOT / "app" / "incidents" / "sample.toml").read_text(encoding="utf-8")
        incident.write_text(sample.replace("hints = true", f"hints = {str(hints).lower()}"), encoding="utf-8")
        self.run("db", "upgrade")
        self.run("keys", "generate")
        self.run("incident", "create", incident)
        return self


@dataclass(slots=True)
class BenchmarkEnvironment:
    """A folder and a PostgreSQL server, and what is made in them; all of it is gone at the end."""

    folder: Path
    server: PostgresServer
    hints: bool
    """Whether the records of all imports keep masked hints, which an incident by default does not."""
    _files: dict[int, Path] = field(default_factory=dict)

    @property
    def postmaster_pid(self) -> int:
        """The process from which all of PostgreSQL's descend."""
        return int((self.server.folder / "data" / "postmaster.pid").read_text().splitlines()[0])

    def data_set_file(self, count: int) -> Path:
        """Make up a file of so many accounts, once."""
        if count not in self._files:
            path = self._files[count] = self.folder / f"people-{count}.csv"
            making = [*EXPOSURE_COMMAND, "dataset", "synthesize", "--accounts", str(count), "--out", str(path), "--json"]
            subprocess.run(making, cwd=PROJECT_ROOT, stdout=subprocess.DEVNULL, check=True)
        return self._files[count]

    def install_on_postgresql(self, name: str) -> Installation:
        """Set a deployment up in a database of its own."""
        return Installation(self.folder / name, self.create_database(name)).set_up(hints=self.hints)

    def install_on_sqlite(self, name: str) -> Installation:
        """Set a deployment up on the embedded engine."""
        return Installation(self.folder / name, f"sqlite:///{self.folder}/{name}/database/exposure.sqlite3").set_up(
            hints=self.hints
        )

    def create_database(self, name: str) -> str:
        """Make an empty database, and give its address."""
        self.server.run_as_superuser(f"CREATE DATABASE {name} OWNER exposure", "postgres")
        return self.server.url(database=name)


@contextmanager
def benchmark_environment(*, hints: bool) -> Iterator[BenchmarkEnvironment]:
    """Set up a workbench, and clear it away."""
    with TemporaryDirectory(prefix="exposure-bench-", dir="/var/tmp") as folder, start_server() as server:
        yield BenchmarkEnvironment(Path(folder), server, hints)
