"""What a secret expands to: where something lies, and what opens it. One mechanism for rows, sessions and verifications."""

from typing import NamedTuple
from uuid import UUID

from app.crypto.framing import frame
from app.crypto.secret import KEY_BYTES, expand

LOCATOR_BYTES = 16


class Place(NamedTuple):
    """Where something lies (16 bytes, may be stored) and the key that opens it (32 bytes, never stored)."""

    locator: bytes
    key: bytes

    def __repr__(self) -> str:
        return "Place(…)"


def _expand(secret: bytes, info: bytes) -> Place:
    both = expand(secret, info=info, length=LOCATOR_BYTES + KEY_BYTES)
    return Place(both[:LOCATOR_BYTES], both[LOCATOR_BYTES:])


def row_place(digest: bytes, dataset: UUID) -> Place:
    """Find an identifier's rows in one data set: unlinkable to its rows in the next."""
    return _expand(digest, frame(b"exposure-lookup/1 row", dataset.bytes))


def token_place(token: bytes, purpose: str) -> Place:
    """Find what a bearer's *token* opens. The locator may lie in a table: it is neither the token nor a plain hash of it."""
    return _expand(token, frame(b"exposure-lookup/1 token", purpose.encode()))
