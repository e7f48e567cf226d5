"""Proof of work: what is asked for over the soft part of a budget, good once and for a while."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha
import pytest

from app.rate_limits import ActionLimiter, ClientLimits, MemoryBucketStore, RateLimited, RateLimitPolicy, ProofOfWork, LimitSubject, client_address_from_ip

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
SOMEBODY = client_address_from_ip("198.51.100.7")


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test is about how long it takes."""
    monkeypatch.setattr("app.rate_limits.proof_of_work.ITERATIONS", 1)


def solve(challenge: dict[str, Any]) -> str:
    made = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(made)
    assert solution
    return str(altcha.Payload(made, solution).to_base64())


def work() -> ProofOfWork:
    return ProofOfWork(b"k" * 32)


def phone(number: int) -> LimitSubject:
    return LimitSubject("82", f"sms {number}".encode())


def test_a_solution_is_good_for_ten_minutes() -> None:
    solution = solve(work().create_challenge(now=NOW))
    assert work().verify(solution, now=NOW + timedelta(minutes=9))
    assert work().verify(solution, now=NOW + timedelta(minutes=10)) is None
    assert ProofOfWork(b"x" * 32).verify(solution, now=NOW) is None


def test_none_is_good_beyond_its_day() -> None:
    """Whether it was used is known by that day's names only."""
    night = NOW.replace(hour=23, minute=58)
    solution = solve(work().create_challenge(now=night))
    assert work().verify(solution, now=night + timedelta(seconds=119))
    assert work().verify(solution, now=night + timedelta(seconds=120)) is None


@pytest.mark.parametrize(
    "solution", ["", "made up", "e30=", "bnVsbA==", "W10=", "eyJjaGFsbGVuZ2UiOiAxfQ==", "A" * 3000, "한글"]
)
def test_what_is_no_solution_is_none(solution: str) -> None:
    assert work().verify(solution, now=NOW) is None


def test_a_challenge_cannot_be_made_easier_or_last_longer() -> None:
    challenge = work().create_challenge(now=NOW)
    for change in ({"keyPrefix": ""}, {"data": {"until": 4_000_000_000}}, {"cost": 2}):
        eased = {**challenge, "parameters": {**challenge["parameters"], **change}}
        assert work().verify(solve(eased), now=NOW) is None
    unsolved = {"challenge": challenge, "solution": {"counter": 1, "derivedKey": "00" * 32}}
    assert work().verify(base64.b64encode(json.dumps(unsolved).encode()).decode(), now=NOW) is None


def test_the_second_half_of_a_budget_takes_work_and_each_proof_is_good_once() -> None:
    kept = ActionLimiter(RateLimitPolicy(), MemoryBucketStore())
    for number in range(120):
        kept.charge_code_request(SOMEBODY, phone(number), now=NOW)
    with pytest.raises(RateLimited) as spent:
        kept.charge_code_request(SOMEBODY, phone(120), now=NOW)
    assert spent.value.accepts_proof_of_work
    proof = work().verify(solve(work().create_challenge(now=NOW)), now=NOW)
    kept.charge_code_request(SOMEBODY, phone(120), solution=proof, now=NOW)
    with pytest.raises(RateLimited):
        kept.charge_code_request(SOMEBODY, phone(121), solution=proof, now=NOW)
    kept.charge_code_request(SOMEBODY, phone(121), now=NOW + timedelta(seconds=30))  # whoever waits needs none


def test_work_does_not_open_what_is_spent() -> None:
    kept = ActionLimiter(RateLimitPolicy(ClientLimits(unverified_codes="40/hour")), MemoryBucketStore())
    with pytest.raises(RateLimited) as spent:
        for number in range(200):
            proof = work().verify(solve(work().create_challenge(now=NOW)), now=NOW)
            kept.charge_code_request(SOMEBODY, phone(number), solution=proof, now=NOW)
    assert number == 40
    assert not spent.value.accepts_proof_of_work
