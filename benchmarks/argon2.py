"""Argon2id by argon2-cffi and nothing else, on several processes at once: they share the way to memory, as an import's workers do."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from statistics import median

from argon2.low_level import Type, hash_secret_raw

COSTS = {"minimal": (1, 8), "default": (1, 1024)}
"""Passes and KiB of the profiles that are measured."""

_SALT = bytes(16)
_AT_ONCE = 50


@dataclass(frozen=True, slots=True)
class Argon2:
    """How fast it is."""

    digests_per_second: float
    """Digests of all processes together, by the clock."""
    cpu_seconds_per_digest: float
    """Seconds of one core for one digest."""


def measure_throughput(profile: str, *, processes: int, rounds: int, seconds: float) -> Argon2:
    """Make digests for some *seconds* in each of the *rounds*; the medians."""
    work = partial(_digests, COSTS[profile], seconds)
    found: list[Argon2] = []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(pool.map(partial(_digests, COSTS[profile], 1.0), range(processes)))  # while they start
        for _ in range(rounds):
            done = list(pool.map(work, range(processes)))
            cpu_seconds_per_digest = sum(cpu for _, cpu, _ in done) / sum(made for made, _, _ in done)
            found.append(Argon2(sum(made / wall for made, _, wall in done), cpu_seconds_per_digest))
    return Argon2(median(one.digests_per_second for one in found), median(one.cpu_seconds_per_digest for one in found))


def _digests(cost: tuple[int, int], seconds: float, _: int) -> tuple[int, float, float]:
    time_cost, memory_cost = cost
    secret = os.urandom(32)
    made, began, began_cpu = 0, time.perf_counter(), time.process_time()
    while (wall := time.perf_counter() - began) < seconds:
        for _ in range(_AT_ONCE):
            hash_secret_raw(
                secret, _SALT, time_cost=time_cost, memory_cost=memory_cost, parallelism=1, hash_len=32, type=Type.ID
            )
        made += _AT_ONCE
    return made, time.process_time() - began_cpu, wall
