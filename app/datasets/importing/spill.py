"""What an import puts aside on disk between two stages: encrypted, in files of as many chunks as the next stage has tasks.

One task of a stage writes one file, whole or not at all, so that it can be done over; one task of the next stage reads its own chunk of every file.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.crypto.keys import KEY_BYTES
from app.errors import DependencyUnavailable

_NONCE_BYTES = 12
_TAG_BYTES = 16
_OFFSET_BYTES = 8


class SpillDamaged(DependencyUnavailable):
    """What was put aside is not what was written: another key, or a damaged disk."""


@dataclass(frozen=True, slots=True)
class Spill:
    """Files of one stage: AES-256-GCM under one key, each chunk bound to its file and number."""

    folder: Path
    stage: str
    key: bytes = field(repr=False)

    @classmethod
    def in_memory_only(cls, folder: Path, stage: str) -> "Spill":
        """Spill under a key that is kept nowhere: what is left behind is noise."""
        return cls(folder, stage, os.urandom(KEY_BYTES))

    def path(self, number: int) -> Path:
        """Where a file lies."""
        return self.folder / f"{self.stage}-{number}"

    def write(self, number: int, chunks: Sequence[bytes]) -> None:
        """Write a file, whole or not at all; a chunk is bytes or a buffer."""
        cipher = AESGCM(self.key)
        first = (len(chunks) + 1) * _OFFSET_BYTES
        offsets = accumulate((_NONCE_BYTES + len(chunk) + _TAG_BYTES for chunk in chunks), initial=first)
        temporary = self.folder / f"writing-{self.stage}-{number}-{os.getpid()}"
        with temporary.open("wb") as file:
            file.write(b"".join(offset.to_bytes(_OFFSET_BYTES, "big") for offset in offsets))
            for place, chunk in enumerate(chunks):
                nonce = os.urandom(_NONCE_BYTES)
                file.write(nonce)
                # Arrow's bytes are signed ones, which the cipher does not take
                file.write(cipher.encrypt(nonce, memoryview(chunk).cast("B"), self._about(number, place)))
        temporary.replace(self.path(number))

    def read(self, number: int, place: int) -> bytes:
        """Read one chunk of a file.

        Raises:
            SpillDamaged: it is not there, or not what was written.
        """
        try:
            sealed = memoryview(self._piece(number, place))
            return AESGCM(self.key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._about(number, place))
        except (OSError, InvalidTag, ValueError):
            raise SpillDamaged(f"{self.path(number)}: cannot be read back") from None

    def _piece(self, number: int, place: int) -> bytes:
        file = os.open(f"{self.folder}/{self.stage}-{number}", os.O_RDONLY)  # no Path: there are a million small pieces
        try:
            ends = os.pread(file, 2 * _OFFSET_BYTES, place * _OFFSET_BYTES)
            start, end = int.from_bytes(ends[:_OFFSET_BYTES], "big"), int.from_bytes(ends[_OFFSET_BYTES:], "big")
            return os.pread(file, end - start, start)
        finally:
            os.close(file)

    def read_all(self, files: int, place: int) -> Iterator[bytes]:
        """Read one chunk of each of *files* files."""
        for number in range(files):
            yield self.read(number, place)

    def holds(self, number: int) -> bool:
        """Whether a file was written."""
        return self.path(number).exists()

    def clear(self) -> None:
        """Take all files away, once they are used up."""
        for path in self.folder.glob(f"{self.stage}-*"):
            path.unlink(missing_ok=True)

    def _about(self, number: int, place: int) -> bytes:
        return f"{self.stage} {number} {place}".encode()
