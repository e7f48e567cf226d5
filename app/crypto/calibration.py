"""Choosing the cost of the stretch: the dearest that a machine can pay for a whole import in the time there is, and what it costs a thief.

Arithmetic only, but for `measure`, which is handed in: what is decided here can be decided for any machine.
"""

import math
import secrets
import statistics
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

from app.crypto.stretching import MAX_PASSES, COST_PROFILES, Argon2Cost, KdfParams
from app.errors import InvalidInput

IDENTIFIERS_PER_ACCOUNT = 1.85
"""Of the breach that this was made for, modelled: 62.35 M identifiers of 33.7 M accounts, people in their address books included."""

OVERHEAD_SECONDS_PER_IDENTIFIER = 50e-6
"""What one core spends on an identifier besides the stretch: reading, canonical forms, keyholder, seals, sorting, loading.

Measured on two cores: 36 µs in an import of 33.7 M people (46.4 M rows, `--cost minimal`); 55 µs at `--cost default`, whose memory takes the caches.
"""

HEADROOM_RATIO = 0.15
"""Share of the time that is left to a machine that does something else as well."""

MOBILE_NUMBER_COUNT = 10**8
"""010-xxxx-xxxx. One digest tests a number against all data sets: all of a deployment have one scheme."""

MEMORY_AT_MOST = 64 * 1024
"""KiB. Past it come more passes: each of a server's 40 threads may hold so much at once."""

CANDIDATE_COSTS: tuple[Argon2Cost, ...] = (
    *(Argon2Cost(1, kib) for power in range(3, 16) for kib in (1 << power, 3 << (power - 1))),
    *(Argon2Cost(time, MEMORY_AT_MOST) for time in range(1, MAX_PASSES + 1)),
)
"""What is recommended, the least that Argon2 allows first: more memory, which RFC 9106 prefers, in steps of a half and a third; then more passes."""

MEASURING_SECONDS = 1.0
"""For each cost: about ten in all."""

BATCH_SECONDS = 0.05

Measure = Callable[[Argon2Cost], float]
"""Gives the seconds that one core takes for one digest."""


class CannotFit(InvalidInput):
    """Not even the lowest cost fits the hours; the message says what it takes."""


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a cost comes to: seconds of one core for one digest, hours of the import, and a thief's core-hours and days on as many cores."""

    cost: Argon2Cost
    digest_seconds: float
    import_hours: float
    attack_core_hours: float
    attack_days: float

    @classmethod
    def of(cls, cost: Argon2Cost, seconds: float, *, accounts: int, cores: int) -> "CostEstimate":
        """Price a *cost* of which one digest takes *seconds*."""
        sealing = count_identifiers(accounts) * (seconds + OVERHEAD_SECONDS_PER_IDENTIFIER) / cores
        attack = MOBILE_NUMBER_COUNT * seconds / 3600
        return cls(cost, seconds, sealing / (1 - HEADROOM_RATIO) / 3600, attack, attack / cores / 24)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The dearest cost that fits, and how the named profiles stand."""

    recommended: CostEstimate
    profiles: Mapping[str, CostEstimate]


def count_identifiers(accounts: int) -> int:
    """Say how many identifiers the import of so many *accounts* digests."""
    return math.ceil(accounts * IDENTIFIERS_PER_ACCOUNT)


def calibrate(*, accounts: int, cores: int, hours: float, measure: Measure) -> Calibration:
    """Find the dearest cost of `CANDIDATE_COSTS` at which the accounts are imported within *hours*.

    Args:
        accounts: at least one.
        cores: that seal; at least one.
        hours: any finite number; what is not above zero fits nothing.
        measure: is asked once for each cost, about nine in all.

    Raises:
        DoesNotFit: not even the least does.
    """

    @cache
    def price(cost: Argon2Cost) -> CostEstimate:
        return CostEstimate.of(cost, measure(cost), accounts=accounts, cores=cores)

    fitting = bisect_right(CANDIDATE_COSTS, hours, key=lambda cost: price(cost).import_hours)
    if not fitting:
        least = price(CANDIDATE_COSTS[0])
        needed = math.ceil(least.import_hours * 100) / 100
        raise CannotFit(f"--hours: too few: even the lowest cost, {least.cost}, takes {needed:,.2f} hours")
    return Calibration(price(CANDIDATE_COSTS[fitting - 1]), {name: price(cost) for name, cost in COST_PROFILES.items()})


def measure_digest_seconds(cost: Argon2Cost, *, threads: int) -> float:
    """Measure the seconds of one core for one digest while *threads* make digests at once: cores share the way to memory.

    Counted is the time that each thread had a core, so that a busy machine makes neither import nor theft look dearer. The digests are of random
    answers; the result is the median of as many batches as `MEASURING_SECONDS` have room for, of at least one digest each.
    """
    scheme = KdfParams.generate(cost)

    def batch(_: int) -> float:
        began = time.thread_time()
        made, took = 0, 0.0
        while took < BATCH_SECONDS or not made:
            scheme.stretch(secrets.token_bytes(32))
            made += 1
            took = time.thread_time() - began
        return took / made

    batches: list[float] = []
    until = time.monotonic() + MEASURING_SECONDS
    with ThreadPoolExecutor(threads) as pool:
        while not batches or time.monotonic() < until:
            batches.append(statistics.mean(pool.map(batch, range(threads))))
    return statistics.median(batches)
