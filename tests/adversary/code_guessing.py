"""Guessing codes: of verifications for others, at once and one by one; with codes that are no longer good, and of verifications that are not his."""

from collections.abc import Iterator
from itertools import count, cycle
from random import Random
from uuid import UUID

from app.verification.service import CODE_LENGTH
from tests.adversary.observations import Ledger
from tests.adversary.simulation import World
from tests.adversary.proxy_client import Actor, Answer, asking, confirming, resending

TRIES = 6
"""One more than a code has."""


def guessing(world: World, ledger: Ledger, addresses: Iterator[str], rng: Random, digits: int = CODE_LENGTH) -> Actor:
    """Guess as often as a code may be tried, each guess from another address; at every tenth verification many guesses at once."""
    space = 10**digits
    for number in count():
        person = rng.choice(world.people)
        answer: Answer = yield asking(next(addresses), person.identifier)
        if answer.status != 202:
            continue
        asked = answer.body
        guesses = [confirming(next(addresses), asked, f"{one:0{digits}}") for one in rng.sample(range(space), 12)]
        if number % 10 == 0:
            answers: list[Answer] = yield guesses
            ledger.crowd = max(ledger.crowd, sum(ledger.tried(answer, world.now) for answer in answers))
            continue
        for guess in guesses[:TRIES]:
            answer = yield guess
            ledger.saw("guess", person, answer)
            if not ledger.tried(answer, world.now):
                break


def stale(world: World, ledger: Ledger, addresses: Iterator[str], rng: Random) -> Actor:
    """Use the codes that he does get, of his own identifiers, where they are not good: nothing of it may open a session."""
    for person in cycle(world.own[::2]):
        source, to = next(addresses), person.phone
        first: Answer = yield asking(source, to)
        second: Answer = yield asking(source, to)
        if first.status != 202 or second.status != 202:
            yield 600.0
            continue
        yield 61.0
        codes = [code for _, code in world.inbox[to][-2:]]
        if len(codes) < 2:
            continue
        one, other = first.body, second.body
        answer: Answer = yield confirming(source, one, codes[1])
        _refused(ledger, "the code of another verification", answer)
        answer = yield resending(source, one)
        if answer.status == 202:
            answer = yield confirming(source, one, codes[0])
            _refused(ledger, "a code that another took the place of", answer)
        answer = yield confirming(source, other | {"client_secret": "made-up"}, codes[1])
        _refused(ledger, "a right code with a wrong secret", answer)
        yield from _of_others(ledger, source, other["client_secret"], codes[1], rng)
        answer = yield confirming(source, other, codes[1])  # the one that is good
        answer = yield confirming(source, other, codes[1])
        _refused(ledger, "a code for the second time", answer)
        yield 601.0
        answer = yield confirming(source, one, world.inbox[to][-1][1])
        _refused(ledger, "an expired code", answer)


def _of_others(ledger: Ledger, source: str, secret: str, code: str, rng: Random) -> Actor:
    """Try verifications whose ids he came by, and made-up ones: both must be unknown to him, and look alike."""
    made_up = str(UUID(int=rng.getrandbits(128), version=4))
    answers: list[Answer] = []
    for number in [made_up, *ledger.verifications[-1:]]:
        asked = {"id": number, "client_secret": secret}
        for call in (confirming(source, asked, code), resending(source, asked)):
            answer: Answer = yield call
            _refused(ledger, "a verification of somebody else", answer)
            if answer.status not in (429, 503):
                answers.append(answer)
    if len({(one.status, len(one.content), tuple(sorted(one.headers))) for one in answers}) > 1:
        ledger.got["which verifications there are"] += 1


def _refused(ledger: Ledger, what: str, answer: Answer) -> None:
    if answer.status < 400:
        ledger.got[what] += 1
