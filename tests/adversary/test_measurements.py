"""The measurements of the simulation: they must find what is there, and nothing else."""

import json
from collections.abc import Callable
from math import comb
from random import Random

import pytest

from simulation.binomial import binomial_tail
from simulation.observations import ObservationLog
from simulation.people import Person, attacker_addresses, create_people
from simulation.proxy_client import ApiResponse
from simulation.report import max_within

JSON_HEADERS = {"content-type": "application/json"}


def create_response(
    body: dict[str, object] | None = None, *, status: int = 202, headers: dict[str, str] = JSON_HEADERS
) -> ApiResponse:
    return ApiResponse(status, headers, json.dumps(body or {}).encode())


@pytest.mark.parametrize(
    "respond",
    [
        lambda affected: create_response(status=202 if affected else 429),
        lambda affected: create_response(headers=JSON_HEADERS | {"x-cache": "hit"} if affected else JSON_HEADERS),
        lambda affected: create_response(
            headers=JSON_HEADERS | {"cache-control": "no-store" if affected else "private"}
        ),
        lambda affected: create_response({"masked": "x" if affected else "y"}),
        lambda affected: create_response({"note": 1} if affected else {}),
        lambda affected: create_response({"id": "a" if affected else "ab"}),
    ],
    ids=["status", "header", "value of a header", "value", "key", "length"],
)
def test_a_response_that_reveals_who_is_affected_is_detected(respond: Callable[[bool], ApiResponse]) -> None:
    log = ObservationLog()
    for person in create_people(200, Random(1)):
        log.record_response("ask", person, respond(person.is_affected))
    assert log.count_learned() > 80


def test_a_feature_of_few_people_is_detected() -> None:
    """One in eight affected people gets a different response, and nobody else does."""
    log = ObservationLog()
    for person in create_people(800, Random(1)):
        is_different = person.is_affected and person.index % 8 == 0
        log.record_response("ask", person, create_response({"note": "later" if is_different else "soon"}))
    assert 30 < log.count_learned() < 70


def test_random_differences_reveal_nothing() -> None:
    rng, log = Random(1), ObservationLog()
    for person in create_people(800, rng):
        status = rng.choice([202, 429])
        body = {"note": rng.randrange(50), "id": str(person.index % 10)}
        log.record_response("ask", person, create_response(body, status=status))
    assert log.count_learned() == 0
    assert log.count_targets() == 800


def test_a_leak_counts_as_learned() -> None:
    log = ObservationLog()
    log.leaks["a code for the second time"] += 1
    assert log.count_learned() == 1


def test_the_binomial_tail_is_exact() -> None:
    def naive_tail(hits: int, trials: int, probability: float) -> float:
        counts = range(hits, trials + 1)
        return sum(comb(trials, count) * probability**count * (1 - probability) ** (trials - count) for count in counts)

    for case in [(0, 10, 0.5), (7, 10, 0.5), (10, 10, 0.5), (3, 200, 0.01), (190, 200, 0.9), (11, 10, 0.5)]:
        assert binomial_tail(*case) == pytest.approx(naive_tail(*case), rel=1e-9)
    assert binomial_tail(1, 50_000, 1e-8) == pytest.approx(5e-4, rel=1e-3)


def test_the_largest_number_within_a_time_is_found() -> None:
    assert max_within([], 10) == 0
    assert max_within([0, 1, 2, 50, 55, 60, 61], 10) == 3
    assert max_within([0, 10, 20], 10) == 2


def test_each_attacker_address_is_in_its_own_subnet() -> None:
    addresses = attacker_addresses(Random(1))
    first_cycle = [next(addresses) for _ in range(2313)]
    assert len({address.rpartition(".")[0] for address in first_cycle}) == 2313
    assert all(address.startswith("10.") for address in first_cycle)
    assert next(addresses) in first_cycle


def test_people_share_no_values() -> None:
    people = [Person(index, True) for index in range(2000)]
    for kind in ("phone", "email", "name", "address"):
        assert len({person.values[kind] for person in people}) == 2000
