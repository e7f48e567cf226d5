"""What a secret expands to: where something lies, and what opens it. Rows, sessions and verifications."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import count
from typing import NamedTuple
from uuid import UUID

from app.crypto.framing import frame
from app.crypto.keys import KEY_BYTES, expand

LOCATOR_BYTES = 16
DERIVED_KEYS_BYTES = LOCATOR_BYTES + KEY_BYTES
"""Of a `DerivedKeys`: its locator, and its key behind it."""

_PERSON = b"exposure-lookup/"


class DerivedKeys(NamedTuple):
    """Where something lies (16 bytes, may be stored) and the key that opens it (32 bytes, never stored)."""

    locator: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Place(…)"


def _place(expanded: bytes) -> DerivedKeys:
    return DerivedKeys(expanded[:LOCATOR_BYTES], expanded[LOCATOR_BYTES:])


def derive_row_keys(digest: bytes, dataset: UUID) -> DerivedKeys:
    """Find an identifier's rows in one data set: unlinkable to its rows in the next."""
    return derive_many_row_keys([digest], dataset)[0]


def derive_many_row_keys(digests: Iterable[bytes], dataset: UUID) -> list[DerivedKeys]:
    """Do as `derive_row_keys` for many identifiers."""
    return [*map(_place, derive_row_bytes(digests, dataset))]


def derive_row_bytes(digests: Iterable[bytes], dataset: UUID) -> list[bytes]:
    """Expand many identifiers' digests for one data set: each its locator, and behind it the record key.

    By keyed BLAKE2b (RFC 7693), which gives all 48 bytes in one call: 62 million rows notice. HKDF-Expand takes two HMACs.
    """
    info = frame(b"exposure-lookup/1 row", dataset.bytes)
    return [blake2b(info, key=digest, digest_size=DERIVED_KEYS_BYTES, person=_PERSON).digest() for digest in digests]


def derive_sentinel_keys(digest: bytes, dataset: UUID) -> Iterator[DerivedKeys]:
    """Give places without end for the sentinels of one data set; the first is the digest's `derive_row_keys`."""
    yield derive_row_keys(digest, dataset)
    for number in count(1):
        info = frame(b"exposure-lookup/1 sentinel", dataset.bytes, number.to_bytes(4, "big"))
        yield _place(blake2b(info, key=digest, digest_size=DERIVED_KEYS_BYTES, person=_PERSON).digest())


def derive_token_keys(token: bytes, purpose: str) -> DerivedKeys:
    """Find what a bearer's *token*, of any length, opens. The locator may lie in a table: it is neither the token nor a plain hash of it."""
    return _place(expand(token, info=frame(b"exposure-lookup/1 token", purpose.encode()), length=DERIVED_KEYS_BYTES))
