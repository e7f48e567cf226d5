"""Closed-loop HTTP load generator: prepared requests over keep-alive sockets, in its own process so that it does not slow the caller.

`run_load` starts it as ``python -m benchmarks.load``.
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

DEFAULT_CLIENTS = 8


@dataclass(frozen=True, slots=True)
class LoadResult:
    """Latencies and responses of one load. Latencies are in milliseconds."""

    seconds: float
    status_counts: Mapping[int, int]
    p50_ms: float
    p99_ms: float
    max_ms: float
    bodies: Sequence[str]
    """Response bodies in the order of the requests; empty if the requests were repeated."""

    @property
    def count(self) -> int:
        """The number of responses."""
        return sum(self.status_counts.values())

    @property
    def requests_per_second(self) -> float:
        """The throughput."""
        return self.count / self.seconds


def format_request(
    method: str, path: str, body: object = None, token: str | None = None, forwarded_for: str | None = None
) -> str:
    """Format an HTTP/1.1 request. *forwarded_for* is the client address that a proxy would report."""
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
    clients: int = DEFAULT_CLIENTS,
    max_rate: float | None = None,
) -> LoadResult:
    """Send *requests* from concurrent clients. Each client sends its next request when the last one is answered.

    Args:
        port: port of a server on this machine.
        requests: results of `format_request`.
        seconds: repeat the requests for this long. None sends each once and returns the response bodies.
        clients: number of concurrent connections.
        max_rate: requests per second of all clients together. None is unlimited.
    """
    job = json.dumps({"port": port, "requests": requests, "seconds": seconds, "clients": clients, "max_rate": max_rate})
    command = [sys.executable, "-m", "benchmarks.load"]
    completed = subprocess.run(command, input=job, capture_output=True, encoding="utf-8", check=True, cwd=PROJECT_ROOT)
    result = json.loads(completed.stdout)
    result["status_counts"] = {int(status): count for status, count in result["status_counts"].items()}
    return LoadResult(**result)


async def _generate_load(
    port: int, requests: Sequence[str], seconds: float | None, clients: int, max_rate: float | None
) -> dict[str, Any]:
    encoded_requests = [request.encode() for request in requests]
    bodies = [b""] * len(encoded_requests)
    status_counts: Counter[int] = Counter()
    latencies: list[float] = []
    indexes = iter(range(len(encoded_requests) if seconds is None else 1 << 60))
    start = time.perf_counter()
    deadline = start + (seconds or 600.0)

    async def run_client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for index in indexes:
            if max_rate is not None and (delay := start + index / max_rate - time.perf_counter()) > 0:
                await asyncio.sleep(delay)
            sent_at = time.perf_counter()
            if sent_at >= deadline:
                break
            writer.write(encoded_requests[index % len(encoded_requests)])
            head = await reader.readuntil(b"\r\n\r\n")
            length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
            body = await reader.readexactly(int(length or b"0"))
            latencies.append(time.perf_counter() - sent_at)
            status_counts[int(head[9:12])] += 1
            if seconds is None:
                bodies[index] = body
        writer.close()

    await asyncio.gather(*(run_client() for _ in range(clients)))
    percentiles = statistics.quantiles(latencies, n=100)
    return {
        "seconds": time.perf_counter() - start,
        "status_counts": status_counts,
        "p50_ms": percentiles[49] * 1000,
        "p99_ms": percentiles[98] * 1000,
        "max_ms": max(latencies) * 1000,
        "bodies": [body.decode() for body in bodies] if seconds is None else [],
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_generate_load(**json.load(sys.stdin)))))
