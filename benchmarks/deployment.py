"""A deployment to measure: PostgreSQL, made-up people, the real `exposure serve`, and the baseline beside it."""

import csv
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import psutil

from app.identifiers import canonical
from benchmarks.load import ROOT
from tests.support.servers import postgresql

EXPOSURE = [sys.executable, "-c", "from app.main import main; main()"]
LAVISH = "[client]\n" + "".join(
    f'{name} = "100000000/minute"\n' for name in ("verifications", "verifications_of_subnet", "confirmations", "other")
)


@dataclass(frozen=True)
class Deployment:
    """What is measured, and what it is measured against."""

    port: int
    baseline_port: int
    identifiers: Sequence[str]
    """Phones of holders in canonical form, no two the same."""
    _server: "subprocess.Popen[str]" = field(repr=False)

    def codes(self, count: int) -> dict[str, str]:
        """Take the next *count* codes that were sent, by whom they were sent to; waits for them."""
        assert self._server.stdout
        said = [json.loads(self._server.stdout.readline()) for _ in range(count)]
        return {one["to"]: one["code"] for one in said}

    def cpu_seconds(self) -> float:
        """Give what the server and its keyholder have spent so far."""
        server = psutil.Process(self._server.pid)
        spent = [one.cpu_times() for one in (server, *server.children(recursive=True))]
        return float(sum(one.user + one.system for one in spent))


@contextmanager
def deployed(accounts: int, **settings: str) -> Iterator[Deployment]:
    """Set one up as an operator would, and serve it for as long as the block lasts.

    Args:
        accounts: how many to make up.
        settings: of the environment, beside the necessary ones.
    """
    with tempfile.TemporaryDirectory(prefix="exposure-benchmark-") as name, postgresql() as url:
        folder = Path(name)
        limits, people = folder / "limits.toml", folder / "people.csv"
        limits.write_text(LAVISH)
        environment = {key: value for key, value in os.environ.items() if not key.startswith("EXPOSURE_")} | {
            "EXPOSURE_DATABASE_URL": url,
            "EXPOSURE_KEY_DIR": str(folder / "keys"),
            "EXPOSURE_PEPPER_FILE": str(folder / "pepper" / "pepper.key"),
            "EXPOSURE_SENDER": "console",
            "EXPOSURE_LIMITS_FILE": str(limits),
            **settings,
        }

        def run(*arguments: object) -> list[dict[str, Any]]:
            command = [*EXPOSURE, *map(str, arguments), "--json"]
            done = subprocess.run(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, check=True)
            return [json.loads(line) for line in done.stdout.splitlines()]

        _fill(run, people, accounts)
        with (
            _running([*EXPOSURE, "serve", "--port", "0", "--json"], environment, folder / "log") as server,
            _running([sys.executable, "-m", "benchmarks.baseline", url], environment, folder / "log") as baseline,
        ):
            assert server.stdout
            assert baseline.stdout
            port = int(json.loads(server.stdout.readline())["url"].rpartition(":")[2])
            yield Deployment(port, int(baseline.stdout.readline()), _phones(people), server)


def _fill(run: Callable[..., list[dict[str, Any]]], people: Path, accounts: int) -> None:
    run("db", "upgrade")
    run("keys", "generate")
    run("incident", "create", ROOT / "app" / "incidents" / "sample.toml")
    run("dataset", "synthesize", "--accounts", accounts, "--out", people)
    staged = run("dataset", "import", people, "--incident", "sample-2025", "--cost", "minimal", "--workers", 1)[-1]
    run("dataset", "publish", staged["id"])


@contextmanager
def _running(command: Sequence[str], environment: dict[str, str], log: Path) -> Iterator["subprocess.Popen[str]"]:
    with log.open("a") as errors:
        process = _started(command, environment, errors)
        try:
            yield process
        finally:
            process.terminate()
            process.communicate(timeout=30)


def _started(command: Sequence[str], environment: dict[str, str], errors: IO[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=errors, encoding="utf-8")


def _phones(people: Path) -> list[str]:
    with people.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["phone"] and not row["recipient_ref"]]
    return list(dict.fromkeys(canonical("phone", row["phone"].partition("|")[0]) for row in rows))
