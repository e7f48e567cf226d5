"""Measure Argon2id by argon2-cffi alone, in several processes at once: they share the memory bandwidth, as the workers of an import do."""

import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from statistics import median

from argon2.low_level import Type, hash_secret_raw

COSTS = {"minimal": (1, 8), "default": (1, 1024)}
"""Passes and KiB of the measured profiles."""

_SALT = bytes(16)
_BATCH_SIZE = 50


@dataclass(frozen=True, slots=True)
class Argon2Throughput:
    """Speed of Argon2id on this machine."""

    digests_per_second: float
    """All processes together, wall time."""
    cpu_seconds_per_digest: float


def measure_throughput(profile: str, *, processes: int, rounds: int, seconds: float) -> Argon2Throughput:
    """Compute digests for *seconds* in each of the *rounds*, and return the medians."""
    compute = partial(_compute_digests, COSTS[profile], seconds)
    results: list[Argon2Throughput] = []
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        list(
            pool.map(partial(_compute_digests, COSTS[profile], 1.0), range(processes))
        )  # wait for the processes to start
        for _ in range(rounds):
            rates = list(pool.map(compute, range(processes)))
            cpu_seconds_per_digest = sum(cpu for _, cpu, _ in rates) / sum(digests for digests, _, _ in rates)
            per_second = sum(digests / wall for digests, _, wall in rates)
            results.append(Argon2Throughput(per_second, cpu_seconds_per_digest))
    return Argon2Throughput(
        median(result.digests_per_second for result in results),
        median(result.cpu_seconds_per_digest for result in results),
    )


def _compute_digests(cost: tuple[int, int], seconds: float, _: int) -> tuple[int, float, float]:
    """Return the number of digests, CPU seconds and wall seconds."""
    time_cost, memory_cost = cost
    secret = os.urandom(32)
    digests, began, began_cpu = 0, time.perf_counter(), time.process_time()
    while (wall := time.perf_counter() - began) < seconds:
        for _ in range(_BATCH_SIZE):
            hash_secret_raw(
                secret, _SALT, time_cost=time_cost, memory_cost=memory_cost, parallelism=1, hash_len=32, type=Type.ID
            )
        digests += _BATCH_SIZE
    return digests, time.process_time() - began_cpu, wall
