"""Twice as many new users as the service can carry: what happens to the users that are admitted, and to those that wait.

    python -m benchmarks.overload [--seconds S] [--accounts N]

First it measures the capacity: complete visits, one after the other, by many users in parallel. Then `[service] admissions` is set to seven tenths of
the capacity, since sending users to the queue costs something too, and users arrive at twice the capacity whatever the service does. Each obeys
Retry-After and returns with the ticket.
"""

import argparse
import asyncio
import json
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from statistics import median, quantiles

import httpx

from benchmarks.deployment import Deployment, run_deployment

PARALLEL_VISITS = 16
"""Visits under way in parallel while the capacity is measured."""
CAPACITY_SECONDS = 6.0
"""How long the capacity is measured."""
ADMITTED_SHARE = 0.7


@dataclass(slots=True)
class VisitStats:
    """The outcomes of all visits."""

    arrived: int = 0
    admitted: int = 0
    finished: int = 0
    waited: int = 0
    lost_places: int = 0
    """How often a user that returned with a ticket got another one."""
    failures: Counter[str] = field(default_factory=Counter)
    expected_admissions: list[float] = field(default_factory=list)
    """When each waiting user expects admission, in the order in which they were sent to the queue."""
    durations: list[float] = field(default_factory=list)
    """Seconds from admission to the end."""


class SentCodes:
    """The codes that the server prints, by phone."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._loop = asyncio.get_running_loop()
        self._futures: dict[str, asyncio.Future[str]] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def expect(self, phone: str) -> "asyncio.Future[str]":
        """Return a future for the next code of a phone."""
        self._futures[phone] = self._loop.create_future()
        return self._futures[phone]

    def _listen(self) -> None:
        with suppress(RuntimeError, ValueError):  # the loop or the server has ended
            while True:
                for phone, code in self._deployment.read_codes(1).items():
                    self._loop.call_soon_threadsafe(self._resolve, phone, code)

    def _resolve(self, phone: str, code: str) -> None:
        future = self._futures.pop(phone, None)
        if future and not future.done():
            future.set_result(code)


async def visit(
    client: httpx.AsyncClient, codes: SentCodes, phone: str, stats: VisitStats, admissions_per_second: float
) -> None:
    """Run one user's visit, from the first request to the receipt."""
    stats.arrived += 1
    body, headers, waited = {"channel": "sms", "identifier": phone}, dict[str, str](), False
    while True:
        code = codes.expect(phone)
        response = await client.post("/v1/verifications", json=body, headers=headers)
        if response.status_code != 503:
            break
        problem = response.json()
        ticket = problem.get("ticket")
        if not waited:
            stats.expected_admissions.append(time.monotonic() + problem["ahead"] / admissions_per_second)
        stats.lost_places += waited and ticket != headers.get("Queue-Ticket")
        headers, waited = {"Queue-Ticket": ticket}, True
        await asyncio.sleep(int(response.headers["retry-after"]))
    if response.status_code != 202:
        stats.failures[f"ask {response.status_code}"] += 1
        return
    admitted_at = time.monotonic()
    stats.admitted += 1
    if waited:
        stats.waited += 1
    verification = response.json()
    confirmation = await client.post(
        f"/v1/verifications/{verification['id']}/confirm",
        json={"code": await code, "client_secret": verification["client_secret"]},
    )
    authorization = {"Authorization": f"Bearer {confirmation.json().get('access_token')}"}
    answer = await client.get("/v1/exposures", headers=authorization)
    if answer.status_code != 200:
        stats.failures[f"confirm {confirmation.status_code}, read {answer.status_code}"] += 1
        return
    exposure = answer.json()["exposures"][0]
    notice = {"exposure_id": exposure["id"], "notice_version": exposure["notice_version"], "locale": "ko"}
    receipt = await client.post("/v1/acknowledgements", json=notice, headers=authorization)
    if receipt.status_code not in (200, 201):
        stats.failures[f"acknowledge {receipt.status_code}"] += 1
        return
    stats.finished += 1
    stats.durations.append(time.monotonic() - admitted_at)


async def _measure_capacity(deployment: Deployment, phones: Sequence[str]) -> float:
    """Return the complete visits a second."""
    stats, remaining_phones, end = VisitStats(), iter(phones), time.monotonic() + CAPACITY_SECONDS

    async def visit_repeatedly(client: httpx.AsyncClient, codes: SentCodes) -> None:
        for phone in remaining_phones:
            if time.monotonic() > end:
                return
            await visit(client, codes, phone, stats, 1.0)

    async with _create_client(deployment, PARALLEL_VISITS) as client:
        codes = SentCodes(deployment)
        await asyncio.gather(*(visit_repeatedly(client, codes) for _ in range(PARALLEL_VISITS)))
    assert not stats.failures, stats.failures
    return stats.finished / CAPACITY_SECONDS


async def _overload(
    deployment: Deployment, phones: Sequence[str], arrivals_per_second: float, seconds: float
) -> VisitStats:
    stats, admissions_per_second = VisitStats(), ADMITTED_SHARE * arrivals_per_second / 2
    async with _create_client(deployment, None) as client:
        codes = SentCodes(deployment)
        start, visits = time.monotonic(), []
        for index in range(int(arrivals_per_second * seconds)):
            await asyncio.sleep(max(0.0, start + index / arrivals_per_second - time.monotonic()))
            phone = phones[index % len(phones)]
            visits.append(asyncio.ensure_future(visit(client, codes, phone, stats, admissions_per_second)))
        await asyncio.gather(*visits)
    return stats


def _create_client(deployment: Deployment, connections: int | None) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=64)
    url = f"http://127.0.0.1:{deployment.port}"
    return httpx.AsyncClient(base_url=url, limits=limits, timeout=60, trust_env=False)


def measure(*, seconds: float = 20.0, accounts: int = 6000) -> dict[str, float]:
    """Measure the capacity, then the service at twice that load. Return the figures by name."""
    with run_deployment(accounts) as deployment:
        capacity = asyncio.run(_measure_capacity(deployment, deployment.holder_phones))
    with run_deployment(
        accounts, {"service.admissions": f"{max(1, round(ADMITTED_SHARE * capacity))}/second"}
    ) as deployment:
        stats = asyncio.run(_overload(deployment, deployment.holder_phones, 2 * round(capacity), seconds))
    admissions = stats.expected_admissions
    overtaken = sum(later < earlier for earlier, later in zip(admissions, admissions[20:], strict=False))
    return {
        "capacity, visits a second": capacity,
        "users who arrived": stats.arrived,
        "admitted": stats.admitted,
        "waited": stats.waited,
        "lost their place in the queue": stats.lost_places,
        "share of admitted users who finished": stats.finished / max(1, stats.admitted),
        "share admitted before users 20 places ahead": overtaken / max(1, len(admissions)),
        "seconds from admission to receipt, p50": median(stats.durations),
        "seconds from admission to receipt, p99": quantiles(stats.durations, n=100)[98],
        **{f"failed: {kind}": count for kind, count in stats.failures.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--accounts", type=int, default=6000)
    parser.add_argument("--json", action="store_true")
    options = vars(parser.parse_args())
    as_json = options.pop("json")
    figures = measure(**options)
    lines = [f"{name:55}{value:10.4g}" for name, value in figures.items()]
    print(json.dumps(figures) if as_json else "\n".join(lines))


if __name__ == "__main__":
    main()
