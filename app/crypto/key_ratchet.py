"""Keys that vanish: what must become unreadable for good is encrypted under the key of its hour, and that key is destroyed (crypto-shredding).

    state(h + 1) = HKDF-Expand(state(h), "exposure-lookup/1 ratchet")                  h: hours since 1970, the epoch
    key(h)       = HKDF-Expand(state(h), "exposure-lookup/1 epoch key " + purpose)
    ciphertext   = h (4 bytes, big-endian) + AES-256-GCM-SIV(key(h), content)          AAD: purpose, h, the caller's

Deleting a row is not enough: write-ahead logs, dead tuples and backups keep it. The chain only runs forwards: a host that has advanced past an hour
cannot compute its key again, whatever copies of the ciphertext exist.

Hosts share a chain by starting from a copy of one file. From then on each advances by its own clock, without communication.
"""

from datetime import datetime, timedelta
from typing import Any

from app.crypto.framing import frame
from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.ratchet_file import EPOCH_BYTES, RatchetFile
from app.crypto.row_sealing import DecryptionFailed

EPOCH = timedelta(hours=1)
MARGIN = timedelta(hours=1)
"""How long a key is kept after the last thing encrypted under it has expired: time to report what was not delivered, and tolerance of clocks."""
MAX_EPOCHS_AHEAD = 24
"""How far ahead of this host's clock a ciphertext may be. It bounds the work that a forged epoch causes."""


class EpochUnavailable(DecryptionFailed):
    """The key of a ciphertext's epoch is destroyed on this host, or the epoch is too far ahead."""


def epoch_of(time: datetime) -> int:
    """Return the epoch of an aware *time*."""
    return int(time.timestamp() // EPOCH.total_seconds())


class KeyRatchet:
    """The key ratchet of one process.

    Args:
        file: shared by the processes of this host.
        lifetime: the longest time for which anything encrypted stays valid.

    Raises:
        InvalidKey: the file cannot be used.
    """

    def __init__(self, file: RatchetFile, lifetime: timedelta) -> None:
        self._file = file
        self._retention = lifetime + MARGIN
        self._oldest = file.load()

    def advance(self, now: datetime) -> None:
        """Destroy the keys that are no longer needed: `MARGIN` after the last thing that was encrypted under them has expired.

        Also takes over the file that another process of this host has advanced, or that an operator has replaced.

        Raises:
            InvalidKey: the file cannot be used or replaced.
        """
        self._oldest = self._file.advance_to(epoch_of(now - self._retention))

    def is_ahead(self, now: datetime) -> bool:
        """Return whether keys of the future are destroyed: a clock was wrong, and what is encrypted now vanishes late."""
        return self._oldest.epoch > epoch_of(now)

    def encrypt_json(self, purpose: str, content: object, *, now: datetime, aad: bytes = b"") -> bytes:
        """Encrypt JSON *content* under the key of the current epoch, or of the oldest that exists, if the clock was set back.

        Args:
            purpose: what it is; each purpose has its own keys.
            content: anything that `json.dumps` accepts.
            now: aware.
            aad: associated data; decryption needs the same.
        """
        oldest = self._oldest  # another thread may replace it
        position = oldest.advance_to(epoch_of(now))
        prefix = position.epoch.to_bytes(EPOCH_BYTES, "big")
        return prefix + encrypt_json(position.state.epoch_key(purpose), content, aad=_full_aad(purpose, prefix, aad))

    def decrypt_json(self, purpose: str, ciphertext: bytes, *, now: datetime, aad: bytes = b"") -> Any:  # noqa: ANN401  as json.loads
        """Decrypt the output of `encrypt_json`, of this or another host with the same chain.

        Raises:
            EpochUnavailable: this host has no key for it.
            DecryptionFailed: the ciphertext, the chain, the purpose or the associated data is different.
        """
        oldest = self._oldest
        if not isinstance(ciphertext, bytes):  # a tampered SQLite column may hold text
            raise DecryptionFailed("a ciphertext is not bytes")
        prefix = ciphertext[:EPOCH_BYTES]
        epoch = int.from_bytes(prefix, "big")
        if not oldest.epoch <= epoch <= max(oldest.epoch, epoch_of(now)) + MAX_EPOCHS_AHEAD:
            raise EpochUnavailable("the key of a ciphertext's epoch is destroyed, or the epoch is too far ahead")
        key = oldest.advance_to(epoch).state.epoch_key(purpose)
        return decrypt_json(key, ciphertext[EPOCH_BYTES:], aad=_full_aad(purpose, prefix, aad))


def _full_aad(purpose: str, prefix: bytes, aad: bytes) -> bytes:
    return frame(b"exposure-lookup/1 ratchet", purpose.encode(), prefix, aad)
