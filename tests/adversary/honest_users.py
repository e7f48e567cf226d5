"""Honest people: they ask, mistype, confirm, read, acknowledge; obey Retry-After, and compute what they are asked to."""

from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.adversary.observations import Ledger
from tests.adversary.people import CARRIER, Person, home
from tests.adversary.simulation import Part, World
from tests.adversary.challenge_solver import solve
from tests.adversary.proxy_client import Actor, Answer, Call, Step, asking, confirming, resending

PATIENCE = 7200.0
"""Seconds from the first click until somebody gives up."""
MISTYPES = 0.1
LOCALE = "ko"


@dataclass
class Tally:
    """What became of them."""

    begun: int = 0
    finished: int = 0
    gave_up: Counter[str] = field(default_factory=Counter)
    """By what they saw last."""
    wrong: int = 0
    """Answers that were not the truth."""
    refused: Counter[str] = field(default_factory=Counter)
    """429 and 503, by kind of problem and budget; most of them only for a while."""
    seconds: list[float] = field(default_factory=list)
    """From first to last, of those who finished."""
    asked: Counter[str] = field(default_factory=Counter)
    """Codes asked for, by who asked."""
    confirmed: int = 0


class GaveUp(Exception):
    """Somebody has waited too long."""


@dataclass
class Walk:
    """One person's way."""

    world: World
    person: Person
    source: str
    tally: Tally
    ledger: Ledger
    rng: Random
    began: float = 0.0
    typed: set[tuple[str, str]] = field(default_factory=set)
    """Codes that did not fit, and which verification."""

    def journey(self) -> Actor:
        """Go it."""
        self.began = self.world.now
        self.tally.begun += 1
        try:
            token = yield from self._prove()
            yield from self._read(token)
        except GaveUp as why:
            self.tally.gave_up[str(why)] += 1
            return
        self.tally.finished += 1
        self.tally.seconds.append(self.world.now - self.began)

    def _prove(self) -> Generator[Step, Any, str]:
        last = "no code came"
        while True:
            asked = yield from self._obey(asking(self.source, self.person.identifier))
            for resend in range(5):
                if resend:
                    asked = yield from self._obey(resending(self.source, asked.body))
                if asked.status != 202:
                    break
                self.tally.asked[self.person.identifier] += 1
                self.ledger.verifications.append(asked.body["id"])
                since, mistypes = self.world.now, self.rng.random() < MISTYPES
                for _ in range((15, 15, 24, 60, 100)[resend]):  # as long as the next code may not be asked for
                    yield 5.0
                    token = yield from self._type(asked, since, mistypes)
                    if token:
                        return token
                self._patient(last)

    def _type(self, asked: Answer, since: float, mistypes: bool) -> Generator[Step, Any, str]:
        """Type the codes that have come; several may have, where others ask as well. Empty where none fits."""
        codes = [code for at, code in self.world.inbox[self.person.identifier] if at >= since]
        for code in reversed(codes[-3:]):
            if (asked.body["resend_at"], code) in self.typed:
                continue
            self.typed.add((asked.body["resend_at"], code))
            yield self.rng.uniform(5, 20)
            if mistypes:
                mistypes = False
                yield from self._obey(confirming(self.source, asked.body, f"{code[1:]}{code[0]}"))
                yield 5.0
            answer = yield from self._obey(confirming(self.source, asked.body, code))
            if answer.status == 200:
                self.tally.confirmed += 1
                return str(answer.body["access_token"])
        return ""

    def _read(self, token: str) -> Generator[Step, Any, None]:
        answer = yield from self._obey(Call(self.source, "GET", "/v1/exposures", token=token))
        if answer.status != 200:
            raise GaveUp(f"no answer: {answer.problem}")
        exposures = answer.body["exposures"]
        self.tally.wrong += len(exposures) != self.person.affected
        for one in exposures:
            self.ledger.exposures.append(one["id"])
            notice = f"/v1/incidents/{one['incident']}/notice?locale={LOCALE}"
            yield from self._obey(Call(self.source, "GET", notice))
            yield self.rng.uniform(10, 60)
            body = {"exposure_id": one["id"], "notice_version": one["notice_version"], "locale": LOCALE}
            answer = yield from self._obey(Call(self.source, "POST", "/v1/acknowledgements", body, token))
            self.tally.wrong += answer.status != 201
        yield from self._obey(Call(self.source, "DELETE", "/v1/session", token=token))

    def _obey(self, call: Call) -> Generator[Step, Any, Answer]:
        """Make a call until it is neither 429 nor 503: compute where that does, keep one's place in the queue, wait as long as one is told to."""
        headers: dict[str, str] = {}
        unavailable = 0
        while True:
            answer: Answer = yield replace(call, headers=headers)
            if answer.status not in (429, 503):
                return answer
            self.tally.refused[answer.problem] += 1
            headers = solve(answer.body)
            if headers:
                self._patient(answer.problem)
                yield 1.0
                continue
            if ticket := answer.body.get("ticket"):
                headers = {"Queue-Ticket": ticket}
            unavailable += answer.status == 503
            wait = float(max(int(answer.headers["retry-after"]), min(60, 2**unavailable)))
            self._patient(answer.problem, wait)
            yield wait

    def _patient(self, last: str, wait: float = 0.0) -> None:
        if self.world.now + wait - self.began > PATIENCE:
            raise GaveUp(last)


def crowd(world: World, tally: Tally, ledger: Ledger, count: int, rng: Random, *, within: float) -> list[Part]:
    """Let *count* people come within so many seconds, every other of them a customer of the one carrier."""
    parts = []
    for number, person in enumerate(rng.sample([person for person in world.people if person != world.victim], count)):
        source = CARRIER if number % 2 else home(number // 2)
        walk = Walk(world, person, source, tally, ledger, rng)
        parts.append(Part("honest", walk.journey(), begins=rng.uniform(0, within)))
    return parts
