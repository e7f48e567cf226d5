"""The signed manifest of a data set: how many rows it has, and a digest by which one lost or changed row is found.

The digest is a sum, modulo 2^128, of one secret number for each row (Bellare, Guérin, Rogaway: XOR MACs, 1995, with addition for XOR): it does not
depend on their order, can be made in parts, and follows a suppressed row by subtraction. A row's number is the tag of its outer seal, which vouches
for its content and its place, enciphered under a key of the manifest's own: sums of numbers that everybody sees can be forged. So it says something
only of rows that open.
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

Row = tuple[bytes, int, bytes]
"""A stored row: cloaked locator, entry, sealed bytes."""

TYPE = "exposure-lookup/1 manifest"
"""Signed with the rest: the key signs other things too."""

_TAG_BYTES = 16
_MODULUS = 1 << (8 * _TAG_BYTES)


class InvalidManifest(ExposureError):
    """The manifest's signature does not hold."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What the partition of a data set must hold."""

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
    def of(
        cls, account: "RowMultisetHash", key: StoreKey, *, dataset: UUID, incident: str, kind: str, hints: bool, people: int
    ) -> "Manifest":
        """Account for the rows of a new data set."""
        return cls(
            dataset=str(dataset),
            incident=incident,
            kind=kind,
            key_id=key.id,
            hints=hints,
            rows=account.count,
            people=people,
            suppressed=0,
            digest=f"{account.total:032x}",
        )

    def matches(self, account: "RowMultisetHash") -> bool:
        """Say whether what was counted and added up is what the manifest says."""
        return self.rows == account.count and int(self.digest, 16) == account.total

    def describes(self, dataset: DataSet) -> bool:
        """Say whether this is the manifest of *dataset*, whose counts are kept beside it too."""
        kept = (dataset.incident, dataset.kind, dataset.key_id, dataset.rows, dataset.people)
        return UUID(self.dataset) == dataset.id and kept == (
            self.incident,
            self.kind,
            self.key_id,
            self.rows,
            self.people,
        )

    def without_person(self, rows: Sequence[Row], key: StoreKey) -> "Manifest":
        """Take one suppressed person's *rows* out of the account."""
        gone = RowMultisetHash(key)
        gone.add([sealed for _, _, sealed in rows])
        left = (int(self.digest, 16) - gone.total) % _MODULUS
        return replace(
            self,
            rows=self.rows - gone.count,
            people=self.people - 1,
            suppressed=self.suppressed + 1,
            digest=f"{left:032x}",
        )

    def sign(self, key: SigningKey) -> tuple[bytes, bytes]:
        """Give the manifest's RFC 8785 bytes and the Ed25519 signature over them."""
        payload = rfc8785.dumps({"type": TYPE, **asdict(self)})
        return payload, _private(key).sign(payload)


def read_signed_manifest(payload: bytes, signature: bytes, key: SigningKey) -> Manifest:
    """Read a stored manifest, once its signature holds.

    Raises:
        BadManifest: it does not.
    """
    try:
        _private(key).public_key().verify(signature, payload)
        content = json.loads(payload)
        type_, manifest = content.pop("type"), Manifest(**content)
    except (InvalidSignature, ValueError, LookupError, TypeError, AttributeError):
        raise InvalidManifest("the manifest's signature does not hold") from None
    if type_ != TYPE:
        raise InvalidManifest("what was signed is no manifest")
    return manifest


class RowMultisetHash:
    """Rows as they are counted and added up."""

    def __init__(self, key: StoreKey) -> None:
        self._cipher = Cipher(algorithms.AES256(key.subkey("manifest")), modes.ECB())  # noqa: S305  one block each of what does not repeat
        self.count = 0
        self.total = 0
        """The sum, modulo 2^128."""

    def add(self, sealed: Sequence[bytes]) -> None:
        """Count some more rows in, each by its outer seal."""
        tags = b"".join([one[-_TAG_BYTES:] for one in sealed])
        halves = struct.unpack(f">{2 * len(sealed)}Q", self._cipher.encryptor().update(tags))
        self.join(len(sealed), (sum(halves[0::2]) << 64) + sum(halves[1::2]))

    def join(self, count: int, total: int) -> None:
        """Count in rows that were added up elsewhere."""
        self.count += count
        self.total = (self.total + total) % _MODULUS


def _private(key: SigningKey) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.subkey("manifests"))
