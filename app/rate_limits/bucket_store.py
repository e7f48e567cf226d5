"""Where buckets are kept: in this process, or in Redis/Valkey. Charges that belong together are looked at together, then spent together."""

import secrets
import threading
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

from app.rate_limits.transaction import MARKS, QUOTA, Transaction, BatchDecision, bucket_name, mark_of
from app.rate_limits.gcra import Decision, spend

DAY = 86400.0
_SWEEP_SECONDS = 60.0


class BucketStore(Protocol):
    """Keeps what is left of each budget."""

    def spend(self, charges: Sequence[Transaction], *, now: float, force: bool = False) -> BatchDecision:
        """Spend all *charges*, or none where one is refused.

        Args:
            charges: each of another bucket.
            now: seconds of the epoch.
            force: spend all even where one is refused, which is still said.
        """

    def bucket_keys(self, charges: Sequence[Transaction], *, now: float) -> tuple[str, ...]:
        """Name the buckets of *charges* as they are named in the store at *now*: blinded where they are somebody's."""


class MemoryBucketStore:
    """Buckets in this process's memory: a number for each that is not full."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._full_at: dict[str, float] = {}
        self._marks: dict[str, bytearray] = {}
        self._day = (-1, b"")
        self._sweep_at = 0.0

    def spend(self, charges: Sequence[Transaction], *, now: float, force: bool = False) -> BatchDecision:
        """Spend all charges, or none where one is refused."""
        with self._lock:
            key = self._key_of_day(int(now // DAY))
            self._sweep(now)
            names = [bucket_name(charge, key) for charge in charges]
            marks = [None if one.distinct is None else mark_of(one.distinct, key) for one in charges]
            decisions: list[Decision] = []
            for charge, name, mark in zip(charges, names, marks, strict=True):
                within = not decisions or decisions[0].used <= QUOTA
                decisions.append(self._decide(charge, name, mark, within=within, now=now))
            outcome = outcome_of(charges, [(one.used, one.wait) for one in decisions])
            if outcome.refused is None or force:
                for charge, name, mark, decision in zip(charges, names, marks, decisions, strict=True):
                    self._keep(charge, name, mark, decision)
            return outcome

    def bucket_keys(self, charges: Sequence[Transaction], *, now: float) -> tuple[str, ...]:
        """Name the buckets of some charges."""
        with self._lock:
            key = self._key_of_day(int(now // DAY))
        return tuple(bucket_name(charge, key) for charge in charges)

    def _decide(self, charge: Transaction, name: str, mark: int | None, *, within: bool, now: float) -> Decision:
        seen = mark is not None and name in self._marks and self._marks[name][mark // 8] >> mark % 8 & 1
        cost = 0.0 if seen else charge.cost
        share = charge.share - (0.0 if within else charge.kept)
        return spend(self._full_at.get(name, 0.0), charge.limit, cost=cost, share=share, now=now)

    def _keep(self, charge: Transaction, name: str, mark: int | None, decision: Decision) -> None:
        if charge.looks:
            return
        self._full_at[name] = decision.full_at
        if mark is not None:
            self._marks.setdefault(name, bytearray(MARKS // 8))[mark // 8] |= 1 << mark % 8

    def _key_of_day(self, day: int) -> bytes:
        if self._day[0] != day:  # no name of yesterday is found again
            self._day = day, secrets.token_bytes(32)
            self._marks.clear()
        return self._day[1]

    def _sweep(self, now: float) -> None:
        if now >= self._sweep_at:
            self._sweep_at = now + _SWEEP_SECONDS
            self._full_at = {name: full_at for name, full_at in self._full_at.items() if full_at > now}


def outcome_of(charges: Sequence[Transaction], decided: Sequence[tuple[float, float]]) -> BatchDecision:
    """Put together what came of each charge: how much of its bucket is used, and how long it waits."""
    used = tuple(one for one, _ in decided)
    wait, refused = max(((wait, number) for number, (_, wait) in enumerate(decided)), default=(0.0, 0))
    return BatchDecision(used, charges[refused], wait) if wait else BatchDecision(used)


def stricter(charges: Sequence[Transaction], times: int) -> list[Transaction]:
    """Give the same charges, of buckets that hold so many times less."""
    return [replace(one, limit=one.limit.stricter(times)) for one in charges]
