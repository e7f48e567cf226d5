"""Closed-loop HTTP clients, light enough not to be what is measured: sockets, requests made beforehand, a process of their own.

Run as ``python -m benchmarks.load``; `run_load` does.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import PROJECT_ROOT

CLIENTS = 8


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What came of some requests."""

    seconds: float
    status_counts: Mapping[int, int]
    p50_ms: float
    """Milliseconds; p99 and the longest too."""
    p99_ms: float
    max_ms: float
    bodies: Sequence[str]

    @property
    def count(self) -> int:
        """How many were answered."""
        return sum(self.status_counts.values())

    @property
    def requests_per_second(self) -> float:
        """Requests per second."""
        return self.count / self.seconds


def format_request(method: str, path: str, body: object = None, token: str | None = None, forwarded_for: str | None = None) -> str:
    """Write one request as it goes over the wire; *source* is whom a proxy would say that it comes from."""
    content = "" if body is None else json.dumps(body)
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    if forwarded_for is not None:
        lines.append(f"X-Forwarded-For: {forwarded_for}")
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    if content:
        lines += ["Content-Type: application/json", f"Content-Length: {len(content)}"]
    return "\r\n".join([*lines, "", content])


def run_load(
    port: int,
    requests: Sequence[str],
    *,
    seconds: float | None = None,
    clients: int = CLIENTS,
    max_rate: float | None = None,
) -> LoadResult:
    """Send *requests* over keep-alive connections, each client its next when the last is answered.

    Args:
        port: of a server on this machine.
        requests: of `request`.
        seconds: send them over and over for so long; None sends each once, and gives the answers' bodies in their order.
        clients: how many at once.
        pace: requests a second of all of them together, at most; None for as many as there are.
    """
    order = json.dumps({"port": port, "requests": requests, "seconds": seconds, "clients": clients, "max_rate": max_rate})
    arguments = [sys.executable, "-m", "benchmarks.load"]
    done = subprocess.run(arguments, input=order, capture_output=True, encoding="utf-8", check=True, cwd=PROJECT_ROOT)
    found = json.loads(done.stdout)
    found["status_counts"] = {int(status): count for status, count in found["status_counts"].items()}
    return LoadResult(**found)


async def _drive(
    port: int, requests: Sequence[str], seconds: float | None, clients: int, max_rate: float | None
) -> dict[str, Any]:
    written = [one.encode() for one in requests]
    bodies = [b""] * len(written)
    statuses: Counter[int] = Counter()
    latencies: list[float] = []
    numbers = iter(range(len(written) if seconds is None else 1 << 60))
    began = time.perf_counter()
    end = began + (seconds or 600.0)

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            if max_rate is not None and (early := began + number / max_rate - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            sent = time.perf_counter()
            if sent >= end:
                break
            writer.write(written[number % len(written)])
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            body = await reader.readexactly(int(length or b"0"))
            latencies.append(time.perf_counter() - sent)
            statuses[int(head[9:12])] += 1
            if seconds is None:
                bodies[number] = body
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    cuts = statistics.quantiles(latencies, n=100)
    return {
        "seconds": time.perf_counter() - began,
        "status_counts": statuses,
        "p50_ms": cuts[49] * 1000,
        "p99_ms": cuts[98] * 1000,
        "max_ms": max(latencies) * 1000,
        "bodies": [body.decode() for body in bodies] if seconds is None else [],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_drive(**json.load(sys.stdin)))))
