"""Driving the real console script, as an operator does: a process, its exit code, what it says."""

import json
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import httpx

EXPOSURE = Path(sys.executable).with_name("exposure")
PATIENCE = 120
"""Seconds after which a process that says nothing has failed; no test is about time."""


@dataclass(frozen=True)
class CommandResult:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """What ``--json`` said: one object a line, and nothing else."""
        found = [json.loads(line) for line in self.out.splitlines()]
        assert all(isinstance(one, dict) for one in found)
        return found


@dataclass(frozen=True)
class CliDriver:
    """A working folder, and the settings of one deployment."""

    folder: Path
    settings: Mapping[str, str]
    run: Callable[["CliDriver", Sequence[str], str], CommandResult] | None = None

    @classmethod
    def in_folder(cls, folder: Path, database_url: str | None = None) -> Self:
        """Give a deployment's usual settings; nothing is made yet."""
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
        """The same with some settings changed; None takes one away."""
        changed = {name: value for name, value in ({**self.settings, **settings}).items() if value is not None}
        return replace(self, settings=changed)

    def environment(self) -> dict[str, str]:
        """The machine's environment, less what is set there for this project."""
        return {name: value for name, value in os.environ.items() if not name.startswith("EXPOSURE_")} | dict(
            self.settings
        )

    def __call__(self, *arguments: object, stdin: str = "", code: int = 0) -> CommandResult:
        """Run to the end. Whatever happens, nobody is shown a traceback."""
        ran = (self.run or _run_script)(self, [str(EXPOSURE), *map(str, arguments)], stdin)
        assert "Traceback" not in ran.err, ran.err
        assert "Warning" not in ran.err, ran.err
        assert ran.code == code, (ran.code, ran.out, ran.err)
        return ran

    def expect_refusal(self, *arguments: object, stdin: str = "", code: int = 2) -> str:
        """Run what is refused: the one line that says why."""
        ran = self(*arguments, stdin=stdin, code=code)
        (line,) = ran.err.splitlines()
        return line

    @contextmanager
    def running(self, *arguments: object) -> Iterator["RunningCommand"]:
        """Run in the background for as long as the block lasts, and never longer."""
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


def _run_script(console: CliDriver, arguments: Sequence[str], stdin: str) -> CommandResult:
    done = subprocess.run(
        arguments,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        cwd=console.folder,
        env=console.environment(),
        timeout=PATIENCE,
    )
    return CommandResult(done.returncode, done.stdout, done.stderr)


@contextmanager
def fork_server() -> Iterator[Callable[[CliDriver, Sequence[str], str], CommandResult]]:
    """Run commands as forks of one loaded process, for as long as the block lasts."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faces.cli.fork_server"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        encoding="utf-8",
        cwd=Path(__file__).parents[3],
    ) as process:
        assert process.stdin
        assert process.stdout
        asking, answering = process.stdin, process.stdout

        def run(console: CliDriver, arguments: Sequence[str], stdin: str) -> CommandResult:
            files = {name: console.folder / f"zygote.{name}" for name in ("stdin", "stdout", "stderr")}
            for name, path in files.items():
                path.write_text(stdin if name == "stdin" else "", encoding="utf-8")
            order = {"arguments": arguments, "environment": console.environment(), "folder": str(console.folder)}
            asking.write(json.dumps(order | {name: str(path) for name, path in files.items()}) + "\n")
            asking.flush()
            code = int(answering.readline())
            return CommandResult(code, files["stdout"].read_text("utf-8"), files["stderr"].read_text("utf-8"))

        try:
            yield run
        finally:
            process.kill()


class RunningCommand:
    """A command that runs: what it says is read by a thread, so that no read waits for ever."""

    def __init__(self, process: "subprocess.Popen[str]", log: Path) -> None:
        self.process, self.log = process, log
        self._lines: queue.Queue[str] = queue.Queue()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def line(self) -> str:
        """The next line on standard output."""
        line = self._lines.get(timeout=PATIENCE)
        assert line, f"it ended: {self.log.read_text()}"
        return line

    def event(self, name: str) -> dict[str, Any]:
        """The next object on standard output, which is of this event."""
        found: dict[str, Any] = json.loads(self.line())
        assert found["event"] == name
        return found

    def errors(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def children(self) -> list[int]:
        """Processes that it started and that still run."""
        return [pid for pid, parent in _parents() if parent == self.process.pid]

    def stop(self) -> int:
        """Tell it to end; gives its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE)

    def join(self) -> None:
        self._thread.join(PATIENCE)

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")


def runs(pid: int) -> bool:
    """Whether a process is there, and not only its remains."""
    return any(one == pid for one, _ in _parents())


def _parents() -> list[tuple[int, int]]:
    found = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            name_and_more = status.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if name_and_more[0] != "Z":
            found.append((int(status.parent.name), int(name_and_more[1])))
    return found


class CustomerClient:
    """Somebody with a browser, whose codes arrive on the server's standard output."""

    def __init__(self, url: str, server: RunningCommand) -> None:
        self.server = server
        self.http = httpx.Client(base_url=url, timeout=PATIENCE, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def sign_in(self, channel: str, identifier: str) -> dict[str, Any]:
        """Prove an identifier; gives the code's event, and remembers the session."""
        asked = self.http.post("/v1/verifications", json={"channel": channel, "identifier": identifier})
        assert asked.status_code == 202, asked.text
        sent = self.server.event("code")
        body = asked.json()
        confirmed = self.http.post(
            f"/v1/verifications/{body['id']}/confirm",
            json={"code": sent["code"], "client_secret": body["client_secret"]},
        )
        assert confirmed.status_code == 200, confirmed.text
        self.http.headers["Authorization"] = f"Bearer {confirmed.json()['access_token']}"
        return sent

    def exposures(self) -> dict[str, Any]:
        answer = self.http.get("/v1/exposures")
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body
