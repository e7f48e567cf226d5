"""The signed manifest of a data set: how many rows it has, and a digest by which one lost or changed row is found.

The digest is a sum, modulo 2^256, of keyed hashes of the rows (Bellare, Guérin, Rogaway: XOR MACs, 1995, with addition for XOR): it does not
depend on their order, can be made in parts, and follows a suppressed row by subtraction. Keyed, since sums of unkeyed hashes can be forged.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from uuid import UUID

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.crypto.secret import SigningKey, StoreKey
from app.datasets.versions import DataSet
from app.errors import ExposureError

Row = tuple[bytes, int, bytes]
"""A stored row: cloaked locator, entry, sealed bytes."""

TYPE = "exposure-lookup/1 manifest"
"""Signed with the rest: the key signs other things too."""

_BYTES = 32
_MODULUS = 1 << (8 * _BYTES)


class BadManifest(ExposureError):
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
        cls, rows: Iterable[Row], key: StoreKey, *, dataset: UUID, incident: str, kind: str, hints: bool, people: int
    ) -> "Manifest":
        """Account for the *rows* of a new data set."""
        account = _account(rows, key)
        return cls(
            dataset=str(dataset),
            incident=incident,
            kind=kind,
            key_id=key.id,
            hints=hints,
            rows=account.count,
            people=people,
            suppressed=0,
            digest=f"{account.total:064x}",
        )

    def matches(self, account: "Account") -> bool:
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

    def without(self, rows: Iterable[Row], key: StoreKey) -> "Manifest":
        """Take one suppressed person's *rows* out of the account."""
        gone = _account(rows, key)
        left = (int(self.digest, 16) - gone.total) % _MODULUS
        return replace(
            self,
            rows=self.rows - gone.count,
            people=self.people - 1,
            suppressed=self.suppressed + 1,
            digest=f"{left:064x}",
        )

    def sign(self, key: SigningKey) -> tuple[bytes, bytes]:
        """Give the manifest's RFC 8785 bytes and the Ed25519 signature over them."""
        payload = rfc8785.dumps({"type": TYPE, **asdict(self)})
        return payload, _private(key).sign(payload)


def read_signed(payload: bytes, signature: bytes, key: SigningKey) -> Manifest:
    """Read a stored manifest, once its signature holds.

    Raises:
        BadManifest: it does not.
    """
    try:
        _private(key).public_key().verify(signature, payload)
        content = json.loads(payload)
        type_, manifest = content.pop("type"), Manifest(**content)
    except (InvalidSignature, ValueError, LookupError, TypeError, AttributeError):
        raise BadManifest("the manifest's signature does not hold") from None
    if type_ != TYPE:
        raise BadManifest("what was signed is no manifest")
    return manifest


class Account:
    """Rows as they are counted and added up."""

    def __init__(self, key: StoreKey) -> None:
        self._subkey = key.subkey("manifest")
        self.count = 0
        self._total = 0

    def add(self, locator: bytes, entry: int, sealed: bytes) -> None:
        """Count one more row in."""
        row = len(locator).to_bytes(4, "big") + locator + entry.to_bytes(8, "big", signed=True) + sealed
        self._total += int.from_bytes(hashlib.blake2b(row, key=self._subkey, digest_size=_BYTES).digest(), "big")
        self.count += 1

    @property
    def total(self) -> int:
        """The sum, modulo 2^256."""
        return self._total % _MODULUS


def _account(rows: Iterable[Row], key: StoreKey) -> Account:
    account = Account(key)
    for row in rows:
        account.add(*row)
    return account


def _private(key: SigningKey) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.subkey("manifests"))
