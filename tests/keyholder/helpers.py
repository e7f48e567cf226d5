"""Shared by the tests of app.keyholder: real processes, fake servers, bounded waiting, and expected MACs."""

import contextlib
import hmac
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from app.crypto import mac_inputs
from app.crypto.framing import frame
from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper

PEPPER = bytes(range(32))
OTHER_PEPPER = bytes(range(1, 33))
TIMEOUT_SECONDS = 60.0
"""A test gives up after this time. No test depends on its length."""
EMAIL_PREFIX, NAME_PREFIX = mac_inputs.identifier_prefix("email"), mac_inputs.value_prefix("name")
SUBJECT_PREFIX = mac_inputs.subject_prefix("sample")
VALUE_INPUT = mac_inputs.value_input("name", "홍길동")


def write_pepper_file(path: Path, raw: bytes = PEPPER) -> Path:
    create_key_file(path, Pepper(raw))
    return path


def fail_when_ready() -> None:
    """For `serve`, where a keyholder must not start."""
    pytest.fail("a keyholder became ready")


def wait_until(condition: Callable[[], bool]) -> bool:
    """Wait until *condition* is true. Return False after `TIMEOUT_SECONDS`."""
    end = time.monotonic() + TIMEOUT_SECONDS
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


def process_state(pid: int) -> str:
    """Return the state letter of a process; empty if it does not exist."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return ""


def is_running(pid: int) -> bool:
    """Return whether a process exists and is not a zombie."""
    return process_state(pid) not in ("", "Z", "X")


def suspend(process: subprocess.Popen[bytes]) -> None:
    """Stop a process with SIGSTOP; `SIGCONT` resumes it."""
    process.send_signal(signal.SIGSTOP)
    assert wait_until(lambda: process_state(process.pid) == "T")


@contextmanager
def short_temp_folder() -> Iterator[Path]:
    """Yield a temporary folder with a short path: the path of a Unix socket is limited."""
    with tempfile.TemporaryDirectory(prefix="kh-") as folder:
        yield Path(folder)


@contextmanager
def running_keyholder(path: Path, pepper: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `exposure keyholder --socket PATH` as a process and wait until it is ready."""
    with subprocess.Popen(
        [sys.executable, "-m", "app", "keyholder", "--socket", str(path)],
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
def fake_server(path: Path, handle: Callable[[socket.socket], object]) -> Iterator[None]:
    """Serve something else at *path*: *handle* is called with each connection."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def accept() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection, contextlib.suppress(OSError):
                    handle(connection)

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join(TIMEOUT_SECONDS)


def expected_mac(message: bytes) -> bytes:
    return hmac.new(PEPPER, message, "sha256").digest()


def expected_macs(prefix: bytes, inputs: Sequence[bytes]) -> bytes:
    return b"".join([expected_mac(prefix + frame(mac_input)) for mac_input in inputs])
