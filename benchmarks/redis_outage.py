"""How the service answers while Redis stops, is killed or suspended under load, and what the rate limits cost in general.

    python -m benchmarks.redis_outage [--seconds S] [--rounds N]

The real `exposure serve` over a real Valkey. Most requests come from changing addresses, so that they are served wherever they are counted. One
greedy address requests codes as fast as it can, and the codes that it gets are compared with its limit. Valkey is interrupted one second into a load.
"""

import argparse
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from app.rate_limits.action_limiter import SOFT_LIMIT_SHARE
from app.rate_limits.redis_bucket_store import FALLBACK_DIVISOR
from benchmarks.environment import EXPOSURE_COMMAND, BenchmarkEnvironment, Installation, benchmark_environment
from benchmarks.load import LoadResult, format_request, run_load
from benchmarks.rate_limit_cost import measure_cost
from benchmarks.redis_deployment import INTERRUPTIONS, RestartableValkey, code_request, serve
from benchmarks.table import TableRow, cost_row, print_table, value_row

GREEDY_ADDRESS = "192.0.2.1"
ADDRESS_COUNT = 8000
CLIENTS, REQUESTS_PER_SECOND = 6, 100.0
"""Two cores can carry several times as much, so any waiting is for Redis."""
GREEDY_CLIENTS, GREEDY_PER_SECOND = 2, 40.0
FREE_CODES = 100
"""Codes an hour that one address gets without a proof of work: the soft half of its limit."""
LIMITS = {"client.unverified_codes": f"{FREE_CODES / SOFT_LIMIT_SHARE:.0f}/hour"}
MAX_ANSWER_MS = 200.0


@dataclass(frozen=True, slots=True)
class LoadPhase:
    """The results of one load."""

    name: str
    spread: LoadResult
    greedy: LoadResult

    def to_rows(self, baseline: "LoadPhase") -> list[TableRow]:
        """Return table rows that compare this phase with the same load on limits in process, which the machine slows down alike."""
        both = (self.spread, self.greedy)
        goal = f"<= {MAX_ANSWER_MS:.0f}"
        return [
            value_row(f"{self.name}: served", _count(both, range(200, 300)), "answers"),
            value_row(f"{self.name}: denied", _count(both, (429,)), "answers"),
            value_row(f"{self.name}: failed", _count(both, range(500, 600)), "answers", "0"),
            cost_row(f"{self.name}: p99", measured=self.p99_ms, reference=baseline.p99_ms, unit="ms"),
            cost_row(
                f"{self.name}: longest answer", measured=self.max_ms, reference=baseline.max_ms, unit="ms", goal=goal
            ),
        ]

    @property
    def p99_ms(self) -> float:
        """Milliseconds, of the slower of the two loads."""
        return max(self.spread.p99_ms, self.greedy.p99_ms)

    @property
    def max_ms(self) -> float:
        """Milliseconds, of the slower of the two loads."""
        return max(self.spread.max_ms, self.greedy.max_ms)

    @property
    def codes_for_greedy(self) -> int:
        """Codes that the greedy address got."""
        return self.greedy.status_counts.get(202, 0)


def measure_outages(bench: BenchmarkEnvironment, *, seconds: float) -> list[TableRow]:
    """Interrupt Valkey in each way. Return the figures of each load, of *seconds* each."""
    deployment = bench.install_on_postgresql("outages")
    rows: list[TableRow] = []
    with serve(deployment, EXPOSURE_COMMAND, limits=LIMITS) as server:
        run_load(server.port, _spread_requests(), seconds=1.0, clients=CLIENTS, max_rate=REQUESTS_PER_SECOND)  # warm-up
        baseline = _run_phase("in process", server.port, seconds, lambda: None)
    for how in INTERRUPTIONS:
        with TemporaryDirectory(prefix="valkey-", dir=bench.folder) as folder:
            valkey = RestartableValkey(Path(folder))
            try:
                started_at = time.monotonic()
                phases = _run_outage(deployment, valkey, how, seconds)
                hours = (time.monotonic() - started_at) / 3600
            finally:
                valkey.close()
        shown = phases if how == INTERRUPTIONS[0] else phases[1:]  # the phases before the interruption are all alike
        rows += [row for phase in shown for row in phase.to_rows(baseline)]
        codes = sum(phase.codes_for_greedy for phase in phases)
        # the bucket in Valkey and the fallback both refill meanwhile
        allowed = (FREE_CODES + FREE_CODES / FALLBACK_DIVISOR) * (1 + hours / SOFT_LIMIT_SHARE)
        rows.append(value_row(f"{how}: codes for the greedy address", codes, "codes", f"<= {allowed:.0f}"))
    return rows


def _run_outage(deployment: Installation, valkey: RestartableValkey, how: str, seconds: float) -> list[LoadPhase]:
    with serve(deployment, EXPOSURE_COMMAND, valkey.url, LIMITS) as server:
        port = server.port
        run_load(port, _spread_requests(), seconds=1.0, clients=CLIENTS, max_rate=REQUESTS_PER_SECOND)  # warm-up
        phases = [
            _run_phase("with Valkey", port, seconds, lambda: None),
            _run_phase(f"while it is {how}", port, seconds, lambda: valkey.interrupt(how)),
        ]
        _wait_for_backend_state(port, "fallback")
        phases.append(_run_phase(f"back after it was {how}", port, seconds, lambda: valkey.bring_back(how)))
        _wait_for_backend_state(port, "shared")
    return phases


def _run_phase(name: str, port: int, seconds: float, action: Callable[[], object]) -> LoadPhase:
    """Run both loads for so many seconds, and *action* one second into them."""
    greedy_requests = [code_request(number, GREEDY_ADDRESS) for number in range(ADDRESS_COUNT)]

    def run_spread() -> LoadResult:
        return run_load(port, _spread_requests(), seconds=seconds, clients=CLIENTS, max_rate=REQUESTS_PER_SECOND)

    def run_greedy() -> LoadResult:
        return run_load(port, greedy_requests, seconds=seconds, clients=GREEDY_CLIENTS, max_rate=GREEDY_PER_SECOND)

    with ThreadPoolExecutor() as pool:
        spread, greedy = pool.submit(run_spread), pool.submit(run_greedy)
        time.sleep(1.0)
        action()
        return LoadPhase(name, spread.result(), greedy.result())


def _spread_requests() -> list[str]:
    """Return requests for codes and for public incidents, each pair from another address."""
    requests = []
    for number in range(ADDRESS_COUNT):
        source = f"10.{number >> 8}.{number & 255}.1"
        requests += [code_request(number, source), format_request("GET", "/v1/incidents", forwarded_for=source)]
    return requests


def _count(loads: Sequence[LoadResult], statuses: Collection[int]) -> int:
    return sum(count for load in loads for status, count in load.status_counts.items() if status in statuses)


def _wait_for_backend_state(port: int, state: str) -> None:
    """Wait until /readyz reports *state*.

    Raises:
        RuntimeError: it does not within five seconds.
    """
    deadline = time.monotonic() + 5.0
    url = f"http://127.0.0.1:{port}/readyz"
    while (answer := httpx.get(url, trust_env=False).json()).get("limits") != state:
        if time.monotonic() > deadline:
            raise RuntimeError(f"/readyz reports {answer}, not {state}")
        time.sleep(0.1)


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="duration of each load (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds of the cost measurement (%(default)s)")
    arguments = parser.parse_args()
    with benchmark_environment(hints=False) as bench:
        print_table("While Redis is down", measure_outages(bench, seconds=arguments.seconds))
        print_table(
            "The rate limits, against none", measure_cost(bench, rounds=arguments.rounds, seconds=arguments.seconds / 2)
        )


if __name__ == "__main__":
    main()
