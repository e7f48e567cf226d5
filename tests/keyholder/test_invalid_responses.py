"""Another server at the socket: its responses raise `KeyholderUnavailable` and are never taken for a MAC."""

import socket
from collections.abc import Callable

import pytest

from app.crypto.framing import split_frame
from app.keyholder import KeyholderClient, KeyholderUnavailable
from app.keyholder.client import MAX_BATCH_SIZE
from app.keyholder.protocol import MAX_MESSAGE_BYTES, STATUS_DENIED, STATUS_OK, receive_message, send_message
from tests.keyholder.helpers import fake_server, short_temp_folder
from tests.keyholder.known_request import INPUT, MESSAGE, PREFIX, assert_unavailable

pytestmark = pytest.mark.kill


def test_unsolicited_data_ends_the_connection() -> None:
    def handle(connection: socket.socket) -> None:
        receive_message(connection)
        send_message(connection, STATUS_OK)
        send_message(connection, b"something")
        receive_message(connection)

    with (
        short_temp_folder() as folder,
        fake_server(folder / "socket", handle),
        KeyholderClient(folder / "socket", timeout=5.0) as keyholder,
    ):
        assert keyholder.connection_id() == 1
        with pytest.raises(KeyholderUnavailable):
            while keyholder.connection_id() == 1:
                pass


def respond_with(payload: bytes) -> Callable[[socket.socket], None]:
    def handle(connection: socket.socket) -> None:
        while True:
            receive_message(connection)
            send_message(connection, payload)

    return handle


def respond_raw(raw: bytes) -> Callable[[socket.socket], None]:
    def handle(connection: socket.socket) -> None:
        receive_message(connection)
        connection.sendall(raw)

    return handle


@pytest.mark.parametrize(
    "handle",
    [
        pytest.param(respond_with(b""), id="empty"),
        pytest.param(respond_with(STATUS_DENIED), id="denied"),
        pytest.param(respond_with(STATUS_DENIED + bytes(32)), id="denied with a MAC"),
        pytest.param(respond_with(b"\2" + bytes(32)), id="unknown status"),
        pytest.param(respond_with(STATUS_OK + bytes(31)), id="too short"),
        pytest.param(respond_with(STATUS_OK + bytes(33)), id="too long"),
        pytest.param(respond_with(STATUS_OK + bytes(32 * 3)), id="too many"),
        pytest.param(respond_with(b"HTTP/1.1 400 Bad Request"), id="another protocol, framed"),
        pytest.param(respond_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), id="another protocol"),
        pytest.param(respond_raw((MAX_MESSAGE_BYTES + 1).to_bytes(4, "big")), id="too large"),
        pytest.param(respond_raw(b"\xff" * 100), id="garbage"),
        pytest.param(respond_raw(b"\0\0\0\x21\0cut short"), id="truncated"),
        pytest.param(respond_raw(b"\0\0"), id="half a length"),
        pytest.param(respond_raw(b""), id="closes after the request"),
        pytest.param(lambda connection: connection.close(), id="closes immediately"),
    ],
)
def test_another_server_at_the_socket(handle: Callable[[socket.socket], object]) -> None:
    with (
        short_temp_folder() as folder,
        fake_server(folder / "socket", handle),
        KeyholderClient(folder / "socket", timeout=5.0) as keyholder,
    ):
        assert_unavailable(keyholder)


def test_a_server_that_only_answers_pings() -> None:
    with (
        short_temp_folder() as folder,
        fake_server(folder / "socket", respond_with(STATUS_OK)),
        KeyholderClient(folder / "socket", timeout=5.0) as keyholder,
    ):
        assert keyholder.connection_id() == 1
        for inputs in ([INPUT], [INPUT, INPUT]):
            with pytest.raises(KeyholderUnavailable):
                keyholder.mac_many(PREFIX, inputs)
        with pytest.raises(KeyholderUnavailable):
            keyholder.mac(MESSAGE)


def test_a_connection_closed_within_a_batch() -> None:
    """A partial batch is discarded."""
    requests: list[int] = []

    def handle(connection: socket.socket) -> None:
        if not requests:
            count = len(split_frame(receive_message(connection))) - 2
            requests.append(count)
            send_message(connection, STATUS_OK + bytes(32 * count))

    with (
        short_temp_folder() as folder,
        fake_server(folder / "socket", handle),
        KeyholderClient(folder / "socket", timeout=5.0) as keyholder,
        pytest.raises(KeyholderUnavailable),
    ):
        keyholder.mac_many(PREFIX, [INPUT] * (MAX_BATCH_SIZE + 1))
    assert requests == [MAX_BATCH_SIZE]


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_response_with_a_wrong_number_of_macs(difference: int) -> None:
    def handle(connection: socket.socket) -> None:
        while True:
            input_count = len(split_frame(receive_message(connection))) - 2
            send_message(connection, STATUS_OK + bytes(32 * (input_count + difference)))

    with (
        short_temp_folder() as folder,
        fake_server(folder / "socket", handle),
        KeyholderClient(folder / "socket", timeout=5.0) as keyholder,
    ):
        for count in (1, 2, 1000):
            with pytest.raises(KeyholderUnavailable, match="denies"):
                keyholder.mac_many(PREFIX, [INPUT] * count)


def test_a_connection_with_an_invalid_response_is_not_reused() -> None:
    """Otherwise its unread bytes would be taken for the next response."""
    connections: list[socket.socket] = []

    def handle(connection: socket.socket) -> None:
        connections.append(connection)
        receive_message(connection)
        send_message(connection, STATUS_OK + bytes(31))
        if len(connections) == 1:
            send_message(connection, STATUS_OK + b"another's".ljust(32))
        while receive_message(connection):
            send_message(connection, STATUS_OK + bytes(32))

    with (
        short_temp_folder() as folder,
        fake_server(folder / "socket", handle),
        KeyholderClient(folder / "socket", timeout=5.0) as keyholder,
    ):
        with pytest.raises(KeyholderUnavailable):
            keyholder.mac(MESSAGE)
        with pytest.raises(KeyholderUnavailable):
            keyholder.mac(MESSAGE)
        assert len(connections) == 2
