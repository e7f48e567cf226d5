"""An attacker who looks for messages of the outbox in stolen files. Written from the published scheme, with HMAC and AES-GCM-SIV alone."""

import hmac
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

LABEL = b"exposure-lookup/1 "
APPLICATION_PURPOSES = ("outbox", "codes", "targets")
EPOCHS_AHEAD, EPOCHS_BACK = 3, 48
"""Hours around the time of the theft in which a message may have been encrypted."""

MIN_DISTINCT_BYTES = 180
"""A ciphertext looks random: 540 random bytes have 225 distinct ones, and fewer than 180 less than once in a billion."""

LENGTHS = (12 + 512 + 16, 4 + 12 + 512 + 16)
"""Of ciphertexts, without and with an epoch in front: a message is padded to 512 bytes."""

_HEX_COLUMN = re.compile(rb"\\\\x([0-9a-f]+)")


def hkdf_expand(key: bytes, info: bytes) -> bytes:
    """HKDF-Expand with SHA-256, one block."""
    return hmac.digest(key, info + b"\x01", "sha256")


class MessageAttacker:
    """Holds stolen keys.

    Args:
        application_key: the content of its file.
        ratchet_file: the content of its file: four bytes of epoch, and the state.
        hour: hours since 1970 at the time of the theft.
    """

    def __init__(self, application_key: bytes, ratchet_file: bytes, hour: int) -> None:
        self._fixed_keys = [AESGCMSIV(hkdf_expand(application_key, LABEL + p.encode())) for p in APPLICATION_PURPOSES]
        self._epochs = range(hour - EPOCHS_BACK, hour + EPOCHS_AHEAD)
        self._epoch_keys: dict[int, AESGCMSIV] = {}
        epoch, state = int.from_bytes(ratchet_file[:4], "big"), ratchet_file[4:]
        while epoch < self._epochs.stop:
            self._epoch_keys[epoch] = AESGCMSIV(hkdf_expand(state, LABEL + b"epoch key outbox"))
            epoch, state = epoch + 1, hkdf_expand(state, LABEL + b"ratchet")

    def read_addresses(self, files: Mapping[str, bytes]) -> set[str]:
        """Return the addresses of all messages that can be read in some files."""
        windows = set[bytes]()
        for content in files.values():
            windows.update(bytes.fromhex(digits.decode()) for digits in _HEX_COLUMN.findall(content))
            windows.update(window for window in self._windows(content) if len(set(window)) >= MIN_DISTINCT_BYTES)
        return {message[0]["to"] for message in map(self._decrypt, windows) if message is not None}

    def _windows(self, content: bytes) -> Iterator[bytes]:
        """Yield every part of a file that could be a ciphertext: behind a length that fits, or with an epoch in front."""
        for length in LENGTHS:
            for marker, distances in _length_markers(length):
                for position in _find_all(content, marker):
                    for distance in distances:
                        yield content[position + distance :][:length]
        for epoch in self._epochs:
            for position in _find_all(content, epoch.to_bytes(4, "big")):
                for length in LENGTHS:
                    yield content[position:][:length]

    def _decrypt(self, window: bytes) -> tuple[dict[str, str], bool] | None:
        for key in self._fixed_keys:
            with suppress(InvalidTag, ValueError):
                return _parse(key.decrypt(window[:12], window[12:], LABEL + b"outbox"))
        epoch_key = self._epoch_keys.get(int.from_bytes(window[:4], "big"))
        if epoch_key is not None:
            aad = b"\0\x19" + LABEL + b"ratchet\0\x06outbox\0\x04" + window[:4] + b"\0\0"
            with suppress(InvalidTag, ValueError):
                return _parse(epoch_key.decrypt(window[4:16], window[16:], aad))
        return None


def _parse(content: bytes) -> tuple[dict[str, str], bool]:
    message, send = json.loads(content)
    return message, send


def _length_markers(length: int) -> Iterator[tuple[bytes, range]]:
    """Yield how a database writes the length of a value, and how far behind it the value may begin."""
    if length + 1 < 128:
        yield bytes([(length + 1) << 1 | 1]), range(1, 2)
    yield ((length + 4) << 2).to_bytes(4, "little"), range(4, 5)  # PostgreSQL's long header
    serial_type = (
        2 * length + 12
    )  # SQLite: a varint in the header of the record, before the types of the columns that follow
    yield bytes([0x80 | serial_type >> 7, serial_type & 0x7F]), range(2, 9)


def _find_all(content: bytes, marker: bytes) -> Iterator[int]:
    position = content.find(marker)
    while position >= 0:
        yield position
        position = content.find(marker, position + 1)
