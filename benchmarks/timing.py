"""Whether responses that must be indistinguishable can be told apart by their response times.

    python -m benchmarks.timing [--samples N] [--accounts N] [--only TEXT] [--json]

One client on loopback, the best position that any attacker can have, holds one connection to the real `exposure serve` on PostgreSQL and sends the
two kinds of calls of a pair in random order. For each pair: the area under the ROC curve, 0.5 if time reveals nothing (goal: at most 0.52), and the
medians.

Chance alone moves the area of n samples of each side by 0.29 / sqrt(n / 2), one standard deviation: 0.004 at 10,000, 0.0075 at 3,000. The direction
that happens to be larger is reported, so 0.503 is the expected value of an indistinguishable pair.
"""

import argparse
import gc
import json
import random
import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.call_pairs import (
    CallPair,
    Targets,
    Verification,
    code_request,
    code_requests,
    unknown_id_requests,
    value_check_requests,
    verification_request,
    wrong_code_requests,
    wrong_secret_requests,
)
from benchmarks.deployment import Deployment, run_deployment
from benchmarks.http_client import HttpConnection
from benchmarks.load import format_request
from benchmarks.roc_auc import area_under_curve

GOAL = 0.52
CODES_PER_TARGET = 40
"""The only limit that can be used up here, per day: large enough for targets that are asked about in turn with all others."""
WRONG_CODES_PER_VERIFICATION = 4
"""A fifth wrong code would close the verification."""
MAX_PENDING_CODES = 400
"""Codes to send before reading them: so many lines of the server's output fit into a pipe."""


class TimingBenchmark:
    """Measures all pairs against one deployment."""

    def __init__(self, deployment: Deployment, samples: int) -> None:
        self._deployment = deployment
        self._samples = samples
        self._wire = HttpConnection(deployment.port)
        self._targets = Targets(deployment)
        self._pending_codes: list[str] = []

    def measure(self, only: str = "") -> Iterator[dict[str, Any]]:
        """Measure each pair whose name contains *only*. Yield its area, the medians in microseconds, and the samples of each side."""
        for target in self._targets.to_block * CODES_PER_TARGET:
            self._start_verification(target, sent=True)
        for target in self._targets.to_opt_out:
            opt_out = self._wire.send(format_request("POST", "/v1/stop-codes", token=self._sign_in(target)))
            assert opt_out[1] == 204, opt_out
        for pair in self._pairs():
            if only not in pair.name:
                continue
            first, second = self._sample(pair)
            yield {
                "pair": pair.name,
                "area": round(area_under_curve(first, second), 4),
                "medians_us": [round(statistics.median(side) / 1000, 1) for side in (first, second)],
                "samples": len(first),
            }

    def _pairs(self) -> Iterator[CallPair]:
        targets = self._targets
        hits = code_requests(targets.hits)
        yield CallPair("asking: hit, miss", 202, hits, code_requests(targets.misses))
        yield CallPair("asking: hit, recipient", 202, hits, code_requests(targets.recipients))
        yield CallPair("asking: hit, blocked target", 202, hits, code_requests(targets.blocked, sent=False))
        yield CallPair("asking: hit, opted-out target", 202, hits, code_requests(targets.opted_out, sent=False))
        email_hits, email_misses = code_requests(targets.email_hits), code_requests(targets.email_misses)
        yield CallPair("asking: hit, known by another channel", 202, email_hits, email_misses)
        emails_as_phones = (
            code_requests(emails, sent=False, channel="sms") for emails in (targets.email_hits, targets.email_misses)
        )
        yield CallPair("asking by the wrong channel: hit, miss", 422, *emails_as_phones)
        count = max(self._samples // WRONG_CODES_PER_VERIFICATION, 1)
        sent = [self._start_verification(next(targets.hits), sent=True) for _ in range(count)]
        unsent = [self._start_verification(next(targets.blocked), sent=False) for _ in range(count)]
        yield CallPair("wrong code: sent, not sent", 422, wrong_code_requests(sent), wrong_code_requests(unsent))
        for call, name in (("confirm", "confirming"), ("resend", "resending")):
            unknown, wrong_secret = unknown_id_requests(call, len(sent)), wrong_secret_requests(call, sent)
            yield CallPair(f"{name}: unknown id, wrong secret", 404, unknown, wrong_secret)
        own_phone, other_phone = next(targets.hits), next(targets.misses)
        token, own_name = self._sign_in(own_phone), self._deployment.names_by_phone[own_phone]
        for kind, match, mismatch in (("name", own_name, "남궁없음"), ("phone", own_phone, other_phone)):
            matches, mismatches = (value_check_requests(token, kind, value) for value in (match, mismatch))
            yield CallPair(f"checking a {kind}: yes, no", 200, matches, mismatches)

    def _sample(self, pair: CallPair) -> tuple[list[int], list[int]]:
        """Send the calls of a pair in random order. Return the nanoseconds of each side."""
        durations: tuple[list[int], list[int]] = ([], [])
        order = [0, 1] * self._samples
        random.shuffle(order)
        gc.disable()
        for side in order:
            text, target = (pair.first, pair.second)[side]()
            nanoseconds, status, body = self._wire.send(text)
            assert status == pair.status, (pair.name, status, body)
            durations[side].append(nanoseconds)
            self._expect_code(target)
        gc.enable()
        self._read_pending_codes()
        return durations

    def _start_verification(self, target: str, *, sent: bool) -> Verification:
        _, status, body = self._wire.send(code_request(target))
        assert status == 202, body
        self._expect_code(target if sent else None)
        verification = json.loads(body)
        return verification["id"], verification["client_secret"]

    def _sign_in(self, phone: str) -> str:
        self._read_pending_codes()
        verification_id, secret = self._start_verification(phone, sent=False)
        code = self._deployment.read_codes(1)[phone]
        _, status, body = self._wire.send(verification_request("confirm", verification_id, secret, code))
        assert status == 200, body
        return str(json.loads(body)["access_token"])

    def _expect_code(self, target: str | None) -> None:
        if target is not None:
            self._pending_codes.append(target)
            if len(self._pending_codes) == MAX_PENDING_CODES:
                self._read_pending_codes()

    def _read_pending_codes(self) -> None:
        """Check that codes were sent to the expected targets and to no others."""
        sent = self._deployment.read_codes(len(self._pending_codes))
        assert sent.keys() == set(self._pending_codes), "codes were sent to other targets than expected"
        self._pending_codes.clear()


def measure(*, samples: int, accounts: int = 10_000, only: str = "") -> Iterator[dict[str, Any]]:
    """Set up a deployment and measure all pairs.

    Args:
        samples: of each side of a pair.
        accounts: how many are generated.
        only: measure the pairs whose name contains this text.
    """
    with run_deployment(accounts, {"target.codes": f"{CODES_PER_TARGET}/day"}) as deployment:
        yield from TimingBenchmark(deployment, samples).measure(only)


def main() -> None:
    """Measure, and print a line for each pair as soon as it is measured; with ``--json`` an object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=10_000, help="samples of each side of a pair (%(default)s)")
    parser.add_argument("--accounts", type=int, default=10_000, help="generated accounts (%(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="measure the pairs whose name contains TEXT")
    parser.add_argument("--json", action="store_true")
    options = vars(parser.parse_args())
    as_json = options.pop("json")
    for result in measure(**options):
        first, second = result["medians_us"]
        line = (
            f"{result['pair']:50} area {result['area']:.4f}"
            f"  medians {first:7.1f} and {second:7.1f} µs  n {result['samples']}"
        )
        print(json.dumps(result) if as_json else line, flush=True)


if __name__ == "__main__":
    main()
