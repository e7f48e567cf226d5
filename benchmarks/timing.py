"""Whether answers that must look alike can be told apart by the time that they take.

    python -m benchmarks.timing [--samples N] [--accounts N] [--only TEXT] [--json]

One client on loopback, which is as near as anybody comes, holds one connection to the real `exposure serve` on PostgreSQL, and asks for the two
sides of a pair in random order. For each pair: the area under the ROC curve, 0.5 where time tells nothing (goal: 0.52 at most), and the medians.

Chance alone moves the area of n samples of each side by 0.29 / sqrt(n / 2), one standard deviation: 0.004 at 10,000, 0.0075 at 3,000.
Whichever side is the larger by chance is taken for it, so 0.503 is what to expect of a pair that is alike.
"""

import argparse
import gc
import json
import random
import statistics
from collections.abc import Iterator
from typing import Any

from benchmarks.roc_auc import area
from benchmarks.deployment import Deployment, run_deployment
from benchmarks.load import format_request
from benchmarks.call_pairs import Pair, Started, Targets, ask_for, asking, calling, checking, guessing, of_nobody, of_others
from benchmarks.http_client import HttpConnection

GOAL = 0.52
CODES_OF_A_TARGET = 40
"""The one budget that can be spent here, in a day: enough for who is asked about in turn with all others."""
TRIES = 4
"""Wrong codes for each verification: the fifth would end it."""
AT_ONCE = 400
"""Codes on their way before they are waited for: so many lines of the server's fit into a pipe."""


class Timing:
    """All pairs, against one deployment."""

    def __init__(self, deployment: Deployment, samples: int) -> None:
        self._deployment = deployment
        self._samples = samples
        self._wire = HttpConnection(deployment.port)
        self._targets = Targets(deployment)
        self._on_their_way: list[str] = []

    def measure(self, only: str = "") -> Iterator[dict[str, Any]]:
        """Measure each pair, or *only* those of such a name; gives area, medians in microseconds, and how many there were of each side."""
        for target in self._targets.to_block * CODES_OF_A_TARGET:
            self._start(target, sent=True)
        for target in self._targets.to_stop:
            stopped = self._wire.send(format_request("POST", "/v1/stop-codes", token=self._sign_in(target)))
            assert stopped[1] == 204, stopped
        for pair in self._pairs():
            if only not in pair.what:
                continue
            one, other = self._sampled(pair)
            yield {
                "pair": pair.what,
                "area": round(area(one, other), 4),
                "medians_us": [round(statistics.median(side) / 1000, 1) for side in (one, other)],
                "samples": len(one),
            }

    def _pairs(self) -> Iterator[Pair]:
        whom = self._targets
        yield Pair("asking: hit, miss", 202, asking(whom.hits), asking(whom.misses))
        yield Pair("asking: hit, recipient", 202, asking(whom.hits), asking(whom.recipients))
        yield Pair("asking: hit, blocked target", 202, asking(whom.hits), asking(whom.blocked, sent=False))
        yield Pair("asking: hit, stopped target", 202, asking(whom.hits), asking(whom.stopped, sent=False))
        yield Pair("asking: hit, known by another channel", 202, asking(whom.emails), asking(whom.other_emails))
        as_phones = (asking(emails, sent=False, channel="sms") for emails in (whom.emails, whom.other_emails))
        yield Pair("asking by a channel that it is not of: hit, miss", 422, *as_phones)
        each = max(self._samples // TRIES, 1)
        sent = [self._start(next(whom.hits), sent=True) for _ in range(each)]
        unsent = [self._start(next(whom.blocked), sent=False) for _ in range(each)]
        yield Pair("wrong code: sent, not sent", 422, guessing(sent), guessing(unsent))
        for call, what in (("confirm", "confirming"), ("resend", "sending again")):
            yield Pair(f"{what}: unknown id, wrong secret", 404, of_nobody(call, len(sent)), of_others(call, sent))
        phone, stranger = next(whom.hits), next(whom.misses)
        token, name = self._sign_in(phone), self._deployment.names_by_phone[phone]
        yield Pair("checking a name: yes, no", 200, checking(token, "name", name), checking(token, "name", "남궁없음"))
        yield Pair(
            "checking a phone: yes, no", 200, checking(token, "phone", phone), checking(token, "phone", stranger)
        )

    def _sampled(self, pair: Pair) -> tuple[list[int], list[int]]:
        took: tuple[list[int], list[int]] = ([], [])
        order = [0, 1] * self._samples
        random.shuffle(order)
        gc.disable()
        for side in order:
            written, to = (pair.one, pair.other)[side]()
            nanoseconds, status, body = self._wire.send(written)
            assert status == pair.status, (pair.what, status, body)
            took[side].append(nanoseconds)
            self._note_sent(to)
        gc.enable()
        self._await_sent()
        return took

    def _start(self, target: str, *, sent: bool) -> Started:
        _, status, body = self._wire.send(ask_for(target))
        assert status == 202, body
        self._note_sent(target if sent else None)
        started = json.loads(body)
        return started["id"], started["client_secret"]

    def _sign_in(self, phone: str) -> str:
        self._await_sent()
        number, secret = self._start(phone, sent=False)
        code = self._deployment.read_codes(1)[phone]
        _, status, body = self._wire.send(calling("confirm", number, secret, code))
        assert status == 200, body
        return str(json.loads(body)["access_token"])

    def _note_sent(self, to: str | None) -> None:
        if to is not None:
            self._on_their_way.append(to)
            if len(self._on_their_way) == AT_ONCE:
                self._await_sent()

    def _await_sent(self) -> None:
        """See that codes went to those whom they were to go to, and to nobody else."""
        sent = self._deployment.read_codes(len(self._on_their_way))
        assert sent.keys() == set(self._on_their_way), "a target is not what it was taken for"
        self._on_their_way.clear()


def measure(*, samples: int, accounts: int = 10_000, only: str = "") -> Iterator[dict[str, Any]]:
    """Set a deployment up, and measure all pairs.

    Args:
        samples: of each side of a pair.
        accounts: how many are made up.
        only: those whose name it is part of.
    """
    with run_deployment(accounts, {"target.codes": f"{CODES_OF_A_TARGET}/day"}) as deployment:
        yield from Timing(deployment, samples).measure(only)


def main() -> None:
    """Measure, and print a line for each pair as soon as it is known, with ``--json`` as an object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=10_000, help="of each side of a pair (%(default)s)")
    parser.add_argument("--accounts", type=int, default=10_000, help="that are made up (%(default)s)")
    parser.add_argument("--only", default="", metavar="TEXT", help="pairs whose name it is part of")
    parser.add_argument("--json", action="store_true")
    given = vars(parser.parse_args())
    as_json = given.pop("json")
    for row in measure(**given):
        one, other = row["medians_us"]
        line = f"{row['pair']:50} area {row['area']:.4f}  medians {one:7.1f} and {other:7.1f} µs  n {row['samples']}"
        print(json.dumps(row) if as_json else line, flush=True)


if __name__ == "__main__":
    main()
