"""Encryption of stored rows in two layers, and of their locators.

    row     = ( locator cipher(locator), entry, outer )
    outer   = AES-256-GCM-SIV(store subkey,  nonce = entry, row tag ‖ inner, padded)   AAD: format, data set, locator, entry, key id
    inner   = AES-256-GCM-SIV(record key,    nonce = 0,     record, padded)            AAD: format, data set, locator

No nonce is stored. GCM-SIV (RFC 8452) stays secure if a nonce repeats: a record key encrypts few, distinct records, and under the store key the AAD
is different for each row. The AAD also binds a row to its position: a moved row does not decrypt.
"""

from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from app.crypto.framing import frame
from app.crypto.key_derivation import LOCATOR_BYTES, DerivedKeys
from app.crypto.keys import StoreKey
from app.crypto.mac_inputs import TAG_BYTES
from app.crypto.padding import RecordTooLong, padding_for, unpad
from app.errors import DependencyUnavailable

FORMAT_LABEL = b"exposure-lookup/1 sealed row"
_NONCE_BYTES = 12
_ZERO_NONCE = bytes(_NONCE_BYTES)
_ENTRY_BYTES = 4
_AEAD_TAG_BYTES = 16
_ROW_OVERHEAD = (
    TAG_BYTES + 2 * _AEAD_TAG_BYTES + 1
)  # row tag, AEAD tags of both layers, first byte of the outer padding

SIZE_CLASSES = (124, 192, 256, 384, *(512 << step for step in range(8)))
"""Sizes of an outer ciphertext in bytes, up to 64 KiB. The most common is 124: PostgreSQL then stores its length in one byte instead of four."""

MAX_RECORD_BYTES = SIZE_CLASSES[-1] - 1 - _ROW_OVERHEAD
"""Length of the largest record that fits the largest class."""

OVERFLOW_MARKER = b""
"""Inner ciphertext of an overflow marker (identifier shared by more than 20 people): empty."""


class DecryptionFailed(DependencyUnavailable):
    """A ciphertext does not decrypt: its bytes changed, it was moved, or the key is different. Never treat this as "nothing stored"."""


class LocatorCipher:
    """AES-256 on single blocks of 16 bytes. It is a permutation, so a look-up remains one exact point read."""

    def __init__(self, key: bytes) -> None:
        self._cipher = Cipher(algorithms.AES256(key), modes.ECB())  # noqa: S305  single blocks of pseudorandom values do not repeat

    def encrypt(self, blocks: bytes) -> bytes:
        """Encrypt any number of 16-byte blocks, each independently.

        Raises:
            DecryptionFailed: not a whole number of blocks.
        """
        return self._cipher.encryptor().update(_require_blocks(blocks))

    def decrypt(self, blocks: bytes) -> bytes:
        """Decrypt any number of 16-byte blocks.

        Raises:
            DecryptionFailed: not a whole number of blocks.
        """
        return self._cipher.decryptor().update(_require_blocks(blocks))


def _require_blocks(blocks: bytes) -> bytes:
    if (
        not isinstance(blocks, bytes) or not blocks or len(blocks) % LOCATOR_BYTES
    ):  # the cipher would drop the rest silently
        raise DecryptionFailed("locators must be blocks of 16 bytes")
    return blocks


def size_class_for_record(length: int) -> int:
    """Return the size class of a row whose record has *length* bytes.

    Raises:
        RecordTooLong: it exceeds the largest class.
    """
    if length > MAX_RECORD_BYTES:
        raise RecordTooLong("a record is larger than the largest size class")
    return SIZE_CLASSES[bisect_left(SIZE_CLASSES, length + 1 + _ROW_OVERHEAD)]


class _PaddingCache(dict[int, bytes]):
    """Padding of a record, by its length."""

    def __missing__(self, length: int) -> bytes:
        padding = padding_for(length, size_class_for_record(length) - _ROW_OVERHEAD)
        if length < _MAX_CACHED_LENGTH:
            self[length] = padding
        return padding


_MAX_CACHED_LENGTH = 1024
_RECORD_PADDINGS = _PaddingCache()


def derive_row_tag(subject: bytes, locator: bytes) -> bytes:
    """Return a 64-bit row tag: keyed BLAKE2b (RFC 7693) of the locator. The *subject* identifies a person's rows without decrypting them."""
    return derive_row_tags([subject], [locator])[0]


def derive_row_tags(subjects: Iterable[bytes], locators: Iterable[bytes]) -> list[bytes]:
    """Call `derive_row_tag` for many rows."""
    return [
        blake2b(locator, key=subject, digest_size=TAG_BYTES, person=b"exposure row tag").digest()
        for subject, locator in zip(subjects, locators, strict=True)
    ]


class RecordSealer:
    """Inner layer of one data set's rows: encrypts each record under its own record key."""

    def __init__(self, dataset: UUID) -> None:
        self._aad_prefix = frame(FORMAT_LABEL, dataset.bytes, bytes(LOCATOR_BYTES))[:-LOCATOR_BYTES]  # then the locator

    def seal(self, keys: DerivedKeys, record: bytes) -> bytes:
        """Encrypt a record, padded to its size class.

        Raises:
            RecordTooLong: the record exceeds the largest size class.
        """
        return self.seal_many([keys.locator + keys.key], [record])[0]

    def seal_many(self, row_bytes: Iterable[bytes], records: Iterable[bytes]) -> list[bytes]:
        """Encrypt many records.

        Args:
            row_bytes: for each record its locator and key, as returned by `derive_row_bytes`.
            records: as many.
        Raises:
            RecordTooLong: a record exceeds the largest size class.
        """
        aad_prefix, paddings = self._aad_prefix, _RECORD_PADDINGS
        return [
            AESGCMSIV(derived[LOCATOR_BYTES:]).encrypt(
                _ZERO_NONCE, record + paddings[len(record)], aad_prefix + derived[:LOCATOR_BYTES]
            )
            for derived, record in zip(row_bytes, records, strict=True)
        ]

    def open(self, keys: DerivedKeys, inner: bytes) -> bytes:
        """Decrypt a record.

        Raises:
            DecryptionFailed: it does not decrypt with this locator and key.
        """
        return unpad(decrypt_aead(AESGCMSIV(keys.key), _ZERO_NONCE, inner, self._aad_prefix + keys.locator))


def size_class_for_inner(length: int) -> int:
    """Return the size class of a row whose inner ciphertext has *length* bytes."""
    return max(length + TAG_BYTES + _AEAD_TAG_BYTES + 1, SIZE_CLASSES[0])


class RowSealer:
    """Outer layer of one data set's rows, and its locators, under its store key."""

    def __init__(self, key: StoreKey, dataset: UUID) -> None:
        self.dataset = dataset
        self.record_sealer = RecordSealer(dataset)
        self._locator_cipher = LocatorCipher(key.subkey("cloak"))
        self._aead = AESGCMSIV(key.subkey("outer seal"))
        # AAD: frame(FORMAT_LABEL, data set, locator, entry, key id). Precomputed, except locator and entry.
        self._aad_prefix = frame(FORMAT_LABEL, dataset.bytes, bytes(LOCATOR_BYTES))[:-LOCATOR_BYTES]
        self._entry_length = frame(bytes(_ENTRY_BYTES))[:-_ENTRY_BYTES]
        self._aad_key_id = frame(key.id.encode())

    def encrypt_locators(self, locators: bytes) -> bytes:
        """Encrypt one locator, or many that are concatenated, for storage."""
        return self._locator_cipher.encrypt(locators)

    def decrypt_locators(self, stored: bytes) -> bytes:
        """Decrypt one stored locator, or many that are concatenated.

        Raises:
            DecryptionFailed: not a whole number of blocks.
        """
        return self._locator_cipher.decrypt(stored)

    def seal(self, locator: bytes, entry: int, tag: bytes, inner: bytes, size: int) -> bytes:
        """Encrypt a row *tag* and an *inner* ciphertext to *size* bytes in total.

        Raises:
            RecordTooLong: they do not fit.
        """
        content = tag + inner
        return self.seal_many([locator], [entry], [content], {len(content): size})[0]

    def seal_many(
        self, locators: Sequence[bytes], entries: Sequence[int], contents: Sequence[bytes], sizes: Mapping[int, int]
    ) -> list[bytes]:
        """Encrypt many rows.

        Args:
            locators: of the rows, decrypted.
            entries: of the rows; few different ones.
            contents: of the rows: tag and inner ciphertext, concatenated.
            sizes: for each length of a content, the size of the outer ciphertext.
        """
        paddings = {length: padding_for(length, size - _AEAD_TAG_BYTES) for length, size in sizes.items()}
        by_entry = {entry: (self._nonce(entry), self._aad_suffix(entry)) for entry in {*entries}}
        aad_prefix, encrypt = self._aad_prefix, self._aead.encrypt
        sealed: list[bytes] = []
        for locator, entry, content in zip(locators, entries, contents, strict=True):
            nonce, aad_suffix = by_entry[entry]
            sealed.append(encrypt(nonce, content + paddings[len(content)], aad_prefix + locator + aad_suffix))
        return sealed

    def open(self, locator: bytes, entry: int, sealed: bytes) -> tuple[bytes, bytes]:
        """Decrypt the outer layer. Return the row tag and the inner ciphertext.

        Raises:
            DecryptionFailed: it does not decrypt under this key with this locator and entry.
        """
        if not isinstance(entry, int) or not 0 <= entry < 1 << 31:  # SQLite stores a value of any type
            raise DecryptionFailed("a row has an invalid entry number")
        aad = self._aad_prefix + locator + self._aad_suffix(entry)
        plaintext = unpad(decrypt_aead(self._aead, self._nonce(entry), sealed, aad))
        return plaintext[:TAG_BYTES], plaintext[TAG_BYTES:]

    @staticmethod
    def _nonce(entry: int) -> bytes:
        return entry.to_bytes(_NONCE_BYTES, "big")

    def _aad_suffix(self, entry: int) -> bytes:
        return self._entry_length + entry.to_bytes(_ENTRY_BYTES, "big") + self._aad_key_id


def decrypt_aead(aead: AESGCMSIV, nonce: bytes, ciphertext: bytes, aad: bytes) -> bytes:
    """Decrypt, and turn every kind of failure into one error.

    Raises:
        DecryptionFailed: it does not decrypt.
    """
    try:
        return aead.decrypt(nonce, ciphertext, aad)
    except (InvalidTag, ValueError, TypeError):  # TypeError: a tampered SQLite column may hold text
        raise DecryptionFailed("a ciphertext does not decrypt") from None
