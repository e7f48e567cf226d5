"""Storage of buckets: the protocol, and its implementation in this process's memory. A batch of transactions is checked and spent atomically."""

import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from app.rate_limits.blinding import LocalBlinding
from app.rate_limits.gcra import Decision, gcra_spend
from app.rate_limits.transaction import TRUSTED_MAX_USED_FRACTION, BatchDecision, BucketKeys, Transaction, bucket_keys

_SWEEP_INTERVAL_SECONDS = 60.0


class BucketStore(Protocol):
    """Keeps the state of buckets."""

    def spend(self, transactions: Sequence[Transaction], *, now: float, force: bool = False) -> BatchDecision:
        """Spend all *transactions*, or none if one is denied.

        Args:
            transactions: each of a different bucket.
            now: seconds since the epoch.
            force: spend all even if one is denied. The denial is still reported.
        """

    def bucket_keys(self, transactions: Sequence[Transaction], *, now: float) -> tuple[str, ...]:
        """Return the store's keys of the buckets on the day of *now*. Keys of a subject's buckets are blinded."""


class MemoryBucketStore:
    """Buckets in this process's memory: one number for each bucket that is not full.

    Args:
        subkey: blinds their names; see `LocalBlinding`.
    """

    def __init__(self, subkey: bytes) -> None:
        self._blinding = LocalBlinding(subkey)
        self._lock = threading.Lock()
        self._arrival_times: dict[str, float] = {}
        self._next_sweep_at = 0.0

    def spend(self, transactions: Sequence[Transaction], *, now: float, force: bool = False) -> BatchDecision:
        """Spend all transactions, or none if one is denied."""
        with self._lock:
            blinding_keys = self._blinding.keys(now)
            self._remove_full_buckets(now)
            keys = [bucket_keys(transaction, blinding_keys) for transaction in transactions]
            decisions: list[Decision] = []
            for transaction, key in zip(transactions, keys, strict=True):
                trusted = not decisions or decisions[0].used_fraction <= TRUSTED_MAX_USED_FRACTION
                decisions.append(self._decide(transaction, key, trusted=trusted, now=now))
            batch = combine_decisions(
                transactions, [(decision.used_fraction, decision.retry_in) for decision in decisions]
            )
            if batch.denied is None or force:
                for transaction, key, decision in zip(transactions, keys, decisions, strict=True):
                    if not transaction.check_only:
                        self._store(key, decision.theoretical_arrival_time, now)
            return batch

    def bucket_keys(self, transactions: Sequence[Transaction], *, now: float) -> tuple[str, ...]:
        """Return the keys of the buckets."""
        with self._lock:
            blinding_keys = self._blinding.keys(now)
        return tuple(bucket_keys(transaction, blinding_keys).today for transaction in transactions)

    def _decide(self, transaction: Transaction, key: BucketKeys, *, trusted: bool, now: float) -> Decision:
        usable_share = transaction.usable_share - (0.0 if trusted else transaction.reserved_share)
        stored = self._arrival_times.get(key.today, self._arrival_times.get(key.yesterday, 0.0))
        return gcra_spend(stored, transaction.limit, cost=transaction.cost, usable_share=usable_share, now=now)

    def _store(self, key: BucketKeys, arrival_time: float, now: float) -> None:
        for name in key:
            self._arrival_times.pop(name, None)
        if arrival_time > now:  # a full bucket takes no memory: an attempt that is refunded leaves nothing
            self._arrival_times[key.today] = arrival_time

    def _remove_full_buckets(self, now: float) -> None:
        if now >= self._next_sweep_at:
            self._next_sweep_at = now + _SWEEP_INTERVAL_SECONDS
            self._arrival_times = {key: time for key, time in self._arrival_times.items() if time > now}


def combine_decisions(transactions: Sequence[Transaction], decisions: Sequence[tuple[float, float]]) -> BatchDecision:
    """Combine the decisions on *transactions*, each as (used fraction, seconds until it fits), into one."""
    used_fractions = tuple(used for used, _ in decisions)
    retry_in, index = max(((retry_in, index) for index, (_, retry_in) in enumerate(decisions)), default=(0.0, 0))
    return BatchDecision(used_fractions, transactions[index], retry_in) if retry_in else BatchDecision(used_fractions)


def divide_limits(transactions: Sequence[Transaction], divisor: int) -> list[Transaction]:
    """Return the same transactions on buckets that are *divisor* times smaller."""
    return [replace(transaction, limit=transaction.limit.divided_by(divisor)) for transaction in transactions]
