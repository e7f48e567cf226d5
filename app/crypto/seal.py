"""The two seals of a row, and the cloak of its place.

    row     = ( cloak(locator), entry, outer )
    outer   = AES-256-GCM-SIV(store subkey,  nonce = entry, row tag ‖ inner, padded)   AD: format, data set, locator, entry, key id
    inner   = AES-256-GCM-SIV(record key,    nonce = 0,     record, padded)            AD: format, data set, locator

GCM-SIV (RFC 8452) keeps its promise under a repeated nonce, so none is stored: a record key seals few, distinct records, and under the store key
the associated data is different for each row. The associated data binds a row to its place: moved, it does not open.
"""

from collections.abc import Mapping
from hmac import digest as hmac_digest
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from app.crypto.expansion import LOCATOR_BYTES, Place
from app.crypto.framing import frame
from app.crypto.messages import TAG_BYTES
from app.crypto.padding import TooLong, pad, unpad
from app.crypto.secret import StoreKey
from app.errors import Unavailable

FORMAT = b"exposure-lookup/1 sealed row"
_NONCE_BYTES = 12
_AEAD_TAG_BYTES = 16
_AROUND_RECORD = TAG_BYTES + 2 * _AEAD_TAG_BYTES + 1  # the row's tag, both seals' tags, the outer padding's mark

SIZES = tuple(128 << step for step in range(10))
"""The size classes of a sealed row, in bytes: 128 for the common one, at most 64 KiB."""

NOBODYS = b""
"""Stands for the inner seal in the one row of an identifier that too many people share: there is nothing to open, for anybody."""


class BrokenSeal(Unavailable):
    """A seal does not open: bytes changed, were moved, or the key is another. Never to be taken for "nothing there"."""


class Cloak:
    """One AES-256 block over 16 bytes: a permutation, so that a look-up stays one exact point read."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES256(key), modes.ECB())  # noqa: S305  one block of a pseudorandom value: nothing repeats

    def cloak(self, block: bytes) -> bytes:
        """Encipher 16 bytes."""
        return self._cipher.encryptor().update(_one_block(block))

    def uncloak(self, block: bytes) -> bytes:
        """Decipher 16 bytes.

        Raises:
            BrokenSeal: what was stored is no block.
        """
        return self._cipher.decryptor().update(_one_block(block))


def _one_block(block: bytes) -> bytes:
    if not isinstance(block, bytes) or len(block) != LOCATOR_BYTES:  # the cipher would drop what is less, or more
        raise BrokenSeal("what is cloaked is not 16 bytes")
    return block


def size_class(length: int) -> int:
    """Say which of `SIZES` a row with a record of *length* bytes takes.

    Raises:
        TooLong: it is larger than the largest.
    """
    for size in SIZES:
        if length + 1 + _AROUND_RECORD <= size:
            return size
    raise TooLong("a record is larger than the largest size class")


def row_tag(subject: bytes, locator: bytes) -> bytes:
    """64 bits by which one who knows a *subject* tells that person's rows without opening them."""
    return hmac_digest(subject, b"exposure-lookup/1 row tag" + locator, "sha256")[:TAG_BYTES]


def seal_record(place: Place, dataset: UUID, record: bytes) -> bytes:
    """Lay the inner seal, padded to the record's size class."""
    plain = pad(record, size_class(len(record)) - _AROUND_RECORD)
    return AESGCMSIV(place.key).encrypt(bytes(_NONCE_BYTES), plain, _inner_data(dataset, place.locator))


def open_record(place: Place, dataset: UUID, inner: bytes) -> bytes:
    """Open the inner seal.

    Raises:
        BrokenSeal: it does not open under this key at this place.
    """
    return unpad(decrypt(AESGCMSIV(place.key), bytes(_NONCE_BYTES), inner, _inner_data(dataset, place.locator)))


def sealed_size(inner: bytes) -> int:
    """Say the size class of a row from its inner seal."""
    return max(len(inner) + TAG_BYTES + _AEAD_TAG_BYTES + 1, SIZES[0])


class RowSealer:
    """Cloak and outer seal of one data set, under its store key."""

    def __init__(self, key: StoreKey, dataset: UUID) -> None:
        self.dataset = dataset
        self._key_id = key.id.encode()
        self._cloak = Cloak(key.subkey("cloak"))
        self._aead = AESGCMSIV(key.subkey("outer seal"))

    def cloak(self, locator: bytes) -> bytes:
        """Turn a locator into what is stored."""
        return self._cloak.cloak(locator)

    def uncloak(self, stored: bytes) -> bytes:
        """Turn what is stored into the locator."""
        return self._cloak.uncloak(stored)

    def seal(self, locator: bytes, entry: int, tag: bytes, inner: bytes, size: int) -> bytes:
        """Lay the outer seal over the row's *tag* and the *inner* seal, *size* bytes in all."""
        plain = pad(tag + inner, size - _AEAD_TAG_BYTES)
        return self._aead.encrypt(self._nonce(entry), plain, self._data(locator, entry))

    def open(self, locator: bytes, entry: int, sealed: bytes) -> tuple[bytes, bytes]:
        """Open the outer seal: the row's tag, and the inner seal.

        Raises:
            BrokenSeal: it does not open under this key at this place.
        """
        if not isinstance(entry, int) or not 0 <= entry < 1 << 31:  # SQLite keeps whatever type was put in
            raise BrokenSeal("a row has an impossible entry number")
        plain = unpad(decrypt(self._aead, self._nonce(entry), sealed, self._data(locator, entry)))
        return plain[:TAG_BYTES], plain[TAG_BYTES:]

    @staticmethod
    def _nonce(entry: int) -> bytes:
        return entry.to_bytes(_NONCE_BYTES, "big")

    def _data(self, locator: bytes, entry: int) -> bytes:
        return frame(FORMAT, self.dataset.bytes, locator, entry.to_bytes(4, "big"), self._key_id)


def rounded_sizes(sizes: Mapping[int, int], least: int) -> dict[int, int]:
    """Say which size each class is stored at, so that a rare size marks nobody.

    Args:
        sizes: each class in use, with how many rows are in it.
        least: a class of fewer rows than this is stored at the next larger size in use.
    """
    stored: dict[int, int] = {}
    waiting: list[int] = []
    rows = 0
    for size, count in sorted(sizes.items()):
        waiting.append(size)
        rows += count
        if rows >= least:
            stored |= dict.fromkeys(waiting, size)
            waiting, rows = [], 0
    return stored | dict.fromkeys(waiting, max(waiting, default=0))


def _inner_data(dataset: UUID, locator: bytes) -> bytes:
    return frame(FORMAT, dataset.bytes, locator)


def decrypt(aead: AESGCMSIV, nonce: bytes, sealed: bytes, data: bytes) -> bytes:
    """Open an AEAD, whatever is wrong with it ending in the one error.

    Raises:
        BrokenSeal: it does not open.
    """
    try:
        return aead.decrypt(nonce, sealed, data)
    except (InvalidTag, ValueError, TypeError):  # TypeError: SQLite hands over text where bytes were tampered with
        raise BrokenSeal("a seal does not open") from None
