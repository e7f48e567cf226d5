"""Transactions: what is charged to which limit, and what the decision was. `blinding` says how bucket keys hide whose buckets they are."""

from dataclasses import dataclass, field
from typing import NamedTuple

from app.rate_limits.blinding import BlindingKeys, blind
from app.rate_limits.gcra import Limit

TRUSTED_MAX_USED_FRACTION = 0.1
"""A client is trusted if it has used at most this fraction of its own bucket. Trusted clients may use the reserved share of other buckets."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """One charge to one limit."""

    limit_name: str
    limit: Limit
    subject: bytes | None = field(default=None, repr=False)
    """The client, subnet or identifier that is charged; None for a limit of the whole service."""
    cost: float = 1.0
    usable_share: float = 1.0
    """Share of the bucket that may be used at all."""
    reserved_share: float = 0.0
    """Share of this bucket reserved for trusted clients: those that have used at most `TRUSTED_MAX_USED_FRACTION` of their own bucket (the first
    transaction in the batch)."""
    check_only: bool = False
    """Whether the cost must fit but is not spent."""


@dataclass(frozen=True, slots=True)
class BatchDecision:
    """The result of transactions that were spent together: all of them or none."""

    used_fractions: tuple[float, ...]
    """For each bucket, from 0 (full) to 1 (empty)."""
    denied: Transaction | None = None
    """The denied transaction with the longest wait; None if all are allowed."""
    retry_in: float = 0.0
    """Seconds until that transaction fits."""


class BucketKeys(NamedTuple):
    """The store's keys of one bucket. Its state is moved from yesterday's to today's when it is first charged today."""

    today: str
    yesterday: str


def bucket_keys(transaction: Transaction, blinding_keys: BlindingKeys) -> BucketKeys:
    """Return the store's keys of the bucket that a transaction is charged to."""
    if transaction.subject is None:
        return BucketKeys(f"{transaction.limit_name}:", f"{transaction.limit_name}:")
    today, yesterday = (blind(key, b"bucket", transaction.subject) for key in blinding_keys)
    return BucketKeys(f"{transaction.limit_name}:{today}", f"{transaction.limit_name}:{yesterday}")
