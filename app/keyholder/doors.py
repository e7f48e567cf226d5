"""The two doors, and what goes through them: a request of framed messages, an answer of MACs.

A request is its length in four bytes and the framed messages (none: are you there?).
An answer is its length, a status byte, and 32 bytes for each message.
Each door is a socket of its own, so that the operating system's file permissions say who may use which.
"""

import socket
from enum import StrEnum
from pathlib import Path

from app.crypto import messages
from app.crypto.framing import Misframed, unframe

IMPORT_SUFFIX = ".import"
REQUEST_LIMIT = 1 << 20
"""Bytes of one request; `Keyholder.macs` cuts its batches to it."""

DONE, REFUSED = b"\0", b"\1"


class Door(StrEnum):
    """Which door a socket is."""

    LOOKUP = "lookup"
    IMPORT = "import"

    def admits(self, asked: list[bytes]) -> bool:
        """Say whether these messages may pass."""
        allowed = {messages.IDENTIFIER, messages.VALUE}
        if self is Door.IMPORT:
            allowed.add(messages.SUBJECT)
        elif len(asked) > 1:
            return False
        try:
            return all(messages.label_of(message) in allowed for message in asked)
        except Misframed:
            return False


def import_path(path: Path) -> Path:
    """Where the import door stands, beside the lookup door at *path*."""
    return path.with_name(path.name + IMPORT_SUFFIX)


def send(connection: socket.socket, payload: bytes) -> None:
    """Write one request or answer."""
    connection.sendall(len(payload).to_bytes(4, "big") + payload)


def receive(connection: socket.socket) -> bytes:
    """Read one request or answer.

    Raises:
        ConnectionError: the other side left, or speaks something else.
    """
    length = int.from_bytes(_exactly(connection, 4), "big")
    if length > REQUEST_LIMIT:
        raise ConnectionError("a request is too long")
    return _exactly(connection, length)


def parse(payload: bytes) -> list[bytes] | None:
    """Take a request apart; None where it is none."""
    try:
        return unframe(payload)
    except Misframed:
        return None


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise ConnectionError("the other side left")
        data += piece
    return bytes(data)
