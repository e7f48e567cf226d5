"""Encrypted files on disk that hold the data between two stages. Each file has one chunk for each task of the next stage.

A task of one stage writes one file atomically, so the task can be repeated. A task of the next stage reads its chunk of every file.
"""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.crypto.keys import KEY_BYTES
from app.errors import DependencyUnavailable
from app.private_files import PrivateFolder

_NONCE_BYTES = 12
_TAG_BYTES = 16
_OFFSET_BYTES = 8


class SpillCorrupted(DependencyUnavailable):
    """A spill file cannot be decrypted: the key is another, or the disk is damaged."""


@dataclass(frozen=True, slots=True)
class Spill:
    """The files of one stage: AES-256-GCM under one key, each chunk bound to its file and index."""

    folder: PrivateFolder
    stage: str
    key: bytes = field(repr=False)

    @classmethod
    def with_ephemeral_key(cls, folder: PrivateFolder, stage: str) -> "Spill":
        """Create a spill whose key is only in memory: after a crash, its files can no longer be read."""
        return cls(folder, stage, os.urandom(KEY_BYTES))

    def name(self, file_index: int) -> str:
        """Return the name of a file."""
        return f"{self.stage}-{file_index}"

    def write(self, file_index: int, chunks: Sequence[bytes]) -> None:
        """Write a file atomically. A chunk is bytes or a buffer."""
        cipher = AESGCM(self.key)
        first = (len(chunks) + 1) * _OFFSET_BYTES
        offsets = accumulate((_NONCE_BYTES + len(chunk) + _TAG_BYTES for chunk in chunks), initial=first)
        with self.folder.replace_file(self.name(file_index)) as file:
            file.write(b"".join(offset.to_bytes(_OFFSET_BYTES, "big") for offset in offsets))
            for chunk_index, chunk in enumerate(chunks):
                nonce = os.urandom(_NONCE_BYTES)
                file.write(nonce)
                # The cipher rejects Arrow buffers, whose memory views are of signed bytes.
                file.write(cipher.encrypt(nonce, memoryview(chunk).cast("B"), self._aad(file_index, chunk_index)))

    def read(self, file_index: int, chunk_index: int) -> bytes:
        """Read one chunk of a file.

        Raises:
            SpillCorrupted: the chunk is missing or cannot be decrypted.
        """
        try:
            encrypted = memoryview(self._read_encrypted(file_index, chunk_index))
            nonce, ciphertext = encrypted[:_NONCE_BYTES], encrypted[_NONCE_BYTES:]
            return AESGCM(self.key).decrypt(nonce, ciphertext, self._aad(file_index, chunk_index))
        except (OSError, InvalidTag, ValueError):
            raise SpillCorrupted(f"{self.folder.path / self.name(file_index)}: cannot be decrypted") from None

    def _read_encrypted(self, file_index: int, chunk_index: int) -> bytes:
        file = self.folder.open_file(self.name(file_index))
        try:
            ends = os.pread(file, 2 * _OFFSET_BYTES, chunk_index * _OFFSET_BYTES)
            start, end = int.from_bytes(ends[:_OFFSET_BYTES], "big"), int.from_bytes(ends[_OFFSET_BYTES:], "big")
            return os.pread(file, end - start, start)
        finally:
            os.close(file)

    def read_all(self, file_count: int, chunk_index: int) -> Iterator[bytes]:
        """Read one chunk of each of the first *file_count* files."""
        for file_index in range(file_count):
            yield self.read(file_index, chunk_index)

    def exists(self, file_index: int) -> bool:
        """Return whether a file was written."""
        return self.folder.has(self.name(file_index))

    def clear(self) -> None:
        """Delete all files."""
        for name in self.folder.names():
            if name.startswith(f"{self.stage}-"):
                self.folder.delete(name)

    def _aad(self, file_index: int, chunk_index: int) -> bytes:
        return f"{self.stage} {file_index} {chunk_index}".encode()
