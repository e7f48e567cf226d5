"""What a secret expands to: where something lies, and what opens it. Rows, sessions and verifications."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b
from itertools import count
from typing import NamedTuple
from uuid import UUID

from app.crypto.framing import frame
from app.crypto.secret import KEY_BYTES, expand

LOCATOR_BYTES = 16
PLACE_BYTES = LOCATOR_BYTES + KEY_BYTES
"""Of a `Place`: its locator, and its key behind it."""

_PERSON = b"exposure-lookup/"


class Place(NamedTuple):
    """Where something lies (16 bytes, may be stored) and the key that opens it (32 bytes, never stored)."""

    locator: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Place(…)"


def _place(expanded: bytes) -> Place:
    return Place(expanded[:LOCATOR_BYTES], expanded[LOCATOR_BYTES:])


def row_place(digest: bytes, dataset: UUID) -> Place:
    """Find an identifier's rows in one data set: unlinkable to its rows in the next."""
    return row_places([digest], dataset)[0]


def row_places(digests: Iterable[bytes], dataset: UUID) -> list[Place]:
    """Do as `row_place` for many identifiers."""
    return [*map(_place, expanded_rows(digests, dataset))]


def expanded_rows(digests: Iterable[bytes], dataset: UUID) -> list[bytes]:
    """Expand many identifiers' digests for one data set: each its locator, and behind it the record key.

    By keyed BLAKE2b (RFC 7693), which gives all 48 bytes in one call: 62 million rows notice. HKDF-Expand takes two HMACs.
    """
    info = frame(b"exposure-lookup/1 row", dataset.bytes)
    return [blake2b(info, key=digest, digest_size=PLACE_BYTES, person=_PERSON).digest() for digest in digests]


def sentinel_places(digest: bytes, dataset: UUID) -> Iterator[Place]:
    """Give places without end for the sentinels of one data set; the first is the digest's `row_place`."""
    yield row_place(digest, dataset)
    for number in count(1):
        info = frame(b"exposure-lookup/1 sentinel", dataset.bytes, number.to_bytes(4, "big"))
        yield _place(blake2b(info, key=digest, digest_size=PLACE_BYTES, person=_PERSON).digest())


def token_place(token: bytes, purpose: str) -> Place:
    """Find what a bearer's *token*, of any length, opens. The locator may lie in a table: it is neither the token nor a plain hash of it."""
    return _place(expand(token, info=frame(b"exposure-lookup/1 token", purpose.encode()), length=PLACE_BYTES))
