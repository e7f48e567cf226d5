"""How a keyholder starts and ends, and when it refuses to start."""

import os
import re
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.cli.resources import open_keyholder, open_keys
from app.config import InvalidSetting, Settings
from app.crypto import mac_inputs
from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.keys import ApplicationKey, InvalidKey, SigningKey, StoreKey
from app.db import Database
from app.errors import InvalidInput
from app.keyholder import KeyholderClient, KeyholderSocket, import_socket_path, serve, spawn_keyholder
from tests.keyholder.helpers import (
    PEPPER,
    TIMEOUT_SECONDS,
    is_running,
    running_keyholder,
    short_temp_folder,
    wait_until,
    write_pepper_file,
)

pytestmark = pytest.mark.kill

MESSAGE = mac_inputs.value_input("name", "홍길동")


@pytest.fixture
def pepper(tmp_path: Path) -> Path:
    return write_pepper_file(tmp_path / "pepper" / "pepper.key")


def pid_behind(path: Path) -> int:
    """Return the process that listens on a socket."""
    with socket.socket(socket.AF_UNIX) as caller:
        caller.connect(str(path))
        credentials = caller.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int.from_bytes(credentials[:4], sys.byteorder)


def fail_when_ready() -> None:
    pytest.fail("a keyholder became ready")


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
                    assert len(keyholder.mac(MESSAGE)) == 32


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


@pytest.fixture
def settings(tmp_path: Path, pepper: Path) -> Settings:
    """Return settings of a deployment with keys, pepper and database in separate folders."""
    keys = KeyRing(tmp_path / "keys")
    create_key_file(keys.application_key_path, ApplicationKey.generate())
    create_key_file(keys.signing_key_path, SigningKey.generate())
    url = f"sqlite:///{tmp_path}/database/exposure.sqlite3"
    return Settings(_env_file=None, key_dir=keys.folder, pepper_file=pepper, database_url=url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Yield a database of each kind; no connection is opened."""
    sqlite = f"sqlite:///{tmp_path}/database/exposure.sqlite3"
    database = Database(sqlite if request.param == "sqlite" else "postgresql://127.0.0.1:1/exposure")
    yield database
    database.close()


def with_settings(settings: Settings, **fields: object) -> Settings:
    return settings.model_copy(update=fields)


def test_keys_in_a_separate_folder_are_opened(settings: Settings, database: Database) -> None:
    assert open_keys(settings, database).folder == settings.key_dir
    assert open_keys(with_settings(settings, pepper_file=None), database).folder == settings.key_dir


def test_keys_or_pepper_in_the_database_folder_are_refused(settings: Settings, tmp_path: Path) -> None:
    for folder, match in (
        (settings.key_dir, "must not be the database's folder"),
        (tmp_path / "pepper", "EXPOSURE_PEPPER_FILE: must not be in the database"),
    ):
        database = Database(f"sqlite:///{folder}/exposure.sqlite3")
        with pytest.raises(InvalidKey, match=match):
            open_keys(settings, database)
        database.close()


@pytest.mark.parametrize("folder", ["database", "database/deeper"])
def test_a_pepper_beneath_the_database_folder_is_refused(settings: Settings, tmp_path: Path, folder: str) -> None:
    database = Database(settings.database_url)
    with pytest.raises(InvalidKey, match="EXPOSURE_PEPPER_FILE: must not be in the database"):
        open_keys(with_settings(settings, pepper_file=tmp_path / folder / "pepper.key"), database)
    database.close()


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_a_socket_that_anybody_could_create_is_refused(settings: Settings, pepper: Path, mode: int) -> None:
    with short_temp_folder() as folder:
        folder.chmod(mode)
        configured = with_settings(settings, keyholder=f"unix:{folder}/socket", pepper_file=None)
        with pytest.raises(InvalidInput, match="could put their own socket there"):
            serve(folder / "socket", pepper, on_ready=fail_when_ready)
        with (
            pytest.raises(InvalidInput, match="could put their own socket there"),
            open_keyholder(configured, KeyholderSocket.LOOKUP),
        ):
            pass


@pytest.mark.parametrize("relative_path", ["pepper.key", "deeper/pepper.key", "../keys/pepper.key"])
def test_on_postgresql_a_pepper_among_the_keys_is_refused(
    settings: Settings, database: Database, relative_path: str
) -> None:
    combined = with_settings(settings, pepper_file=settings.key_dir / relative_path)
    if database.is_sqlite:
        assert open_keys(combined, database)
    else:
        with pytest.raises(InvalidKey, match=r"EXPOSURE_PEPPER_FILE: .*EXPOSURE_KEY_DIR"):
            open_keys(combined, database)


def test_a_pepper_that_is_one_of_the_applications_keys_is_refused(settings: Settings, database: Database) -> None:
    keys = KeyRing(settings.key_dir)
    store_key = StoreKey.generate()
    keys.save_store_key(store_key)
    for path in (keys.application_key_path, keys.signing_key_path, keys.store_key_path(store_key.id)):
        with pytest.raises(InvalidKey, match="EXPOSURE_PEPPER_FILE"):
            open_keys(with_settings(settings, pepper_file=path), database)


def test_unusable_keys_are_refused(settings: Settings, database: Database) -> None:
    keys = KeyRing(settings.key_dir)
    keys.signing_key_path.chmod(0o640)
    with pytest.raises(InvalidKey, match="must be readable by its owner only"):
        open_keys(settings, database)
    keys.signing_key_path.unlink()
    with pytest.raises(InvalidKey, match="cannot be read"):
        open_keys(settings, database)
    create_key_file(keys.signing_key_path, SigningKey(keys.load_application_key().reveal()))
    with pytest.raises(InvalidKey, match="is equal to"):
        open_keys(settings, database)


def test_a_configured_keyholder_is_used(settings: Settings, tmp_path: Path) -> None:
    configured = with_settings(settings, keyholder=f"unix:{tmp_path}/socket", pepper_file=None)
    with open_keyholder(configured, KeyholderSocket.LOOKUP) as path:
        assert path == tmp_path / "socket"


def test_a_child_is_started_if_no_keyholder_is_configured(settings: Settings) -> None:
    with (
        open_keyholder(settings, KeyholderSocket.LOOKUP) as path,
        KeyholderClient(path, timeout=TIMEOUT_SECONDS) as keyholder,
    ):
        assert len(keyholder.mac(MESSAGE)) == 32
    with pytest.raises(InvalidSetting, match="EXPOSURE_PEPPER_FILE: must be set"):
        open_keyholder(with_settings(settings, pepper_file=None), KeyholderSocket.LOOKUP).__enter__()
