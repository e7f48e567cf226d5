"""A deployment to measure: PostgreSQL, made-up people, the real `exposure serve`, and the baseline beside it."""

import csv
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Literal

from app.identifiers import canonicalize
from benchmarks import PROJECT_ROOT, processes
from benchmarks.environment import INCIDENT_SLUG, benchmark_environment
from tests.support.permissive_limits import permissive_limits


@dataclass(frozen=True)
class Deployment:
    """What is measured, and what it is measured against."""

    port: int
    baseline_port: int
    holder_phones: Sequence[str]
    """Phones of holders in canonical form, no two the same."""
    recipient_phones: Sequence[str]
    """Phones that stand in others' address books only, likewise."""
    holder_emails: Sequence[str]
    """Of holders, likewise."""
    names_by_phone: Mapping[str, str] = field(repr=False)
    """Of the holders, by their phones."""
    _server: "subprocess.Popen[str]" = field(repr=False)

    def read_codes(self, count: int) -> dict[str, str]:
        """Take the next *count* codes that were sent, by whom they were sent to; waits for them."""
        assert self._server.stdout
        said = [json.loads(self._server.stdout.readline()) for _ in range(count)]
        return {one["to"]: one["code"] for one in said}

    def cpu_seconds(self) -> float:
        """Give what the server and its keyholder have spent so far."""
        return processes.cpu_seconds(self._server.pid)


@contextmanager
def run_deployment(accounts: int, budgets: Mapping[str, str] = {}) -> Iterator[Deployment]:
    """Set one up as an operator would, and serve it for as long as the block lasts.

    Args:
        accounts: how many to make up.
        budgets: what is not to be lavish, by its place in the file of budgets.
    """
    with benchmark_environment(hints=True) as bench:
        made = bench.install_on_postgresql("served")
        people = bench.data_set_file(accounts)
        staged = made.run("dataset", "import", people, "--incident", INCIDENT_SLUG, "--cost", "minimal", "--workers", 1)
        made.run("dataset", "publish", staged["id"])
        limits, log = made.folder / "limits.toml", made.folder / "log"
        limits.write_text(permissive_limits(budgets))
        environment = made.environment() | {"EXPOSURE_SENDER": "console", "EXPOSURE_LIMITS_FILE": str(limits)}
        baseline_command = [sys.executable, "-m", "benchmarks.baseline", made.database_url]
        with (
            run_process(made.command("serve", "--port", 0), environment, log) as server,
            run_process(baseline_command, environment, log) as baseline,
        ):
            assert server.stdout
            assert baseline.stdout
            port = int(json.loads(server.stdout.readline())["url"].rpartition(":")[2])
            holders = _people(people, "phone", holders=True)
            yield Deployment(
                port=port,
                baseline_port=int(baseline.stdout.readline()),
                holder_phones=list(holders),
                recipient_phones=[phone for phone in _people(people, "phone", holders=False) if phone not in holders],
                holder_emails=list(_people(people, "email", holders=True)),
                names_by_phone=holders,
                _server=server,
            )


@contextmanager
def run_process(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a command for as long as the block lasts."""
    with log.open("a") as errors:
        process = _started(command, environment, errors)
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _started(command: Sequence[str], environment: dict[str, str], errors: IO[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, env=environment, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8")


def _people(people: Path, kind: Literal["phone", "email"], *, holders: bool) -> dict[str, str]:
    """Read the first phone or email, and the first name, of each row of holders, or of those who stand in others' address books."""
    with people.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row[kind] and bool(row["recipient_ref"]) != holders]
    return {canonicalize(kind, row[kind].partition("|")[0]): row["name"].partition("|")[0] for row in rows}
