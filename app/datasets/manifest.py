"""The signed manifest of a data set: the number of rows and a digest that reveals a lost or changed row.

The digest is a multiset hash: the sum, modulo 2^128, of one secret number for each row (Bellare, Guérin, Rogaway: XOR MACs, 1995, with addition
instead of XOR). It does not depend on the order of the rows, can be computed in parts, and is updated by subtraction when rows are removed. The
number of a row is the tag of its outer ciphertext, which authenticates content and position, enciphered under a key used only for manifests: a sum of
public numbers could be forged. The digest therefore covers only rows that can be decrypted.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from uuid import UUID

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from app.crypto.keys import SigningKey, StoreKey
from app.datasets.lifecycle import DataSet
from app.errors import ExposureError

StoredRow = tuple[bytes, int, bytes]
"""A row as stored: encrypted locator, entry, ciphertext."""

MANIFEST_TYPE = "exposure-lookup/1 manifest"
"""Part of the signed content, because the same key signs other content too."""

_TAG_BYTES = 16
_MODULUS = 1 << (8 * _TAG_BYTES)


class InvalidManifest(ExposureError):
    """The manifest's signature is invalid, or the signed content is not a manifest."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """The expected contents of a data set's table."""

    dataset: str
    incident: str
    kind: str
    key_id: str
    hints: bool
    rows: int
    people: int
    suppressed: int
    digest: str

    @classmethod
    def create(
        cls,
        row_hash: "RowMultisetHash",
        key: StoreKey,
        *,
        dataset: UUID,
        incident: str,
        kind: str,
        hints: bool,
        people: int,
    ) -> "Manifest":
        """Create the manifest of a new data set."""
        return cls(
            dataset=str(dataset),
            incident=incident,
            kind=kind,
            key_id=key.id,
            hints=hints,
            rows=row_hash.count,
            people=people,
            suppressed=0,
            digest=f"{row_hash.total:032x}",
        )

    def matches_rows(self, row_hash: "RowMultisetHash") -> bool:
        """Return whether the hashed rows are the rows of this manifest."""
        return self.rows == row_hash.count and int(self.digest, 16) == row_hash.total

    def matches_catalog(self, dataset: DataSet) -> bool:
        """Return whether the catalogue's entry of *dataset* agrees with this manifest."""
        listed = (dataset.incident, dataset.kind, dataset.key_id, dataset.rows, dataset.people)
        return UUID(self.dataset) == dataset.id and listed == (
            self.incident,
            self.kind,
            self.key_id,
            self.rows,
            self.people,
        )

    def without_person(self, rows: Sequence[StoredRow], key: StoreKey) -> "Manifest":
        """Return the manifest after one person, who has exactly these *rows*, was suppressed."""
        removed = RowMultisetHash(key)
        removed.add([sealed for _, _, sealed in rows])
        total = (int(self.digest, 16) - removed.total) % _MODULUS
        return replace(
            self,
            rows=self.rows - removed.count,
            people=self.people - 1,
            suppressed=self.suppressed + 1,
            digest=f"{total:032x}",
        )

    def sign(self, key: SigningKey) -> tuple[bytes, bytes]:
        """Return the manifest as RFC 8785 JSON and its Ed25519 signature."""
        payload = rfc8785.dumps({"type": MANIFEST_TYPE, **asdict(self)})
        return payload, _private_key(key).sign(payload)


def read_signed_manifest(payload: bytes, signature: bytes, key: SigningKey) -> Manifest:
    """Verify and parse a stored manifest.

    Raises:
        InvalidManifest: the signature is invalid, or the content is not a manifest.
    """
    try:
        _private_key(key).public_key().verify(signature, payload)
        content = json.loads(payload)
        content_type, manifest = content.pop("type"), Manifest(**content)
    except (InvalidSignature, ValueError, LookupError, TypeError, AttributeError):
        raise InvalidManifest("the manifest's signature is invalid") from None
    if content_type != MANIFEST_TYPE:
        raise InvalidManifest("the signed content is not a manifest")
    return manifest


class RowMultisetHash:
    """Incremental, order-independent hash of rows: their number and the sum of their secret numbers."""

    def __init__(self, key: StoreKey) -> None:
        cipher = Cipher(algorithms.AES256(key.subkey("manifest")), modes.ECB())  # noqa: S305  single blocks that never repeat
        self._cipher = cipher
        self.count = 0
        self.total = 0
        """Sum of the secret numbers, modulo 2^128."""

    def add(self, sealed: Sequence[bytes]) -> None:
        """Add rows, given by their outer ciphertexts."""
        tags = b"".join([ciphertext[-_TAG_BYTES:] for ciphertext in sealed])
        halves = struct.unpack(f">{2 * len(sealed)}Q", self._cipher.encryptor().update(tags))
        self.merge(len(sealed), (sum(halves[0::2]) << 64) + sum(halves[1::2]))

    def merge(self, count: int, total: int) -> None:
        """Add the count and total of rows that were hashed elsewhere."""
        self.count += count
        self.total = (self.total + total) % _MODULUS


def _private_key(key: SigningKey) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.subkey("manifests"))
