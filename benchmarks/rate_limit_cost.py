"""What the rate limits cost: the same requests without limits, with limits in process, and with limits in Valkey."""

import sys
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks import processes
from benchmarks.environment import EXPOSURE_COMMAND, BenchmarkEnvironment
from benchmarks.load import format_request, run_load
from benchmarks.redis_deployment import RestartableValkey, code_request, serve
from benchmarks.table import TableRow, cost_row

UNLIMITED_COMMAND = (sys.executable, "-m", "benchmarks.serve_unlimited")


def measure_cost(bench: BenchmarkEnvironment, *, rounds: int, seconds: float) -> list[TableRow]:
    """Measure the same requests with and without the limits, in turns. Return the medians of the rounds."""
    deployment = bench.install_on_postgresql("cost")
    requests_by_call = {
        "GET /v1/incidents": [format_request("GET", "/v1/incidents")],
        "POST /v1/verifications": [code_request(number, None) for number in range(2000)],
    }
    rates: dict[tuple[str, str], list[float]] = {}
    cpu_ms: dict[tuple[str, str], list[float]] = {}
    with ExitStack() as stack, TemporaryDirectory(prefix="valkey-", dir=bench.folder) as folder:
        valkey = RestartableValkey(Path(folder))
        stack.callback(valkey.close)
        servers = {
            "without": stack.enter_context(serve(deployment, UNLIMITED_COMMAND)),
            "in process": stack.enter_context(serve(deployment, EXPOSURE_COMMAND)),
            "in Valkey": stack.enter_context(serve(deployment, EXPOSURE_COMMAND, valkey.url)),
        }
        for round_index in range(rounds + 1):
            for call, requests in requests_by_call.items():
                for where, server in servers.items():
                    before = processes.cpu_seconds(server.pid)
                    load = run_load(server.port, requests, seconds=seconds)
                    assert set(load.status_counts) <= {200, 202}, load.status_counts
                    if round_index:  # the first round is a warm-up
                        rates.setdefault((call, where), []).append(load.requests_per_second)
                        cpu = (processes.cpu_seconds(server.pid) - before) / load.count * 1000
                        cpu_ms.setdefault((call, where), []).append(cpu)
    rows: list[TableRow] = []
    for call in requests_by_call:
        for where in ("in process", "in Valkey"):
            pairs = zip(rates[call, where], rates[call, "without"], strict=True)
            ratio = median(limited / unlimited for limited, unlimited in pairs)
            limited, unlimited = median(rates[call, where]), median(rates[call, "without"])
            rows.append(TableRow(f"{call}, limits {where}", limited, unlimited, "requests/s", ratio))
            limited, unlimited = median(cpu_ms[call, where]), median(cpu_ms[call, "without"])
            name = f"{call}, limits {where}: CPU of the server"
            rows.append(cost_row(name, measured=limited, reference=unlimited, unit="ms"))
    return rows
