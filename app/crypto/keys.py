"""One class for each kind of secret key, so that a key cannot be confused with another, shown, compared in variable time, or too short."""

import hmac
import secrets
from typing import ClassVar, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from app.errors import InvalidInput

KEY_BYTES = 32


class InvalidKey(InvalidInput):
    """A key that must not be used. The message names its file, never its bytes."""


def hkdf_expand(key: bytes, *, info: bytes, length: int) -> bytes:
    """Return *length* bytes of HKDF-Expand with SHA-256 (RFC 5869, 2.3). The *key* must already be uniformly random."""
    return HKDFExpand(algorithm=hashes.SHA256(), length=length, info=info).derive(key)


class Key:
    """32 random bytes with one role."""

    role: ClassVar[str]
    __slots__ = ("_bytes",)

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise InvalidKey(f"a {self.role} key must be {KEY_BYTES} bytes")
        self._bytes = raw

    @classmethod
    def generate(cls) -> Self:
        """Create a new key from the operating system's randomness."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def subkey(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """Derive the key for one *purpose*. No key of this project has two uses."""
        return hkdf_expand(self._bytes, info=b"exposure-lookup/1 " + purpose.encode(), length=length)

    def reveal(self) -> bytes:
        """Return the raw bytes, for a key file or a primitive. There is no other access to them."""
        return self._bytes

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and hmac.compare_digest(self._bytes, other._bytes)

    __hash__ = None  # type: ignore[assignment]  # keys are compared, never members of a set

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a key must not leave its process")


class Pepper(Key):
    """Key of the keyholder's MACs. Only the keyholder holds it; without it the digest of a phone number cannot be computed by trying all numbers."""

    role = "pepper"


class StoreKey(Key):
    """Application-side key of one data set: encrypts its locators and the outer layer of its rows."""

    role = "store"

    @property
    def id(self) -> str:
        """Public identifier, derived from the key. It reveals a file whose content and name do not belong together."""
        return self.subkey("key id", 8).hex()


class ApplicationKey(Key):
    """Root of the application's subkeys: codes, subjects outside of a record."""

    role = "application"


class RatchetState(Key):
    """State of the key ratchet in one epoch. The next state and the epoch's keys follow from it; an earlier state does not (see `key_ratchet`)."""

    role = "ratchet"

    def next(self) -> "RatchetState":
        """Return the state of the next epoch."""
        return RatchetState(self.subkey("ratchet"))

    def epoch_key(self, purpose: str) -> bytes:
        """Return the epoch's key for one *purpose*."""
        return self.subkey(f"epoch key {purpose}")


class SigningKey(Key):
    """Seed of the three Ed25519 keys (RFC 8032): one signs receipts, one manifests, one the catalogue."""

    role = "signing"
