"""Asking for a code for one person after the other, to see who is in it."""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tests.adversary.observations import Ledger
from tests.adversary.people import Person
from tests.adversary.simulation import World
from tests.adversary.challenge_solver import solve
from tests.adversary.proxy_client import Actor, Answer, asking, confirming, resending

LOOKED_AT = 10
"""Of so many verifications one is tried with a wrong code, and another code asked for."""
RESENT_AFTER = 61.0


def enumerating(
    world: World,
    about: Iterator[Person],
    addresses: Iterator[str],
    ledger: Ledger,
    *,
    stays: bool = False,
    email: bool = False,
) -> Actor:
    """Ask, compute what one is asked to compute, and look at the answers.

    Args:
        world: tells the time.
        about: whom, without end.
        addresses: to ask from.
        ledger: keeps what is seen.
        stays: at an address until it is refused.
        email: ask every other by email.
    """
    source = next(addresses)
    later: deque[tuple[float, Person, Mapping[str, Any]]] = deque()
    for number, person in enumerate(about):
        call = asking(source, person.email if email and number % 2 else person.phone)
        answer: Answer = yield call
        if proof := solve(answer.body):
            answer = yield replace(call, headers=proof)
        ledger.saw("ask", person, answer)
        if answer.status == 202 and number % LOOKED_AT == 0:
            later.append((world.now + RESENT_AFTER, person, answer.body))
            answer = yield confirming(source, answer.body, "00000000")
            ledger.tried(answer, world.now)
            ledger.saw("confirm", person, answer)
        if later and later[0][0] <= world.now:
            _, other, asked = later.popleft()
            answer = yield resending(source, asked)
            ledger.saw("resend", other, answer)
        if not stays or answer.status == 429:
            source = next(addresses)
