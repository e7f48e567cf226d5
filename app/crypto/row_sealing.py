"""The two seals of a row, and the cloak of its place.

    row     = ( cloak(locator), entry, outer )
    outer   = AES-256-GCM-SIV(store subkey,  nonce = entry, row tag ‖ inner, padded)   AD: format, data set, locator, entry, key id
    inner   = AES-256-GCM-SIV(record key,    nonce = 0,     record, padded)            AD: format, data set, locator

GCM-SIV (RFC 8452) keeps its promise under a repeated nonce, so none is stored: a record key seals few, distinct records, and under the store key
the associated data is different for each row. The associated data binds a row to its place: moved, it does not open.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from app.crypto.key_derivation import LOCATOR_BYTES, DerivedKeys
from app.crypto.framing import frame
from app.crypto.mac_inputs import TAG_BYTES
from app.crypto.padding import RecordTooLong, filling, unpad
from app.crypto.keys import StoreKey
from app.errors import DependencyUnavailable

FORMAT = b"exposure-lookup/1 sealed row"
_NONCE_BYTES = 12
_ZERO_NONCE = bytes(_NONCE_BYTES)
_ENTRY_BYTES = 4
_AEAD_TAG_BYTES = 16
_AROUND_RECORD = TAG_BYTES + 2 * _AEAD_TAG_BYTES + 1  # the row's tag, both seals' tags, the outer padding's mark

SIZE_CLASSES = (124, 192, 256, 384, *(512 << step for step in range(8)))
"""The size classes of a sealed row, in bytes, up to 64 KiB. The common one is 124 because PostgreSQL then spends one byte on its length, not four."""

MAX_RECORD_BYTES = SIZE_CLASSES[-1] - 1 - _AROUND_RECORD
"""Bytes of a record that fits into the largest."""

OVERFLOW_MARKER = b""
"""Stands for the inner seal in the one row of an identifier that too many people share: there is nothing to open, for anybody."""


class DecryptionFailed(DependencyUnavailable):
    """A seal does not open: bytes changed, were moved, or the key is another. Never to be taken for "nothing there"."""


class LocatorCipher:
    """One AES-256 block over 16 bytes: a permutation, so that a look-up stays one exact point read."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES256(key), modes.ECB())  # noqa: S305  one block of a pseudorandom value: nothing repeats

    def encrypt(self, blocks: bytes) -> bytes:
        """Encipher any number of blocks of 16 bytes, each by itself."""
        return self._cipher.encryptor().update(_whole_blocks(blocks))

    def decrypt(self, blocks: bytes) -> bytes:
        """Decipher any number of blocks.

        Raises:
            DecryptionFailed: what was stored is no block.
        """
        return self._cipher.decryptor().update(_whole_blocks(blocks))


def _whole_blocks(blocks: bytes) -> bytes:
    if not isinstance(blocks, bytes) or not blocks or len(blocks) % LOCATOR_BYTES:  # the cipher would drop the rest
        raise DecryptionFailed("what is cloaked is not blocks of 16 bytes")
    return blocks


def size_class_for_record(length: int) -> int:
    """Say which of `SIZE_CLASSES` a row with a record of *length* bytes takes.

    Raises:
        TooLong: it is larger than the largest.
    """
    if length > MAX_RECORD_BYTES:
        raise RecordTooLong("a record is larger than the largest size class")
    return SIZE_CLASSES[bisect_left(SIZE_CLASSES, length + 1 + _AROUND_RECORD)]


class _Fillings(dict[int, bytes]):
    """What fills a record of each length up to its size class."""

    def __missing__(self, length: int) -> bytes:
        fills = filling(length, size_class_for_record(length) - _AROUND_RECORD)
        if length < _SHORT:
            self[length] = fills
        return fills


_SHORT = 1024
_FILLINGS = _Fillings()


def derive_row_tag(subject: bytes, locator: bytes) -> bytes:
    """64 bits by which one who knows a *subject* tells that person's rows without opening them: keyed BLAKE2b (RFC 7693)."""
    return derive_row_tags([subject], [locator])[0]


def derive_row_tags(subjects: Iterable[bytes], locators: Iterable[bytes]) -> list[bytes]:
    """Do as `derive_row_tag` for many rows."""
    return [
        blake2b(locator, key=subject, digest_size=TAG_BYTES, person=b"exposure row tag").digest()
        for subject, locator in zip(subjects, locators, strict=True)
    ]


class RecordSealer:
    """The inner seal of one data set's rows, each under the record key of its place."""

    def __init__(self, dataset: UUID) -> None:
        self._bound_to = frame(FORMAT, dataset.bytes, bytes(LOCATOR_BYTES))[:-LOCATOR_BYTES]  # the locator follows

    def seal(self, place: DerivedKeys, record: bytes) -> bytes:
        """Lay the inner seal, padded to the record's size class.

        Raises:
            TooLong: the record is larger than the largest size class.
        """
        return self.seal_many([place.locator + place.key], [record])[0]

    def seal_many(self, expanded: Iterable[bytes], records: Iterable[bytes]) -> list[bytes]:
        """Do as `seal` for many records, each at a place of `derive_row_bytes`.

        Raises:
            TooLong: a record is larger than the largest size class.
        """
        bound_to, fillings = self._bound_to, _FILLINGS
        return [
            AESGCMSIV(both[LOCATOR_BYTES:]).encrypt(
                _ZERO_NONCE, record + fillings[len(record)], bound_to + both[:LOCATOR_BYTES]
            )
            for both, record in zip(expanded, records, strict=True)
        ]

    def open(self, place: DerivedKeys, inner: bytes) -> bytes:
        """Open the inner seal.

        Raises:
            DecryptionFailed: it does not open under this key at this place.
        """
        return unpad(decrypt(AESGCMSIV(place.key), _ZERO_NONCE, inner, self._bound_to + place.locator))


def size_class_for_inner(inner: int) -> int:
    """Say the size class of a row from the length of its inner seal."""
    return max(inner + TAG_BYTES + _AEAD_TAG_BYTES + 1, SIZE_CLASSES[0])


class RowSealer:
    """Cloak and outer seal of one data set, under its store key."""

    def __init__(self, key: StoreKey, dataset: UUID) -> None:
        self.dataset = dataset
        self.record_sealer = RecordSealer(dataset)
        self._locator_cipher = LocatorCipher(key.subkey("cloak"))
        self._aead = AESGCMSIV(key.subkey("outer seal"))
        # frame(FORMAT, data set, locator, entry, key id), but for the locator and the entry
        self._before_locator = frame(FORMAT, dataset.bytes, bytes(LOCATOR_BYTES))[:-LOCATOR_BYTES]
        self._before_entry = frame(bytes(_ENTRY_BYTES))[:-_ENTRY_BYTES]
        self._behind_entry = frame(key.id.encode())

    def encrypt_locators(self, locators: bytes) -> bytes:
        """Turn a locator, or many one behind the other, into what is stored."""
        return self._locator_cipher.encrypt(locators)

    def decrypt_locators(self, stored: bytes) -> bytes:
        """Turn what is stored into the locator, or locators."""
        return self._locator_cipher.decrypt(stored)

    def seal(self, locator: bytes, entry: int, tag: bytes, inner: bytes, size: int) -> bytes:
        """Lay the outer seal over the row's *tag* and the *inner* seal, *size* bytes in all."""
        content = tag + inner
        return self.seal_many([locator], [entry], [content], {len(content): size})[0]

    def seal_many(
        self, locators: Sequence[bytes], entries: Sequence[int], contents: Sequence[bytes], sizes: Mapping[int, int]
    ) -> list[bytes]:
        """Lay the outer seal over many rows, each one's content its tag and inner seal in one.

        Args:
            locators: of the rows.
            entries: of the rows; few differ.
            contents: of the rows.
            sizes: for each length of a content, the size that such a row is stored at.
        """
        fillings = {length: filling(length, size - _AEAD_TAG_BYTES) for length, size in sizes.items()}
        numbered = {entry: (self._nonce(entry), self._behind_locator(entry)) for entry in {*entries}}
        before, encrypt = self._before_locator, self._aead.encrypt
        sealed: list[bytes] = []
        for locator, entry, content in zip(locators, entries, contents, strict=True):
            nonce, behind = numbered[entry]
            sealed.append(encrypt(nonce, content + fillings[len(content)], before + locator + behind))
        return sealed

    def open(self, locator: bytes, entry: int, sealed: bytes) -> tuple[bytes, bytes]:
        """Open the outer seal: the row's tag, and the inner seal.

        Raises:
            DecryptionFailed: it does not open under this key at this place.
        """
        if not isinstance(entry, int) or not 0 <= entry < 1 << 31:  # SQLite keeps whatever type was put in
            raise DecryptionFailed("a row has an impossible entry number")
        plain = unpad(decrypt(self._aead, self._nonce(entry), sealed, self._data(locator, entry)))
        return plain[:TAG_BYTES], plain[TAG_BYTES:]

    @staticmethod
    def _nonce(entry: int) -> bytes:
        return entry.to_bytes(_NONCE_BYTES, "big")

    def _data(self, locator: bytes, entry: int) -> bytes:
        return self._before_locator + locator + self._behind_locator(entry)

    def _behind_locator(self, entry: int) -> bytes:
        return self._before_entry + entry.to_bytes(_ENTRY_BYTES, "big") + self._behind_entry


def merge_rare_sizes(sizes: Mapping[int, int], least: int) -> dict[int, int]:
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


def decrypt(aead: AESGCMSIV, nonce: bytes, sealed: bytes, data: bytes) -> bytes:
    """Open an AEAD, whatever is wrong with it ending in the one error.

    Raises:
        DecryptionFailed: it does not open.
    """
    try:
        return aead.decrypt(nonce, sealed, data)
    except (InvalidTag, ValueError, TypeError):  # TypeError: SQLite hands over text where bytes were tampered with
        raise DecryptionFailed("a seal does not open") from None
