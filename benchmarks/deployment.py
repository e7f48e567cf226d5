"""A running deployment to benchmark: PostgreSQL, synthetic people, the real `exposure serve`, and the baseline server."""

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
    """The ports of both servers, and the people in the published data set."""

    port: int
    baseline_port: int
    holder_phones: Sequence[str]
    """Phones of account holders in canonical form, each once."""
    recipient_phones: Sequence[str]
    """Phones that are only in other people's address books, in canonical form, each once."""
    holder_emails: Sequence[str]
    """Emails of account holders in canonical form, each once."""
    names_by_phone: Mapping[str, str] = field(repr=False)
    """Names of the account holders by phone."""
    _server: "subprocess.Popen[str]" = field(repr=False)

    def read_codes(self, count: int) -> dict[str, str]:
        """Wait for the next *count* sent codes, and return them by address."""
        assert self._server.stdout
        messages = [json.loads(self._server.stdout.readline()) for _ in range(count)]
        return {message["to"]: message["code"] for message in messages}

    def cpu_seconds(self) -> float:
        """Return the CPU seconds used so far by the server and its keyholder."""
        return processes.cpu_seconds(self._server.pid)


@contextmanager
def run_deployment(accounts: int, limit_overrides: Mapping[str, str] = {}) -> Iterator[Deployment]:
    """Set up a deployment and serve it until the block ends.

    Args:
        accounts: number of synthetic accounts.
        limit_overrides: rate limits that apply, by their key in the limits file. All others are set too high to be reached.
    """
    with benchmark_environment(hints=True) as bench:
        installation = bench.install_on_postgresql("served")
        source = bench.data_set_file(accounts)
        dataset = installation.run(
            "dataset", "import", source, "--incident", INCIDENT_SLUG, "--cost", "minimal", "--workers", 1
        )
        installation.run("dataset", "publish", dataset["id"])
        limits_file, log = installation.folder / "limits.toml", installation.folder / "log"
        limits_file.write_text(permissive_limits(limit_overrides))
        environment = installation.environment() | {
            "EXPOSURE_SENDER": "console",
            "EXPOSURE_LIMITS_FILE": str(limits_file),
        }
        baseline_command = [sys.executable, "-m", "benchmarks.baseline", installation.database_url]
        with (
            run_process(installation.command("serve", "--port", 0), environment, log) as server,
            run_process(baseline_command, environment, log) as baseline,
        ):
            assert server.stdout
            assert baseline.stdout
            port = int(json.loads(server.stdout.readline())["url"].rpartition(":")[2])
            holders = _read_names(source, "phone", holders=True)
            recipients = _read_names(source, "phone", holders=False)
            yield Deployment(
                port=port,
                baseline_port=int(baseline.stdout.readline()),
                holder_phones=list(holders),
                recipient_phones=[phone for phone in recipients if phone not in holders],
                holder_emails=list(_read_names(source, "email", holders=True)),
                names_by_phone=holders,
                _server=server,
            )


@contextmanager
def run_process(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator["subprocess.Popen[str]"]:
    """Run a command until the block ends, then terminate it."""
    with log.open("a") as errors:
        process = _start_process(command, environment, errors)
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _start_process(command: Sequence[str], environment: dict[str, str], errors: IO[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, env=environment, cwd=PROJECT_ROOT, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8"
    )


def _read_names(source: Path, kind: Literal["phone", "email"], *, holders: bool) -> dict[str, str]:
    """Read the first identifier of a kind and the first name of each row. The rows are those of *holders*, or of recipients."""
    with source.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row[kind] and bool(row["recipient_ref"]) != holders]
    return {canonicalize(kind, row[kind].partition("|")[0]): row["name"].partition("|")[0] for row in rows}
