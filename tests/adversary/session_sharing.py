"""Sharing a session: what one's own token, handed around among many addresses, says about others."""

from collections.abc import Generator, Iterator
from random import Random
from typing import Any

from tests.adversary.observations import Ledger
from tests.adversary.people import Person
from tests.adversary.simulation import World
from tests.adversary.proxy_client import Actor, Answer, Call, Step, asking, confirming

SHARED_FOR = 200
"""Rounds until he ends the session and opens another."""


def sharing(world: World, ledger: Ledger, addresses: Iterator[str], rng: Random) -> Actor:
    """Hold others' values against one's own record, and take others' exposures for one's own, from everywhere."""
    for number in range(10**9):
        own = world.own[1 + 2 * (number % (len(world.own) // 2))]
        token = yield from _sign_in(world, own, next(addresses))
        if token is None:
            yield 60.0
            continue
        answer: Answer
        for _ in range(SHARED_FOR):
            person = rng.choice(world.people)
            for call in _calls(person, next(addresses), token, ledger, rng):
                answer = yield call
                _look(ledger, own, person, call, answer)
            if answer.status == 401:
                break
        yield Call(next(addresses), "DELETE", "/v1/session", token=token)
        answer = yield Call(next(addresses), "GET", "/v1/exposures", token=token)
        if answer.status == 200:
            ledger.got["a session that was ended"] += 1


def _sign_in(world: World, own: Person, source: str) -> Generator[Step, Any, str | None]:
    asked: Answer = yield asking(source, own.phone)
    yield 10.0
    if asked.status != 202 or not world.inbox[own.phone]:
        return None
    confirmed: Answer = yield confirming(source, asked.body, world.inbox[own.phone][-1][1])
    token: str | None = confirmed.body.get("access_token")
    return token


def _calls(person: Person, source: str, token: str, ledger: Ledger, rng: Random) -> Iterator[Call]:
    kind, value = rng.choice(list(person.values.items()))
    yield Call(source, "POST", "/v1/exposures/check", {"kind": kind, "value": value}, token)
    if ledger.exposures:
        body = {"exposure_id": rng.choice(ledger.exposures), "notice_version": 1, "locale": "ko"}
        yield Call(source, "POST", "/v1/acknowledgements", body, token)
    if ledger.verifications:
        asked = {"id": rng.choice(ledger.verifications), "client_secret": "made-up"}
        yield confirming(source, asked, "00000000", token)
    yield Call(source, "GET", "/v1/exposures", token=token)
    yield Call(source, "GET", "/v1/acknowledgements", token=token)


def _look(ledger: Ledger, own: Person, person: Person, call: Call, answer: Answer) -> None:
    """See whether an answer is about anybody but oneself."""
    ledger.saw(
        f"{call.method} {call.path if call.path.count('/') < 4 else 'confirm'} of a shared session", person, answer
    )
    if answer.status >= 400:
        return
    if call.path == "/v1/exposures/check":
        ledger.checks += 1
        ledger.got["a value of somebody else"] += any(one["value"] == "matched" for one in answer.body["results"])
    elif call.method == "POST":
        ledger.got["something of somebody else"] += 1
    elif call.path == "/v1/exposures":
        mine = len(answer.body["identifiers"]) == 1 and answer.body["identifiers"][0]["masked"][-4:] == own.phone[-4:]
        ledger.got["an answer about somebody else"] += not mine or len(answer.body["exposures"]) != own.affected
    else:
        ledger.got["a receipt of somebody else"] += len(answer.body["acknowledgements"])
