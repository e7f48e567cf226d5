"""Run the real console script as an operator does, and examine its exit code and output."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import httpx
from typer.testing import CliRunner

from app.cli import commands

EXPOSURE = Path(sys.executable).with_name("exposure")
TIMEOUT_SECONDS = 120
"""A process that prints nothing for so long has failed. No test depends on time."""


@dataclass(frozen=True)
class CommandResult:
    """The result of a command that ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """Parse the output of `--json`: one object a line, and nothing else."""
        found = [json.loads(line) for line in self.stdout.splitlines()]
        assert all(isinstance(item, dict) for item in found)
        return found


@dataclass(frozen=True)
class CliDriver:
    """Runs commands in a working folder with the settings of one deployment."""

    folder: Path
    settings: Mapping[str, str]
    run: Callable[["CliDriver", Sequence[str], bytes], CommandResult] | None = None

    @classmethod
    def in_folder(cls, folder: Path, database_url: str | None = None) -> Self:
        """Use the usual settings of a deployment. Nothing is created yet."""
        return cls(
            folder,
            {
                "EXPOSURE_DATABASE_URL": database_url or f"sqlite:///{folder / 'database' / 'exposure.sqlite3'}",
                "EXPOSURE_KEY_DIR": str(folder / "keys"),
                "EXPOSURE_PEPPER_FILE": str(folder / "pepper" / "pepper.key"),
                "EXPOSURE_SENDER": "console",
            },
        )

    def with_settings(self, **settings: str | None) -> "CliDriver":
        """Return a copy with some settings changed; None removes a setting."""
        changed = {name: value for name, value in ({**self.settings, **settings}).items() if value is not None}
        return replace(self, settings=changed)

    def environment(self) -> dict[str, str]:
        """Return the environment without the EXPOSURE_ variables of this machine, plus the settings."""
        return {name: value for name, value in os.environ.items() if not name.startswith("EXPOSURE_")} | dict(
            self.settings
        )

    def __call__(self, *arguments: object, stdin: str | bytes = b"", exit_code: int = 0) -> CommandResult:
        """Run a command to its end. It must not print a traceback, and must end with *exit_code*."""
        raw = stdin.encode() if isinstance(stdin, str) else stdin
        result = (self.run or _run_script)(self, [str(EXPOSURE), *map(str, arguments)], raw)
        assert "Traceback" not in result.stderr, result.stderr
        assert "Warning" not in result.stderr, result.stderr
        assert result.exit_code == exit_code, result
        return result

    def expect_refusal(self, *arguments: object, stdin: str | bytes = b"", exit_code: int = 2) -> str:
        """Run a command that must fail, and return the one line of its error."""
        result = self(*arguments, stdin=stdin, exit_code=exit_code)
        (line,) = result.stderr.splitlines()
        return line

    @contextmanager
    def running(self, *arguments: object) -> Iterator["RunningCommand"]:
        """Run a command in the background until the block ends."""
        log = self.folder / f"running-{os.urandom(4).hex()}.log"
        with (
            log.open("wb") as errors,
            subprocess.Popen(
                [EXPOSURE, *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=errors,
                encoding="utf-8",
                cwd=self.folder,
                env=self.environment(),
                start_new_session=True,
            ) as process,
        ):
            running = RunningCommand(process, log)
            try:
                yield running
            finally:
                if process.poll() is None:
                    process.terminate()
                    try:
                        process.wait(20)
                    except subprocess.TimeoutExpired:
                        os.killpg(process.pid, signal.SIGKILL)
                running.join()


def _run_script(cli: CliDriver, arguments: Sequence[str], stdin: bytes) -> CommandResult:
    done = subprocess.run(
        arguments,
        input=stdin,
        capture_output=True,
        cwd=cli.folder,
        env=cli.environment(),
        timeout=TIMEOUT_SECONDS,
    )
    return CommandResult(done.returncode, done.stdout.decode(), done.stderr.decode())


def run_in_process(cli: CliDriver, arguments: Sequence[str], stdin: bytes) -> CommandResult:
    """Run a command in this process, with its settings and folder: for refusals, where a start of Python would be most of the time."""
    with patch.dict(os.environ, cli.environment(), clear=True), chdir(cli.folder):
        result = CliRunner().invoke(commands, arguments[1:], input=stdin, prog_name="exposure")
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return CommandResult(result.exit_code, result.stdout, result.stderr)


class RunningCommand:
    """A command that runs in the background. A thread reads its output, so that no read blocks for ever."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process, self.log = process, log
        self._lines: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def read_line(self) -> str:
        """Return the next line of standard output."""
        line = self._lines.get(timeout=TIMEOUT_SECONDS)
        assert line, f"the command ended: {self.log.read_text()}"
        return line

    def read_event(self, name: str) -> dict[str, Any]:
        """Return the next object of standard output, which must be this event."""
        found: dict[str, Any] = json.loads(self.read_line())
        assert found["event"] == name
        return found

    def stderr_text(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def children(self) -> list[int]:
        """Return the running child processes."""
        return [pid for pid, parent in _running_processes() if parent == self.process.pid]

    def stop(self) -> int:
        """Send SIGTERM and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(TIMEOUT_SECONDS)

    def join(self) -> None:
        self._thread.join(TIMEOUT_SECONDS)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")


def is_running(pid: int) -> bool:
    """Return whether a process runs; a zombie does not."""
    return any(running == pid for running, _ in _running_processes())


def _running_processes() -> list[tuple[int, int]]:
    """Return the process id and the parent's of every process but zombies."""
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # the process ended meanwhile
        if fields[0] != "Z":
            found.append((int(status.parent.name), int(fields[1])))
    return found


class CustomerClient:
    """A customer's HTTP client. One-time codes are read from the server's standard output."""

    def __init__(self, url: str, server: RunningCommand) -> None:
        self.server = server
        self.http = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def sign_in(self, channel: str, identifier: str) -> dict[str, Any]:
        """Verify an identifier, keep the session, and return the code's event."""
        started = self.http.post("/v1/verifications", json={"channel": channel, "identifier": identifier})
        assert started.status_code == 202, started.text
        code_event = self.server.read_event("code")
        body = started.json()
        confirmed = self.http.post(
            f"/v1/verifications/{body['id']}/confirm",
            json={"code": code_event["code"], "client_secret": body["client_secret"]},
        )
        assert confirmed.status_code == 200, confirmed.text
        self.http.headers["Authorization"] = f"Bearer {confirmed.json()['access_token']}"
        return code_event

    def exposures(self) -> dict[str, Any]:
        answer = self.http.get("/v1/exposures")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body
