"""A keyholder that is down, suspended, restarted, or has invalid clients: always `KeyholderUnavailable`, never a wrong answer."""

import contextlib
import hmac
import signal
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.crypto import mac_inputs
from app.crypto.framing import frame
from app.keyholder import KeyholderClient, KeyholderUnavailable, import_socket_path
from app.keyholder.protocol import MAX_MESSAGE_BYTES, STATUS_DENIED, STATUS_OK, receive_message, send_message
from tests.keyholder.helpers import (
    OTHER_PEPPER,
    PEPPER,
    TIMEOUT_SECONDS,
    running_keyholder,
    short_temp_folder,
    suspend,
    wait_until,
    write_pepper_file,
)
from tests.keyholder.known_request import ANSWER, INPUT, MESSAGE, PREFIX, assert_unavailable

pytestmark = pytest.mark.kill


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_temp_folder() as folder:
        write_pepper_file(folder / "pepper.key")
        yield folder


def test_no_keyholder_at_the_socket(folder: Path) -> None:
    (folder / "file").write_text("")
    for path in (folder / "socket", folder / "file", folder / "none" / "socket", folder, folder / ("x" * 200)):
        with KeyholderClient(path) as keyholder:
            assert_unavailable(keyholder)


def test_a_killed_keyholder(folder: Path) -> None:
    with (
        running_keyholder(folder / "socket", folder / "pepper.key") as process,
        KeyholderClient(folder / "socket") as keyholder,
    ):
        assert keyholder.mac(MESSAGE) == ANSWER
        process.kill()
        process.wait(TIMEOUT_SECONDS)
        assert_unavailable(keyholder)
        with KeyholderClient(folder / "socket") as new_client:
            assert_unavailable(new_client)


def test_a_suspended_keyholder(folder: Path) -> None:
    with (
        running_keyholder(folder / "socket", folder / "pepper.key") as process,
        KeyholderClient(folder / "socket", timeout=0.2) as keyholder,
        KeyholderClient(folder / "socket", timeout=0.2) as new_client,
    ):
        assert keyholder.mac(MESSAGE) == ANSWER
        suspend(process)
        assert_unavailable(keyholder)
        assert_unavailable(new_client)
        process.send_signal(signal.SIGCONT)
        assert wait_until(lambda: responds(keyholder))
        assert wait_until(lambda: responds(new_client))


def test_an_open_connection_is_not_probed(folder: Path) -> None:
    """A suspended keyholder is noticed by the next request only, a closed connection by every call."""
    with (
        running_keyholder(folder / "socket", folder / "pepper.key") as process,
        KeyholderClient(folder / "socket", timeout=0.2) as keyholder,
    ):
        connection_id = keyholder.connection_id()
        suspend(process)
        assert keyholder.connection_id() == connection_id
        with pytest.raises(KeyholderUnavailable, match="in time"):
            keyholder.ping()
        with pytest.raises(KeyholderUnavailable):
            keyholder.connection_id()


def test_a_late_response_is_not_taken_for_the_next(folder: Path) -> None:
    with (
        running_keyholder(folder / "socket", folder / "pepper.key") as process,
        KeyholderClient(folder / "socket", timeout=0.2) as keyholder,
    ):
        connection_id = keyholder.connection_id()
        suspend(process)
        with pytest.raises(KeyholderUnavailable, match="in time"):
            keyholder.mac(mac_inputs.value_input("name", "somebody else"))
        process.send_signal(signal.SIGCONT)
        assert wait_until(lambda: responds(keyholder))
        assert keyholder.connection_id() > connection_id


def test_no_queue_builds_up_behind_a_suspended_keyholder(folder: Path) -> None:
    """A thread that waited too long for the lock gives up without its own request: few connections are opened, not one for each thread."""
    with (
        running_keyholder(folder / "socket", folder / "pepper.key") as process,
        KeyholderClient(folder / "socket", timeout=1.0) as keyholder,
        ThreadPoolExecutor(60) as threads,
    ):
        before = keyholder.connection_id()
        suspend(process)
        futures = [threads.submit(keyholder.mac, MESSAGE) for _ in range(60)]
        errors = [future.exception(timeout=2 * TIMEOUT_SECONDS) for future in futures]
        assert {type(error) for error in errors} == {KeyholderUnavailable}
        process.send_signal(signal.SIGCONT)
        assert wait_until(lambda: responds(keyholder))
        assert keyholder.connection_id() - before < 30


def test_threads_share_a_connection_and_get_their_own_macs(folder: Path) -> None:
    requests = [mac_inputs.value_input("name", str(index)) for index in range(300)]
    with (
        running_keyholder(folder / "socket", folder / "pepper.key"),
        KeyholderClient(folder / "socket", timeout=TIMEOUT_SECONDS) as keyholder,
        ThreadPoolExecutor(16) as threads,
    ):
        connection_id = keyholder.connection_id()
        macs = list(threads.map(keyholder.mac, requests))
        assert keyholder.connection_id() == connection_id
    assert macs == [hmac.digest(PEPPER, message, "sha256") for message in requests]


def test_a_restart_is_noticed_and_the_client_reconnects(folder: Path) -> None:
    with KeyholderClient(folder / "socket", timeout=TIMEOUT_SECONDS) as keyholder:
        with running_keyholder(folder / "socket", folder / "pepper.key"):
            first = keyholder.connection_id()
            assert keyholder.connection_id() == first
            assert keyholder.mac(MESSAGE) == ANSWER
        assert (folder / "socket").is_socket()  # left behind by the killed process
        with pytest.raises(KeyholderUnavailable):
            keyholder.connection_id()
        with running_keyholder(folder / "socket", folder / "pepper.key"):
            second = keyholder.connection_id()
            assert second != first
            assert keyholder.mac(MESSAGE) == ANSWER
            assert keyholder.connection_id() == second


def test_a_restart_between_two_requests_causes_no_failure(folder: Path) -> None:
    """The new process may hold another pepper, which is why connections have ids."""
    write_pepper_file(folder / "other.key", OTHER_PEPPER)
    with KeyholderClient(folder / "socket", timeout=TIMEOUT_SECONDS) as keyholder:
        with running_keyholder(folder / "socket", folder / "pepper.key"):
            first = keyholder.connection_id()
        with running_keyholder(folder / "socket", folder / "other.key"):
            assert keyholder.mac(MESSAGE) == hmac.digest(OTHER_PEPPER, MESSAGE, "sha256")
            assert keyholder.connection_id() != first


def test_a_closed_client_reconnects(folder: Path) -> None:
    with (
        running_keyholder(folder / "socket", folder / "pepper.key"),
        KeyholderClient(folder / "socket", timeout=TIMEOUT_SECONDS) as keyholder,
    ):
        first = keyholder.connection_id()
        keyholder.close()
        keyholder.close()
        assert keyholder.connection_id() == first + 1


def test_both_sockets_of_the_command(folder: Path) -> None:
    subject = mac_inputs.subject_input("sample", "A-1", "")
    with running_keyholder(folder / "socket", folder / "pepper.key"):
        for path in (folder / "socket", import_socket_path(folder / "socket")):
            assert path.stat().st_mode & 0o777 == 0o600
        with KeyholderClient(import_socket_path(folder / "socket"), timeout=TIMEOUT_SECONDS) as keyholder:
            assert keyholder.mac(subject) == hmac.digest(PEPPER, subject, "sha256")
            assert keyholder.mac_many(PREFIX, [b"", INPUT])[mac_inputs.MAC_BYTES :] == ANSWER


def test_an_interrupted_request_leaves_no_response_behind(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """As by Ctrl-C between request and response."""

    def interrupt(_: socket.socket) -> bytes:
        raise KeyboardInterrupt

    with (
        running_keyholder(folder / "socket", folder / "pepper.key"),
        KeyholderClient(folder / "socket", timeout=TIMEOUT_SECONDS) as keyholder,
    ):
        assert keyholder.mac(MESSAGE) == ANSWER
        with monkeypatch.context() as patched:
            patched.setattr("app.keyholder.client.receive_message", interrupt)
            with pytest.raises(KeyboardInterrupt):
                keyholder.mac(mac_inputs.value_input("name", "somebody else"))
        assert keyholder.mac(MESSAGE) == ANSWER


def test_a_keyholder_survives_invalid_clients(folder: Path) -> None:
    with (
        running_keyholder(folder / "socket", folder / "pepper.key"),
        KeyholderClient(folder / "socket", timeout=TIMEOUT_SECONDS) as keyholder,
    ):
        connection_id = keyholder.connection_id()
        for raw in (b"", b"\0", b"\xff" * 8, (MAX_MESSAGE_BYTES + 1).to_bytes(4, "big"), b"GET / HTTP/1.1\r\n\r\n"):
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(TIMEOUT_SECONDS)
                client.connect(str(folder / "socket"))
                client.sendall(raw)
                client.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    assert client.recv(100) == b""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(TIMEOUT_SECONDS)
            client.connect(str(folder / "socket"))
            for payload in (b"\xff", b"\0\5abc", b"\0\0", PREFIX, PREFIX + b"\0", PREFIX + frame(b"", b"")):
                send_message(client, payload)
                assert receive_message(client) == STATUS_DENIED
            send_message(client, b"")
            assert receive_message(client) == STATUS_OK
        assert keyholder.mac(MESSAGE) == ANSWER
        assert keyholder.connection_id() == connection_id


def test_a_slow_client_does_not_block_another(folder: Path) -> None:
    with running_keyholder(folder / "socket", folder / "pepper.key"), socket.socket(socket.AF_UNIX) as idle:
        idle.connect(str(folder / "socket"))
        idle.sendall(b"\0")
        with KeyholderClient(folder / "socket", timeout=TIMEOUT_SECONDS) as keyholder:
            assert keyholder.mac(MESSAGE) == ANSWER


def responds(keyholder: KeyholderClient) -> bool:
    try:
        return keyholder.mac(MESSAGE) == ANSWER
    except KeyholderUnavailable:
        return False


def test_no_thread_is_left_behind(folder: Path) -> None:
    before = threading.active_count()
    with (
        running_keyholder(folder / "socket", folder / "pepper.key"),
        KeyholderClient(folder / "socket", timeout=TIMEOUT_SECONDS) as keyholder,
    ):
        keyholder.mac(MESSAGE)
    assert threading.active_count() == before
