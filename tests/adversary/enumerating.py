"""Asking for a code for one person after the other, to see who is in it."""

from collections.abc import Iterator
from dataclasses import replace

from tests.adversary.ledger import Ledger
from tests.adversary.people import Person
from tests.adversary.solving import solve
from tests.adversary.steps import Actor, Answer, asking, confirming, resending


def enumerating(
    about: Iterator[Person], addresses: Iterator[str], ledger: Ledger, *, stays: bool = False, email: bool = False
) -> Actor:
    """Ask, compute what one is asked to compute, look at the answer; of every tenth also at what another code and a wrong one are answered.

    Args:
        about: whom, without end.
        addresses: to ask from.
        ledger: keeps what is seen.
        stays: at an address until it is refused.
        email: ask every other by email.
    """
    source = next(addresses)
    for number, person in enumerate(about):
        call = asking(source, person.email if email and number % 2 else person.phone)
        answer: Answer = yield call
        if proof := solve(answer.body):
            answer = yield replace(call, headers=proof)
        ledger.saw("ask", person, answer)
        if not stays or answer.status != 202:
            source = next(addresses)
        if answer.status == 202 and number % 10 == 0:
            asked = answer.body
            answer = yield confirming(source, asked, "00000000")
            ledger.tried(answer)
            ledger.saw("confirm", person, answer)
            answer = yield resending(source, asked)
            ledger.saw("resend", person, answer)
