"""What each call of the main path costs, against a bare FastAPI route with one asynchronous SELECT on the same PostgreSQL.

    python -m benchmarks.request_cost [--rounds N] [--seconds S] [--accounts N] [--json]

Each round measures the baseline anew just before each call, so that what else the machine does falls on both. Medians of the rounds.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.deployment import Deployment, run_deployment
from benchmarks.load import LoadResult, run_load, format_request

JOURNEYS = 150
"""Whole journeys in each round, each its own person's."""

MAIN_PATH = (
    "POST /v1/verifications",
    "POST /v1/verifications/{id}/confirm",
    "GET /v1/exposures",
    "POST /v1/exposures/check",
    "POST /v1/acknowledgements",
)
"""What one person's journey is made of."""


@dataclass(slots=True)
class _Figures:
    rates: list[float] = field(default_factory=list)
    baselines: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    """Milliseconds of the server and its keyholder for each call."""


def measure(*, rounds: int = 5, seconds: float = 1.5, accounts: int = 3000) -> list[dict[str, Any]]:
    """Measure every call of the main path; one object for each, and one for the journey as a whole.

    Args:
        rounds: how often each is measured.
        seconds: how long, where a call can be repeated.
        accounts: how many are made up.
    """
    figures: dict[str, _Figures] = {}
    with run_deployment(accounts) as deployment:
        for number in range(rounds + 1):
            people = [
                deployment.holder_phones[(number * JOURNEYS + one) % len(deployment.holder_phones)]
                for one in range(JOURNEYS)
            ]
            _Round(deployment, seconds, figures).run(people)
            if number == 0:
                figures.clear()  # the first round warms up
    calls = [_row(name, found) for name, found in figures.items()]
    journey = sum(one["cpu_ms"] for one in calls if one["call"] in MAIN_PATH)
    return [*calls, {"call": "one journey", "cpu_ms": round(journey, 2)}]


class _Round:
    """Some people's journeys, each call measured on the way."""

    def __init__(self, deployment: Deployment, seconds: float, figures: dict[str, _Figures]) -> None:
        self._deployment = deployment
        self._seconds = seconds
        self._figures = figures

    def run(self, people: Sequence[str]) -> None:
        asked = self._once(
            "POST /v1/verifications",
            [format_request("POST", "/v1/verifications", {"channel": "sms", "identifier": one}) for one in people],
            202,
            codes := dict[str, str](),
        )
        tokens = [
            one["access_token"]
            for one in self._once(
                "POST /v1/verifications/{id}/confirm",
                [
                    format_request(
                        "POST",
                        f"/v1/verifications/{one['id']}/confirm",
                        {"code": codes[who], "client_secret": one["client_secret"]},
                    )
                    for one, who in zip(asked, people, strict=True)
                ],
                200,
            )
        ]
        reading = [format_request("GET", "/v1/exposures", token=token) for token in tokens]
        answers = [json.loads(body)["exposures"][0] for body in run_load(self._deployment.port, reading).bodies]
        self._over_and_over("GET /v1/exposures", reading)
        value = {"kind": "name", "value": "김민수"}
        self._over_and_over(
            "POST /v1/exposures/check", [format_request("POST", "/v1/exposures/check", value, token) for token in tokens]
        )
        self._once(
            "POST /v1/acknowledgements",
            [
                format_request(
                    "POST",
                    "/v1/acknowledgements",
                    {"exposure_id": one["id"], "notice_version": one["notice_version"], "locale": "ko"},
                    token,
                )
                for one, token in zip(answers, tokens, strict=True)
            ],
            201,
        )
        self._over_and_over(
            "GET /v1/acknowledgements", [format_request("GET", "/v1/acknowledgements", token=token) for token in tokens]
        )
        self._over_and_over("GET /v1/incidents", [format_request("GET", "/v1/incidents")])

    def _once(
        self, name: str, requests: Sequence[str], status: int, codes: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        load = self._measured(name, requests, None, codes)
        assert set(load.status_counts) <= {status, 200}, (name, load.status_counts)
        return [json.loads(body) for body in load.bodies]

    def _over_and_over(self, name: str, requests: Sequence[str]) -> None:
        load = self._measured(name, requests, self._seconds)
        assert set(load.status_counts) == {200}, (name, load.status_counts)

    def _measured(
        self, name: str, requests: Sequence[str], seconds: float | None, codes: dict[str, str] | None = None
    ) -> LoadResult:
        baseline = run_load(self._deployment.baseline_port, [format_request("GET", "/baseline")], seconds=self._seconds)
        before = self._deployment.cpu_seconds()
        load = run_load(self._deployment.port, requests, seconds=seconds)
        if codes is not None:
            codes |= self._deployment.read_codes(len(requests))  # to send them is part of what asking costs
        found = self._figures.setdefault(name, _Figures())
        found.cpu.append((self._deployment.cpu_seconds() - before) / load.count * 1000)
        found.rates.append(load.requests_per_second)
        found.baselines.append(baseline.requests_per_second)
        found.p50s.append(load.p50_ms)
        found.p99s.append(load.p99_ms)
        return load


def _row(name: str, found: _Figures) -> dict[str, Any]:
    ratios = [rate / baseline for rate, baseline in zip(found.rates, found.baselines, strict=True)]
    return {
        "call": name,
        "ratio": round(statistics.median(ratios), 3),
        "per_second": round(statistics.median(found.rates), 1),
        "baseline_per_second": round(statistics.median(found.baselines), 1),
        "p50_ms": round(statistics.median(found.p50s), 2),
        "p99_ms": round(statistics.median(found.p99s), 2),
        "cpu_ms": round(statistics.median(found.cpu), 3),
    }


def main() -> None:
    """Measure, and print a table, or with ``--json`` one object a line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--accounts", type=int, default=3000)
    parser.add_argument("--json", action="store_true")
    given = vars(parser.parse_args())
    as_json = given.pop("json")
    for row in measure(**given):
        if as_json:
            print(json.dumps(row))
        else:
            print("  ".join([f"{row['call']:36}", *(f"{key} {value}" for key, value in row.items() if key != "call")]))


if __name__ == "__main__":
    main()
