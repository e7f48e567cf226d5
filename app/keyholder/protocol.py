"""The two doors, and what goes through them: a request of texts under one heading, an answer of MACs.

A request is its length in four bytes, the heading (label and what it is about) and the texts, all framed (nothing at all: are you there?).
An answer is its length, a status byte, and 32 bytes for each text: the HMAC of the heading and that text.
Each door is a socket of its own, so that the operating system's file permissions say who may use which.
"""

import socket
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from app.crypto import mac_inputs
from app.crypto.framing import LENGTH_BYTES, FramingError, split

IMPORT_SOCKET_SUFFIX = ".import"
REQUEST_LIMIT = 1 << 20
"""Bytes of one request; `KeyholderClient.macs` cuts its batches to it."""

DONE, REFUSED = b"\0", b"\1"


class KeyholderSocket(StrEnum):
    """Which door a socket is."""

    LOOKUP = "lookup"
    IMPORT = "import"

    def admits(self, asked: "Request") -> bool:
        """Say whether a request may pass: a subject, and more than one text, only through the import door."""
        if self is KeyholderSocket.IMPORT:
            return asked.label in {mac_inputs.IDENTIFIER_LABEL, mac_inputs.VALUE_LABEL, mac_inputs.SUBJECT_LABEL}
        return asked.label in {mac_inputs.IDENTIFIER_LABEL, mac_inputs.VALUE_LABEL} and len(asked.texts) == 1


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked, as it stands in the bytes: the HMAC is over them."""

    label: bytes
    heading: bytes
    texts: list[bytes]
    """Each with its length in front."""


def import_socket_path(path: Path) -> Path:
    """Where the import door stands, beside the lookup door at *path*."""
    return path.with_name(path.name + IMPORT_SOCKET_SUFFIX)


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


def parse(payload: bytes) -> Request | None:
    """Take a request apart; None where it is none."""
    try:
        label, about, *texts = split(payload)
    except (FramingError, ValueError):
        return None
    return Request(label[LENGTH_BYTES:], label + about, texts) if texts else None


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise ConnectionError("the other side left")
        data += piece
    return bytes(data)
