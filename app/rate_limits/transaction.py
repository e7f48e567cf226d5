"""What a call is charged with, and what comes of it. No key here can be told from another by whoever reads the store of the budgets."""

import hmac
from dataclasses import dataclass, field

from app.crypto.framing import frame
from app.rate_limits.gcra import Limit

MARKS = 8192
"""Bits of the map that remembers a day's identifiers: 1 KiB for each client, however many it asked about. A fresh identifier is taken for one that
came before with a chance of (those that are marked) / 8192, in the asker's favour."""


QUOTA = 0.1
"""Of its own bucket: so much a client may have used, and has a share in what is kept of others."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One budget that is spent from."""

    limit_name: str
    limit: Limit
    whose: bytes | None = field(default=None, repr=False)
    """Client, subnet, identifier or session; None for a budget of the whole service."""
    cost: float = 1.0
    share: float = 1.0
    """Of the bucket that may be used at all."""
    kept: float = 0.0
    """Of the bucket that is kept for clients within their quota: those whose own bucket, the first of the charges, is used up to `QUOTA` at most."""
    looks: bool = False
    """Whether room for the cost is only looked for, and nothing spent."""
    distinct: bytes | None = field(default=None, repr=False)
    """An identifier that costs once a day, however often it comes."""


@dataclass(frozen=True, slots=True)
class BatchDecision:
    """What came of charges that were made together: all were spent, or none."""

    used: tuple[float, ...]
    """Of each bucket, from 0 (full) to 1 (empty)."""
    refused: Transaction | None = None
    """The one with the longest wait."""
    wait: float = 0.0
    """Seconds until that one has room."""


def bucket_name(charge: Transaction, key_of_day: bytes) -> str:
    """Name a bucket: what is somebody's is blinded by a key that is gone after two days."""
    whose = "" if charge.whose is None else _blinded(key_of_day, b"whose", charge.whose).hex()
    return f"{charge.limit_name}:{whose}"


def mark_of(identifier: bytes, key_of_day: bytes) -> int:
    """Find an identifier's place in a map of `MARKS` bits."""
    return int.from_bytes(_blinded(key_of_day, b"mark", identifier), "big") % MARKS


def _blinded(key_of_day: bytes, role: bytes, value: bytes) -> bytes:
    return hmac.digest(key_of_day, frame(b"exposure-lookup/1 budget", role, value), "sha256")[:16]
