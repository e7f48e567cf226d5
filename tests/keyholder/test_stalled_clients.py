"""Clients that stall in the middle of a message lose their connection. Idle clients keep theirs."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.crypto.keys import Pepper
from app.keyholder import KeyholderClient, KeyholderSocket, server
from app.keyholder.protocol import MAX_MESSAGE_BYTES, STATUS_OK, receive_message, send_message
from tests.keyholder.helpers import PEPPER, TIMEOUT_SECONDS, short_temp_folder, wait_until
from tests.keyholder.known_request import ANSWER, MESSAGE, assert_unavailable

CONNECTIONS = 3


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The lookup socket of a server in this process, with few connections and a short deadline."""
    monkeypatch.setattr(server, "MESSAGE_SECONDS", 0.2)
    monkeypatch.setattr(server, "MAX_CONNECTIONS", CONNECTIONS)
    with short_temp_folder() as folder:
        path = folder / "socket"
        with server._SocketServer(path, KeyholderSocket.LOOKUP, Pepper(PEPPER)) as running:
            thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
            thread.start()
            yield path
            running.shutdown()
            thread.join(TIMEOUT_SECONDS)


def connect(path: Path) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(TIMEOUT_SECONDS)
    connection.connect(str(path))
    return connection


def is_closed_by_server(connection: socket.socket) -> bool:
    try:
        return connection.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("beginning", [b"\0", b"\0\0\0", b"\0\0\0\x05", b"\0\0\0\x05abcd"])
def test_a_request_that_does_not_arrive_ends_the_connection(path: Path, beginning: bytes) -> None:
    with connect(path) as stalled:
        stalled.sendall(beginning)
        assert is_closed_by_server(stalled)


def test_a_request_that_trickles_in_ends_the_connection(path: Path) -> None:
    """The deadline is that of the whole message, not of each byte."""
    with connect(path) as stalled:
        stalled.sendall(MAX_MESSAGE_BYTES.to_bytes(4, "big"))
        sender = threading.Event()

        def has_failed() -> bool:
            sender.wait(0.02)
            try:
                stalled.sendall(b"x")
            except OSError:
                return True
            return False

        assert wait_until(has_failed)


def test_an_idle_connection_stays_open(path: Path) -> None:
    with connect(path) as idle, connect(path) as stalled, KeyholderClient(path, timeout=TIMEOUT_SECONDS) as client:
        number = client.connection_id()
        send_message(idle, b"")
        assert receive_message(idle) == STATUS_OK
        stalled.sendall(b"\0")
        assert is_closed_by_server(stalled)  # so the deadline has passed
        assert client.mac(MESSAGE, connection_id=number) == ANSWER
        send_message(idle, b"")
        assert receive_message(idle) == STATUS_OK


def test_further_connections_are_closed_until_one_ends(path: Path) -> None:
    opened = [connect(path) for _ in range(CONNECTIONS)]
    for connection in opened:
        send_message(connection, b"")
        assert receive_message(connection) == STATUS_OK
    with KeyholderClient(path, timeout=TIMEOUT_SECONDS) as refused:
        assert_unavailable(refused)
        opened.pop().close()

        def is_answered() -> bool:
            try:
                return refused.mac(MESSAGE) == ANSWER
            except Exception:  # noqa: BLE001  its place is not free yet
                return False

        assert wait_until(is_answered)
    for connection in opened:
        connection.close()
