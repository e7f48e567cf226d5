"""What the tests of the keyholder share: real processes, false servers, and waiting with a bound."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper

PEPPER = bytes(range(32))
OTHER_PEPPER = bytes(range(1, 33))
PATIENCE = 60.0
"""Seconds after which a test gives up: a bound, never a measure."""


def write_pepper_file(path: Path, raw: bytes = PEPPER) -> Path:
    create_key_file(path, Pepper(raw))
    return path


def eventually(holds: Callable[[], bool]) -> bool:
    """Wait for something that comes by itself."""
    end = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def state(pid: int) -> str:
    """A process's state in one letter; nothing where it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid: int) -> bool:
    """Whether a process is there and is more than an entry that nobody has collected."""
    return state(pid) not in ("", "Z", "X")


def hang(process: subprocess.Popen[bytes]) -> None:
    """Stop a process where it stands; `SIGCONT` lets it go on."""
    process.send_signal(signal.SIGSTOP)
    assert eventually(lambda: state(process.pid) == "T")


@contextmanager
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="kh-") as folder:
        yield Path(folder)


@contextmanager
def running_keyholder(path: Path, pepper: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`exposure keyholder --socket PATH` as its own process, ready."""
    code = "from app.main import main; main()"
    with subprocess.Popen(
        [sys.executable, "-c", code, "keyholder", "--socket", str(path)],
        env=os.environ | {"EXPOSURE_PEPPER_FILE": str(pepper)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            assert process.stdout
            assert process.stderr
            assert process.stdout.readline(), process.stderr.read().decode()
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()


@contextmanager
def false_server(path: Path, answer: Callable[[socket.socket], object]) -> Iterator[None]:
    """Something at the socket that speaks otherwise: *answer* is handed each connection."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    answer(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            thread.join(PATIENCE)
