"""The cost of each call of a person's journey, against a bare FastAPI route with one asynchronous SELECT on the same PostgreSQL.

    python -m benchmarks.request_cost [--rounds N] [--seconds S] [--accounts N] [--json]

The baseline is measured again before each call, so that other load on the machine affects both. Results are medians of the rounds.
"""

import argparse
import json
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.deployment import Deployment, run_deployment
from benchmarks.load import LoadResult, format_request, run_load

JOURNEYS_PER_ROUND = 150
"""Each journey is by another person."""

JOURNEY_CALLS = (
    "POST /v1/verifications",
    "POST /v1/verifications/{id}/confirm",
    "GET /v1/exposures",
    "POST /v1/exposures/check",
    "POST /v1/acknowledgements",
)
"""The calls of one journey."""


@dataclass(slots=True)
class _Samples:
    """Measurements of one call, one for each round."""

    rates: list[float] = field(default_factory=list)
    baseline_rates: list[float] = field(default_factory=list)
    p50s: list[float] = field(default_factory=list)
    p99s: list[float] = field(default_factory=list)
    cpu_ms: list[float] = field(default_factory=list)
    """CPU milliseconds per call of the server and its keyholder."""


def measure(*, rounds: int = 5, seconds: float = 1.5, accounts: int = 3000) -> list[dict[str, Any]]:
    """Measure every call. Return one object for each call, and one for the whole journey.

    Args:
        rounds: how often each call is measured.
        seconds: duration of each measurement, for calls that can be repeated.
        accounts: number of synthetic accounts.
    """
    samples: dict[str, _Samples] = {}
    with run_deployment(accounts) as deployment:
        for round_index in range(rounds + 1):
            phones = [
                deployment.holder_phones[(round_index * JOURNEYS_PER_ROUND + index) % len(deployment.holder_phones)]
                for index in range(JOURNEYS_PER_ROUND)
            ]
            _MeasurementRound(deployment, seconds, samples).run(phones)
            if round_index == 0:
                samples.clear()  # the first round warms up
    calls = [_summarize(name, call_samples) for name, call_samples in samples.items()]
    journey_cpu = sum(call["cpu_ms"] for call in calls if call["call"] in JOURNEY_CALLS)
    return [*calls, {"call": "one journey", "cpu_ms": round(journey_cpu, 2)}]


class _MeasurementRound:
    """The journeys of some people, with a measurement of every call."""

    def __init__(self, deployment: Deployment, seconds: float, samples: dict[str, _Samples]) -> None:
        self._deployment = deployment
        self._seconds = seconds
        self._samples = samples

    def run(self, phones: Sequence[str]) -> None:
        verifications = self._call_once(
            "POST /v1/verifications",
            [format_request("POST", "/v1/verifications", {"channel": "sms", "identifier": phone}) for phone in phones],
            202,
            codes := dict[str, str](),
        )
        sessions = self._call_once(
            "POST /v1/verifications/{id}/confirm",
            [
                format_request(
                    "POST",
                    f"/v1/verifications/{verification['id']}/confirm",
                    {"code": codes[phone], "client_secret": verification["client_secret"]},
                )
                for verification, phone in zip(verifications, phones, strict=True)
            ],
            200,
        )
        tokens = [session["access_token"] for session in sessions]
        reads = [format_request("GET", "/v1/exposures", token=token) for token in tokens]
        bodies = run_load(self._deployment.port, reads).bodies
        exposures = [json.loads(body)["exposures"][0] for body in bodies]
        self._call_repeatedly("GET /v1/exposures", reads)
        value = {"kind": "name", "value": "김민수"}
        self._call_repeatedly(
            "POST /v1/exposures/check",
            [format_request("POST", "/v1/exposures/check", value, token) for token in tokens],
        )
        self._call_once(
            "POST /v1/acknowledgements",
            [
                format_request(
                    "POST",
                    "/v1/acknowledgements",
                    {"exposure_id": exposure["id"], "notice_version": exposure["notice_version"], "locale": "ko"},
                    token,
                )
                for exposure, token in zip(exposures, tokens, strict=True)
            ],
            201,
        )
        self._call_repeatedly(
            "GET /v1/acknowledgements", [format_request("GET", "/v1/acknowledgements", token=token) for token in tokens]
        )
        self._call_repeatedly("GET /v1/incidents", [format_request("GET", "/v1/incidents")])

    def _call_once(
        self, name: str, requests: Sequence[str], status: int, codes: dict[str, str] | None = None
    ) -> list[dict[str, Any]]:
        """Send each request once and return the bodies. Codes that are sent are added to *codes*."""
        load = self._measure_load(name, requests, None, codes)
        assert set(load.status_counts) <= {status, 200}, (name, load.status_counts)
        return [json.loads(body) for body in load.bodies]

    def _call_repeatedly(self, name: str, requests: Sequence[str]) -> None:
        load = self._measure_load(name, requests, self._seconds)
        assert set(load.status_counts) == {200}, (name, load.status_counts)

    def _measure_load(
        self, name: str, requests: Sequence[str], seconds: float | None, codes: dict[str, str] | None = None
    ) -> LoadResult:
        baseline = run_load(self._deployment.baseline_port, [format_request("GET", "/baseline")], seconds=self._seconds)
        cpu_before = self._deployment.cpu_seconds()
        load = run_load(self._deployment.port, requests, seconds=seconds)
        if codes is not None:
            codes |= self._deployment.read_codes(len(requests))  # sending codes is part of the cost of the call
        samples = self._samples.setdefault(name, _Samples())
        samples.cpu_ms.append((self._deployment.cpu_seconds() - cpu_before) / load.count * 1000)
        samples.rates.append(load.requests_per_second)
        samples.baseline_rates.append(baseline.requests_per_second)
        samples.p50s.append(load.p50_ms)
        samples.p99s.append(load.p99_ms)
        return load


def _summarize(name: str, samples: _Samples) -> dict[str, Any]:
    ratios = [rate / baseline for rate, baseline in zip(samples.rates, samples.baseline_rates, strict=True)]
    return {
        "call": name,
        "ratio": round(statistics.median(ratios), 3),
        "per_second": round(statistics.median(samples.rates), 1),
        "baseline_per_second": round(statistics.median(samples.baseline_rates), 1),
        "p50_ms": round(statistics.median(samples.p50s), 2),
        "p99_ms": round(statistics.median(samples.p99s), 2),
        "cpu_ms": round(statistics.median(samples.cpu_ms), 3),
    }


def main() -> None:
    """Measure, and print a table, or one JSON object per line with ``--json``."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.5)
    parser.add_argument("--accounts", type=int, default=3000)
    parser.add_argument("--json", action="store_true")
    arguments = vars(parser.parse_args())
    as_json = arguments.pop("json")
    for row in measure(**arguments):
        if as_json:
            print(json.dumps(row))
        else:
            print("  ".join([f"{row['call']:36}", *(f"{key} {value}" for key, value in row.items() if key != "call")]))


if __name__ == "__main__":
    main()
