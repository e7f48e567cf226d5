"""How a keyholder starts and ends, and when it refuses to start."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from app.crypto.keys import InvalidKey
from app.errors import InvalidInput
from app.keyholder import KeyholderClient, KeyholderSocket, import_socket_path, serve, spawn_keyholder
from tests.keyholder.helpers import (
    PEPPER,
    TIMEOUT_SECONDS,
    VALUE_INPUT,
    fail_when_ready,
    is_running,
    running_keyholder,
    short_temp_folder,
    wait_until,
    write_pepper_file,
)

pytestmark = pytest.mark.kill


@pytest.fixture
def pepper(tmp_path: Path) -> Path:
    return write_pepper_file(tmp_path / "pepper" / "pepper.key")


def pid_behind(path: Path) -> int:
    """Return the process that listens on a socket."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))
        credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[:4], sys.byteorder)


def test_a_child_ends_with_its_block(pepper: Path) -> None:
    with spawn_keyholder(pepper, KeyholderSocket.LOOKUP) as path:
        pid = pid_behind(path)
        assert is_running(pid)
        assert pid != os.getpid()
    assert not is_running(pid)
    assert not path.parent.exists()


def test_a_child_ends_with_a_block_that_fails(pepper: Path) -> None:
    with pytest.raises(ZeroDivisionError), spawn_keyholder(pepper, KeyholderSocket.LOOKUP) as path:
        pid = pid_behind(path)
        raise ZeroDivisionError
    assert not is_running(pid)


def test_a_child_ends_when_its_parent_is_killed(pepper: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from app.keyholder import *\n"
        "with spawn_keyholder(Path(sys.argv[1]), KeyholderSocket.LOOKUP) as path:\n"
        "    print(path, flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(pepper)], stdout=subprocess.PIPE) as parent:
        try:
            assert parent.stdout
            path = Path(parent.stdout.readline().decode().strip())
            pid = pid_behind(path)
            assert is_running(pid)
        finally:
            parent.send_signal(signal.SIGKILL)
    assert wait_until(lambda: not is_running(pid))
    for stale in (path, path.parent):
        stale.unlink() if stale.is_socket() else stale.rmdir()


def test_a_child_receives_no_settings_and_no_keys(pepper: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EXPOSURE_DATABASE_URL", "postgresql://user:s3cret-m4rk@127.0.0.1/exposure")
    with spawn_keyholder(pepper, KeyholderSocket.LOOKUP) as path:
        environment = Path(f"/proc/{pid_behind(path)}/environ").read_bytes()
        command = Path(f"/proc/{pid_behind(path)}/cmdline").read_bytes()
    assert b"EXPOSURE_" not in environment
    for text in (environment, command):
        assert b"s3cret-m4rk" not in text
        assert PEPPER not in text
        assert PEPPER.hex().encode() not in text


def _delete(path: Path) -> str:
    path.unlink()
    return "cannot be read"


def _make_readable(path: Path) -> str:
    path.chmod(0o640)
    return "must be readable by its owner only"


def _truncate(path: Path) -> str:
    path.write_bytes(PEPPER[:16])
    return "is 16 bytes"


def _write_as_hex(path: Path) -> str:
    path.write_text(PEPPER.hex())
    return "is 64 bytes"


def _replace_by_folder(path: Path) -> str:
    path.unlink()
    path.mkdir(mode=0o700)
    return "cannot be read"


@pytest.mark.parametrize("spoil", [_delete, _make_readable, _truncate, _write_as_hex, _replace_by_folder])
def test_an_unusable_pepper_is_refused(pepper: Path, spoil: Callable[[Path], str], tmp_path: Path) -> None:
    reason = spoil(pepper)
    for start in (
        lambda: spawn_keyholder(pepper, KeyholderSocket.LOOKUP).__enter__(),
        lambda: serve(tmp_path / "socket", pepper, on_ready=fail_when_ready),
    ):
        with pytest.raises(InvalidKey) as caught:
            start()
        line = str(caught.value)
        assert str(pepper) in line
        assert reason in line
        assert "\n" not in line
        assert PEPPER.hex()[:16] not in line
    assert not (tmp_path / "socket").exists()


def test_the_command_prints_why_it_does_not_start(pepper: Path, tmp_path: Path) -> None:
    pepper.chmod(0o644)
    for environment, expected in ({"EXPOSURE_PEPPER_FILE": str(pepper)}, str(pepper)), ({}, "EXPOSURE_PEPPER_FILE"):
        process = subprocess.run(
            [
                sys.executable,
                "-m",
                "app",
                "keyholder",
                "--socket",
                str(tmp_path / "socket"),
            ],
            env=os.environ | environment,
            cwd=tmp_path,
            capture_output=True,
            timeout=TIMEOUT_SECONDS,
        )
        assert process.returncode == 2
        assert process.stdout == b""
        assert re.fullmatch(rf".*{re.escape(expected)}.*\n", process.stderr.decode())


def test_a_stale_socket_is_replaced(pepper: Path) -> None:
    with short_temp_folder() as folder:
        for path in (folder / "socket", import_socket_path(folder / "socket")):
            with socket.socket(socket.AF_UNIX) as stale:
                stale.bind(str(path))
        with running_keyholder(folder / "socket", pepper):
            for path in (folder / "socket", import_socket_path(folder / "socket")):
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
                with KeyholderClient(path, timeout=TIMEOUT_SECONDS) as keyholder:
                    assert len(keyholder.mac(VALUE_INPUT)) == 32


def test_a_socket_in_use_is_not_taken_over(pepper: Path, tmp_path: Path) -> None:
    other = write_pepper_file(tmp_path / "other" / "pepper.key", bytes(range(1, 33)))
    with short_temp_folder() as folder, running_keyholder(folder / "socket", pepper) as running_process:
        with pytest.raises(InvalidInput, match="already listens"):
            serve(folder / "socket", other, on_ready=fail_when_ready)
        assert pid_behind(folder / "socket") == running_process.pid


def test_a_socket_that_cannot_be_created(pepper: Path) -> None:
    umask = os.umask(0o022)
    os.umask(umask)
    with short_temp_folder() as folder:
        (folder / "file").write_text("kept")
        for path in (folder / "file", folder / "none" / "socket", folder / ("x" * 200)):
            with pytest.raises(InvalidInput, match="socket cannot be created") as caught:
                serve(path, pepper, on_ready=fail_when_ready)
            assert str(path) in str(caught.value)
            assert "\n" not in str(caught.value)
        assert (folder / "file").read_text() == "kept"
    assert os.umask(umask) == umask
