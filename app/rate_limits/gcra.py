"""Deciding whether a budget has room. Arithmetic only: time and stored state come in, a decision goes out.

A budget is a bucket that fills at an even pace (GCRA, the algorithm of ITU-T I.371). All that is kept of one is the moment at which it will be
full again; whoever left nothing behind is a newcomer, whose bucket is full.
"""

from dataclasses import dataclass

from limits import parse

_ROUNDING = 1e-6
"""Seconds: sums of floats must not refuse the last one."""


@dataclass(frozen=True, slots=True)
class Limit:
    """How much a bucket holds, and how long it takes to fill."""

    count: int
    seconds: float

    @classmethod
    def read(cls, text: str) -> "Limit":
        """Read ``COUNT/WINDOW``, as in ``60/minute`` or ``10 per 5 minutes``.

        Raises:
            ValueError: it is none.
        """
        item = parse(text)
        if item.amount < 1:
            raise ValueError("a budget of nothing")
        return cls(item.amount, float(item.get_expiry()))

    def stricter(self, times: int) -> "Limit":
        """Give one that holds so many times less, but one at least."""
        return Limit(max(1, self.count // times), self.seconds)


@dataclass(frozen=True, slots=True)
class Decision:
    """What came of it."""

    full_at: float
    """What is to be kept, should it be spent: seconds of the epoch."""
    used: float
    """Of the bucket, from 0 to 1: one that is charged nevertheless is empty, and owes nothing."""
    wait: float
    """Seconds until there is room; zero where there is."""


def spend(full_at: float, limit: Limit, *, cost: float, share: float, now: float) -> Decision:
    """Take *cost* out of a bucket, or say how long to wait. A refusal is for the caller to keep out of the store.

    Args:
        full_at: what the call before left, in seconds of the epoch; anything before *now* is a full bucket.
        limit: of the bucket.
        cost: what costs nothing is not refused; below zero gives back.
        share: of the bucket that this caller may use, up to 1: the rest is kept for others.
        now: seconds of the epoch.
    """
    left = max(full_at - now, 0.0) + cost * limit.seconds / limit.count
    wait = left - share * limit.seconds if cost > 0 else 0.0
    kept = min(max(left, 0.0), limit.seconds)
    return Decision(now + kept, kept / limit.seconds, wait if wait > _ROUNDING else 0.0)
