"""The keyholder's wire protocol: a request carries inputs under one prefix, the response their MACs.

A request is its length in four bytes, then the prefix (label and context) and the inputs, all framed. An empty request is a ping.
A response is its length in four bytes, a status byte, and 32 bytes for each input: the HMAC of prefix and input.
There are two sockets, so that the file permissions of the operating system decide who may use which.
"""

import socket
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.crypto import mac_inputs
from app.crypto.framing import LENGTH_PREFIX_BYTES, FramingError, split_frame
from app.errors import InvalidInput

IMPORT_SOCKET_SUFFIX = ".import"
MAX_MESSAGE_BYTES = 1 << 20
"""Longest request or response. `KeyholderClient.mac_many` splits its batches to fit."""

STATUS_OK, STATUS_DENIED = b"\0", b"\1"


class KeyholderSocket(StrEnum):
    """The keyholder's two sockets."""

    LOOKUP = "lookup"
    IMPORT = "import"

    def allows(self, request: "MacRequest") -> bool:
        """Return whether this socket serves a request. Subjects, and more than one input, need the import socket; pseudonyms the other."""
        if self is KeyholderSocket.IMPORT:
            return request.label in {mac_inputs.IDENTIFIER_LABEL, mac_inputs.VALUE_LABEL, mac_inputs.SUBJECT_LABEL}
        labels = {mac_inputs.IDENTIFIER_LABEL, mac_inputs.PSEUDONYM_LABEL, mac_inputs.VALUE_LABEL}
        return request.label in labels and len(request.inputs) == 1


@dataclass(frozen=True, slots=True)
class MacRequest:
    """A parsed request. The fields keep the bytes as received, because the HMAC covers them."""

    label: bytes
    prefix: bytes
    inputs: list[bytes]
    """Each with its length prefix."""


def import_socket_path(path: Path) -> Path:
    """Return the path of the import socket, beside the lookup socket at *path*."""
    return path.with_name(path.name + IMPORT_SOCKET_SUFFIX)


def require_own_folder(path: Path) -> None:
    """Check that not everybody may create a socket at *path*: that program receives every identifier that is looked up.

    Raises:
        InvalidInput: others may write to its folder. A sticky bit does not help while there is no socket.
    """
    with suppress(OSError):  # a missing folder is reported where the socket is opened
        if path.parent.stat().st_mode & 0o002:
            raise InvalidInput(f"{path}: others may write to its folder, and could put their own socket there")


def send_message(connection: socket.socket, payload: bytes) -> None:
    """Send one request or response."""
    connection.sendall(len(payload).to_bytes(4, "big") + payload)


def receive_message(connection: socket.socket) -> bytes:
    """Receive one request or response.

    Raises:
        ConnectionError: the peer closed the connection, or does not speak this protocol.
    """
    return _receive_exactly(connection, _parse_length(_receive_exactly(connection, 4)))


def receive_request(connection: socket.socket, seconds: float) -> bytes:
    """Wait for a request without a limit, and receive it within *seconds* of its first byte. The answer may take as long.

    Raises:
        TimeoutError: the rest of the request did not arrive.
        ConnectionError: as for `receive_message`.
    """
    connection.settimeout(None)
    head = _receive_exactly(connection, 1)
    deadline = time.monotonic() + seconds
    length = _parse_length(head + _receive_exactly(connection, 3, deadline))
    payload = _receive_exactly(connection, length, deadline)
    connection.settimeout(seconds)
    return payload


def _parse_length(prefix: bytes) -> int:
    length = int.from_bytes(prefix, "big")
    if length > MAX_MESSAGE_BYTES:
        raise ConnectionError("a message is too long")
    return length


def parse_request(payload: bytes) -> MacRequest | None:
    """Parse a request. Return None if it is malformed."""
    try:
        label, context, *inputs = split_frame(payload)
    except (FramingError, ValueError):
        return None
    return MacRequest(label[LENGTH_PREFIX_BYTES:], label + context, inputs) if inputs else None


def _receive_exactly(connection: socket.socket, count: int, deadline: float | None = None) -> bytes:
    data = bytearray()
    while len(data) < count:
        if deadline is not None:
            connection.settimeout(max(deadline - time.monotonic(), 0.001))  # 0 would mean: do not wait at all
        chunk = connection.recv(count - len(data))
        if not chunk:
            raise ConnectionError("the peer closed the connection")
        data += chunk
    return bytes(data)
