"""Choose the Argon2id cost: the highest at which a machine finishes an import in the time available, and its price for an attacker.

Arithmetic only, except `measure_digest_seconds`. `calibrate` takes the measurement as a function, so it can decide for any machine.
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

from app.crypto.stretching import COST_PROFILES, MAX_PASSES, Argon2Cost, KdfParams
from app.errors import InvalidInput

IDENTIFIERS_PER_ACCOUNT = 1.85
"""Modelled on the breach that this service was built for: 62.35 M identifiers of 33.7 M accounts, including people in their address books."""

OVERHEAD_SECONDS_PER_IDENTIFIER = 50e-6
"""Time of one core for an identifier apart from Argon2id: reading, canonical forms, keyholder, encryption, sorting, loading.

Measured on two cores: 36 µs in an import of 33.7 M people (46.4 M rows, `--cost minimal`); 55 µs at `--cost default`, whose memory evicts the caches.
"""

HEADROOM_RATIO = 0.15
"""Share of the time left free for other work on the machine."""

MOBILE_NUMBER_COUNT = 10**8
"""Numbers of the form 010-xxxx-xxxx. One digest tests a number against all data sets, because a deployment has one set of KDF parameters."""

MAX_MEMORY_KIB = 64 * 1024
"""Higher costs add passes instead of memory: each of a server's 40 threads may use this much at once."""

CANDIDATE_COSTS: tuple[Argon2Cost, ...] = (
    *(Argon2Cost(1, kib) for power in range(3, 16) for kib in (1 << power, 3 << (power - 1))),
    *(Argon2Cost(passes, MAX_MEMORY_KIB) for passes in range(1, MAX_PASSES + 1)),
)
"""Costs to choose from, ascending from Argon2's minimum. Memory grows first (RFC 9106 prefers it), in steps of a half and a third; then passes."""

MEASUREMENT_SECONDS = 1.0
"""Time to measure one cost. A calibration measures about ten."""

BATCH_SECONDS = 0.05

MeasureCost = Callable[[Argon2Cost], float]
"""Returns the seconds that one core needs for one digest."""


class CannotFit(InvalidInput):
    """Even the lowest cost takes longer than the hours available. The message says how many it needs."""


@dataclass(frozen=True, slots=True)
class CostEstimate:
    """What a cost means for this machine and for an attacker.

    Attributes:
        cost: the Argon2id cost.
        digest_seconds: time of one core for one digest.
        import_hours: duration of the import on all cores.
        attack_core_hours: time of one core to try every mobile number.
        attack_days: the same on as many cores as the import has.
    """

    cost: Argon2Cost
    digest_seconds: float
    import_hours: float
    attack_core_hours: float
    attack_days: float

    @classmethod
    def compute(cls, cost: Argon2Cost, digest_seconds: float, *, accounts: int, cores: int) -> "CostEstimate":
        """Estimate a *cost* from its measured *digest_seconds*."""
        sealing = count_identifiers(accounts) * (digest_seconds + OVERHEAD_SECONDS_PER_IDENTIFIER) / cores
        attack = MOBILE_NUMBER_COUNT * digest_seconds / 3600
        return cls(cost, digest_seconds, sealing / (1 - HEADROOM_RATIO) / 3600, attack, attack / cores / 24)


@dataclass(frozen=True, slots=True)
class Calibration:
    """The highest cost that fits, and estimates for the named profiles."""

    recommended: CostEstimate
    profiles: Mapping[str, CostEstimate]


def count_identifiers(accounts: int) -> int:
    """Return how many identifiers the import of *accounts* accounts has to digest."""
    return math.ceil(accounts * IDENTIFIERS_PER_ACCOUNT)


def calibrate(*, accounts: int, cores: int, hours: float, measure: MeasureCost) -> Calibration:
    """Find the highest of `CANDIDATE_COSTS` at which the import finishes within *hours*.

    Args:
        accounts: number of accounts; at least one.
        cores: number of cores that import; at least one.
        hours: any finite number; nothing fits zero or less.
        measure: called once for each cost, about nine times in all.

    Raises:
        CannotFit: not even the lowest cost fits.
    """

    @cache
    def estimate(cost: Argon2Cost) -> CostEstimate:
        return CostEstimate.compute(cost, measure(cost), accounts=accounts, cores=cores)

    fitting = bisect_right(CANDIDATE_COSTS, hours, key=lambda cost: estimate(cost).import_hours)
    if not fitting:
        lowest = estimate(CANDIDATE_COSTS[0])
        needed = math.ceil(lowest.import_hours * 100) / 100
        raise CannotFit(f"--hours: too few: even the lowest cost, {lowest.cost}, takes {needed:,.2f} hours")
    profiles = {name: estimate(cost) for name, cost in COST_PROFILES.items()}
    return Calibration(estimate(CANDIDATE_COSTS[fitting - 1]), profiles)


def measure_digest_seconds(cost: Argon2Cost, *, threads: int) -> float:
    """Measure the seconds of one core for one digest while *threads* threads compute digests: the cores share the memory bandwidth.

    Only the CPU time of each thread counts, so a busy machine makes neither the import nor the attack look more expensive. The digests are of
    random MACs. Return the median of as many batches as fit into `MEASUREMENT_SECONDS`, each of at least one digest.
    """
    params = KdfParams.generate(cost)

    def run_batch(_: int) -> float:
        began = time.thread_time()
        digests, elapsed = 0, 0.0
        while elapsed < BATCH_SECONDS or not digests:
            params.stretch(secrets.token_bytes(32))
            digests += 1
            elapsed = time.thread_time() - began
        return elapsed / digests

    batches: list[float] = []
    until = time.monotonic() + MEASUREMENT_SECONDS
    with ThreadPoolExecutor(threads) as pool:
        while not batches or time.monotonic() < until:
            batches.append(statistics.mean(pool.map(run_batch, range(threads))))
    return statistics.median(batches)
