"""Twice as many people as the service carries: what becomes of those under way, and of those who wait.

    python -m benchmarks.overload [--seconds S] [--accounts N]

First the capacity: whole journeys one behind the other, from many at once. Then the queue is set to seven tenths of it (`[service] admissions`), since
to send people away costs something too, and people arrive at twice the capacity, whatever the service does. Each obeys Retry-After and comes back
with the ticket.
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

AT_ONCE = 16
"""Journeys that are under way at once while the capacity is measured."""
MEASURED_FOR = 6.0
"""Seconds."""
SHARE = 0.7


@dataclass(slots=True)
class Crowd:
    """What became of the people."""

    arrived: int = 0
    let_in: int = 0
    finished: int = 0
    waited: int = 0
    asked_to_begin_again: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    turns: list[float] = field(default_factory=list)
    """When the turns of those who wait come, as they were told, in the order in which they were told."""
    under_way: list[float] = field(default_factory=list)
    """Seconds from being let in to the end."""


class Codes:
    """The codes that the server says it sends, by whom they are for."""

    def __init__(self, deployment: Deployment) -> None:
        self._deployment = deployment
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[str, asyncio.Future[str]] = {}
        threading.Thread(target=self._listen, daemon=True).start()

    def expect(self, phone: str) -> "asyncio.Future[str]":
        """Promise the next code for a phone."""
        self._waiting[phone] = self._loop.create_future()
        return self._waiting[phone]

    def _listen(self) -> None:
        with suppress(RuntimeError, ValueError):  # the loop or the server has ended
            while True:
                for phone, code in self._deployment.read_codes(1).items():
                    self._loop.call_soon_threadsafe(self._hand_out, phone, code)

    def _hand_out(self, phone: str, code: str) -> None:
        waiting = self._waiting.pop(phone, None)
        if waiting and not waiting.done():
            waiting.set_result(code)


async def journey(client: httpx.AsyncClient, codes: Codes, phone: str, crowd: Crowd, pace: float) -> None:
    """Walk one person from the first question to the receipt, where the queue has this *pace*."""
    crowd.arrived += 1
    body, headers, waited = {"channel": "sms", "identifier": phone}, dict[str, str](), False
    while True:
        code = codes.expect(phone)
        asked = await client.post("/v1/verifications", json=body, headers=headers)
        if asked.status_code != 503:
            break
        told = asked.json()
        ticket = told.get("ticket")
        if not waited:
            crowd.turns.append(time.monotonic() + told["ahead"] / pace)
        crowd.asked_to_begin_again += waited and ticket != headers.get("Queue-Ticket")
        headers, waited = {"Queue-Ticket": ticket}, True
        await asyncio.sleep(int(asked.headers["retry-after"]))
    if asked.status_code != 202:
        crowd.failures[f"ask {asked.status_code}"] += 1
        return
    began = time.monotonic()
    crowd.let_in += 1
    if waited:
        crowd.waited += 1
    verification = asked.json()
    confirmed = await client.post(
        f"/v1/verifications/{verification['id']}/confirm",
        json={"code": await code, "client_secret": verification["client_secret"]},
    )
    session = {"Authorization": f"Bearer {confirmed.json().get('access_token')}"}
    answer = await client.get("/v1/exposures", headers=session)
    if answer.status_code != 200:
        crowd.failures[f"confirm {confirmed.status_code}, read {answer.status_code}"] += 1
        return
    exposure = answer.json()["exposures"][0]
    read = {"exposure_id": exposure["id"], "notice_version": exposure["notice_version"], "locale": "ko"}
    receipt = await client.post("/v1/acknowledgements", json=read, headers=session)
    if receipt.status_code not in (200, 201):
        crowd.failures[f"acknowledge {receipt.status_code}"] += 1
        return
    crowd.finished += 1
    crowd.under_way.append(time.monotonic() - began)


async def _capacity(deployment: Deployment, phones: Sequence[str]) -> float:
    crowd, left, end = Crowd(), iter(phones), time.monotonic() + MEASURED_FOR

    async def one_behind_the_other(client: httpx.AsyncClient, codes: Codes) -> None:
        for phone in left:
            if time.monotonic() > end:
                return
            await journey(client, codes, phone, crowd, 1.0)

    async with _clients(deployment, AT_ONCE) as client:
        codes = Codes(deployment)
        await asyncio.gather(*(one_behind_the_other(client, codes) for _ in range(AT_ONCE)))
    assert not crowd.failures, crowd.failures
    return crowd.finished / MEASURED_FOR


async def _overload(deployment: Deployment, phones: Sequence[str], pace: float, seconds: float) -> Crowd:
    crowd = Crowd()
    async with _clients(deployment, None) as client:
        codes = Codes(deployment)
        began, people = time.monotonic(), []
        for number in range(int(pace * seconds)):
            await asyncio.sleep(max(0.0, began + number / pace - time.monotonic()))
            one = journey(client, codes, phones[number % len(phones)], crowd, SHARE * pace / 2)
            people.append(asyncio.ensure_future(one))
        await asyncio.gather(*people)
    return crowd


def _clients(deployment: Deployment, connections: int | None) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=connections, max_keepalive_connections=64)
    url = f"http://127.0.0.1:{deployment.port}"
    return httpx.AsyncClient(base_url=url, limits=limits, timeout=60, trust_env=False)


def measure(*, seconds: float = 20.0, accounts: int = 6000) -> dict[str, float]:
    """Measure the capacity, then twice of it; gives the figures by name."""
    with run_deployment(accounts) as deployment:
        carried = asyncio.run(_capacity(deployment, deployment.holder_phones))
    with run_deployment(accounts, {"service.admissions": f"{max(1, round(SHARE * carried))}/second"}) as deployment:
        crowd = asyncio.run(_overload(deployment, deployment.holder_phones, 2 * round(carried), seconds))
    overtaken = sum(later < sooner for sooner, later in zip(crowd.turns, crowd.turns[20:], strict=False))
    return {
        "journeys a second that are carried": carried,
        "people who arrived": crowd.arrived,
        "let in": crowd.let_in,
        "waited": crowd.waited,
        "asked to begin again": crowd.asked_to_begin_again,
        "finished, of those let in": crowd.finished / max(1, crowd.let_in),
        "turn before that of whoever came 20 places earlier": overtaken / max(1, len(crowd.turns)),
        "seconds from being let in to the receipt, p50": median(crowd.under_way),
        "the same, p99": quantiles(crowd.under_way, n=100)[98],
        **{f"failed: {kind}": count for kind, count in crowd.failures.items()},
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--accounts", type=int, default=6000)
    parser.add_argument("--json", action="store_true")
    given = vars(parser.parse_args())
    as_json = given.pop("json")
    found = measure(**given)
    print(json.dumps(found) if as_json else "\n".join(f"{name:55}{value:10.4g}" for name, value in found.items()))


if __name__ == "__main__":
    main()
