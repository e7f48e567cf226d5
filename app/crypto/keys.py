"""A type for each secret, so that none is taken for another, shown, compared in variable time, or short."""

import hmac
import secrets
from typing import ClassVar, Self

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from app.errors import InvalidInput

KEY_BYTES = 32


class InvalidKey(InvalidInput):
    """A key that must not be used; the message names where it lies, never what it is."""


def expand(key: bytes, *, info: bytes, length: int) -> bytes:
    """HKDF-Expand with SHA-256 (RFC 5869, 2.3): *length* bytes for the purpose *info*, from a *key* that is already uniform."""
    return HKDFExpand(algorithm=hashes.SHA256(), length=length, info=info).derive(key)


class Key:
    """32 bytes of the operating system's randomness with one role."""

    role: ClassVar[str]
    __slots__ = ("_bytes",)

    def __init__(self, raw: bytes) -> None:
        if len(raw) != KEY_BYTES:
            raise InvalidKey(f"a {self.role} key is {KEY_BYTES} bytes")
        self._bytes = raw

    @classmethod
    def generate(cls) -> Self:
        """Make a new one."""
        return cls(secrets.token_bytes(KEY_BYTES))

    def subkey(self, purpose: str, length: int = KEY_BYTES) -> bytes:
        """Derive the key for one *purpose*: no key of this project does two jobs."""
        return expand(self._bytes, info=b"exposure-lookup/1 " + purpose.encode(), length=length)

    def reveal(self) -> bytes:
        """Give the bytes themselves, for a key file or a primitive: the only way to them."""
        return self._bytes

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Key) and hmac.compare_digest(self._bytes, other._bytes)

    __hash__ = None  # type: ignore[assignment]  # compared, never kept in a set

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a key does not leave its process")


class Pepper(Key):
    """The keyholder's: what makes a digest of a phone number more than the phone number. Nobody else ever holds it."""

    role = "pepper"


class StoreKey(Key):
    """The application's, one for each data set: cloaks its locators and lays the outer seal."""

    role = "store"

    @property
    def id(self) -> str:
        """A public name, derived: a file that holds another key than its name says is found out."""
        return self.subkey("key id", 8).hex()


class ApplicationKey(Key):
    """The application's: codes, targets on their way to the sender, and subjects outside of a record."""

    role = "application"


class SigningKey(Key):
    """What the Ed25519 keys (RFC 8032) are derived from: one signs receipts, another manifests."""

    role = "signing"
