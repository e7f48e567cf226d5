"""What the simulation measures with: it must find what is there, and nothing else."""

import json
from collections.abc import Callable
from math import comb
from random import Random

import pytest

from tests.adversary.binomial import at_least
from tests.adversary.observations import Ledger
from tests.adversary.people import Person, sources, toss
from tests.adversary.report import most_within
from tests.adversary.proxy_client import Answer

PLAIN = {"content-type": "application/json"}


def answer(status: int = 202, headers: dict[str, str] = PLAIN, **body: object) -> Answer:
    return Answer(status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    "tells",
    [
        lambda hit: answer(202 if hit else 429),
        lambda hit: answer(headers=PLAIN | {"x-cache": "hit"} if hit else PLAIN),
        lambda hit: answer(headers=PLAIN | {"cache-control": "no-store" if hit else "private"}),
        lambda hit: answer(**({"masked": "x"} if hit else {"masked": "y"})),
        lambda hit: answer(**({"note": 1} if hit else {})),
        lambda hit: answer(id="a" if hit else "ab"),
    ],
    ids=["status", "header", "value of a header", "value", "key", "length"],
)
def test_whatever_tells_the_affected_is_found(tells: Callable[[bool], Answer]) -> None:
    ledger = Ledger()
    for person in toss(200, Random(1)):
        ledger.saw("ask", person, tells(person.affected))
    assert ledger.learned() > 80


def test_what_tells_of_few_is_found() -> None:
    """One in eight who are affected is answered otherwise, and nobody else."""
    ledger = Ledger()
    for person in toss(800, Random(1)):
        odd = person.affected and person.number % 8 == 0
        ledger.saw("ask", person, answer(note="later" if odd else "soon"))
    assert 30 < ledger.learned() < 70


def test_chance_tells_nothing() -> None:
    rng, ledger = Random(1), Ledger()
    for person in toss(800, rng):
        ledger.saw("ask", person, answer(rng.choice([202, 429]), note=rng.randrange(50), id=str(person.number % 10)))
    assert ledger.learned() == 0
    assert ledger.about() == 800


def test_what_was_had_counts() -> None:
    ledger = Ledger()
    ledger.got["a code for the second time"] += 1
    assert ledger.learned() == 1


def test_the_chance_of_hits_is_exact() -> None:
    def exactly(hits: int, trials: int, chance: float) -> float:
        counts = range(hits, trials + 1)
        return sum(comb(trials, count) * chance**count * (1 - chance) ** (trials - count) for count in counts)

    for case in [(0, 10, 0.5), (7, 10, 0.5), (10, 10, 0.5), (3, 200, 0.01), (190, 200, 0.9), (11, 10, 0.5)]:
        assert at_least(*case) == pytest.approx(exactly(*case), rel=1e-9)
    assert at_least(1, 50_000, 1e-8) == pytest.approx(5e-4, rel=1e-3)


def test_the_most_within_an_hour_is_found() -> None:
    assert most_within([], 10) == 0
    assert most_within([0, 1, 2, 50, 55, 60, 61], 10) == 3
    assert most_within([0, 10, 20], 10) == 2


def test_each_of_the_addresses_is_a_subnet_of_its_own() -> None:
    given = sources(Random(1))
    drawn = [next(given) for _ in range(2313)]
    assert len({address.rpartition(".")[0] for address in drawn}) == 2313
    assert all(address.startswith("10.") for address in drawn)
    assert next(given) in drawn


def test_nobodys_values_are_anothers() -> None:
    people = [Person(number, True) for number in range(2000)]
    for kind in ("phone", "email", "name", "address"):
        assert len({person.values[kind] for person in people}) == 2000
