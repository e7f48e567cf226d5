"""The Generic Cell Rate Algorithm (GCRA, ITU-T I.371). Pure arithmetic: time and stored state come in, a decision goes out.

A limit is a bucket that refills at an even rate. The only stored state of a bucket is its theoretical arrival time (TAT): the time at which it will
be full again. A bucket without stored state is full.
"""

from dataclasses import dataclass

from limits import parse

MAX_SECONDS = 86400
"""A bucket is found under the names of two days, so it must be full again within one."""
_ROUNDING_TOLERANCE = 1e-6
"""Seconds. Rounding errors of sums of floats must not deny the last token of a bucket."""


@dataclass(frozen=True, slots=True)
class Limit:
    """The size of a bucket and the time that it takes to refill an empty one."""

    count: int
    seconds: float

    @classmethod
    def parse(cls, text: str) -> "Limit":
        """Parse ``COUNT/WINDOW``, as in ``60/minute`` or ``10 per 5 minutes``.

        Raises:
            ValueError: *text* is not a rate, its count is below 1, or it is over more than a day.
        """
        item = parse(text)
        if item.amount < 1:
            raise ValueError("the count of a rate must be at least 1")
        if item.get_expiry() > MAX_SECONDS:
            raise ValueError("a rate must be over at most a day")
        return cls(item.amount, float(item.get_expiry()))

    def divided_by(self, divisor: int) -> "Limit":
        """Return a limit whose count is *divisor* times smaller, but at least 1."""
        return Limit(max(1, self.count // divisor), self.seconds)


@dataclass(frozen=True, slots=True)
class Decision:
    """The result of spending from one bucket."""

    theoretical_arrival_time: float
    """The new state of the bucket if it is spent: seconds since the epoch."""
    used_fraction: float
    """How much of the bucket is used, from 0 (full) to 1 (empty). A forced charge never takes a bucket below empty."""
    retry_in: float
    """Seconds until the cost fits; 0 if it fits now."""


def gcra_spend(
    theoretical_arrival_time: float, limit: Limit, *, cost: float, usable_share: float, now: float
) -> Decision:
    """Take *cost* out of a bucket, or compute how long to wait. If the decision is a denial, the caller must not store it.

    Args:
        theoretical_arrival_time: the stored state, in seconds since the epoch. Any time before *now* means a full bucket.
        limit: of the bucket.
        cost: number of tokens. A cost of zero is never denied; a negative cost is a refund.
        usable_share: the share of the bucket that this caller may use, up to 1. The rest is reserved for others.
        now: seconds since the epoch.
    """
    used_seconds = max(theoretical_arrival_time - now, 0.0) + cost * limit.seconds / limit.count
    retry_in = used_seconds - usable_share * limit.seconds if cost > 0 else 0.0
    clamped = min(max(used_seconds, 0.0), limit.seconds)
    return Decision(now + clamped, clamped / limit.seconds, retry_in if retry_in > _ROUNDING_TOLERANCE else 0.0)
