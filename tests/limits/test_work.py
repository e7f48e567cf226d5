"""Proof of work: what is asked for over the soft part of a budget, good once and for a while."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha
import pytest

from app.limits import Budgets, LocalBuckets, OverBudget, Policy, ProofOfWork, Recipient, asker_at

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
SOMEBODY = asker_at("198.51.100.7")


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test is about how long it takes."""
    monkeypatch.setattr("app.limits.work.ITERATIONS", 1)


def solve(challenge: dict[str, Any]) -> str:
    made = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(made)
    assert solution
    return str(altcha.Payload(made, solution).to_base64())


def work() -> ProofOfWork:
    return ProofOfWork(b"k" * 32)


def phone(number: int) -> Recipient:
    return Recipient("82", f"sms {number}".encode())


def test_a_solution_is_good_for_ten_minutes() -> None:
    solution = solve(work().challenge(now=NOW))
    assert work().solved(solution, now=NOW + timedelta(minutes=9))
    assert work().solved(solution, now=NOW + timedelta(minutes=10)) is None
    assert ProofOfWork(b"x" * 32).solved(solution, now=NOW) is None


def test_none_is_good_beyond_its_day() -> None:
    """Whether it was used is known by that day's names only."""
    night = NOW.replace(hour=23, minute=58)
    solution = solve(work().challenge(now=night))
    assert work().solved(solution, now=night + timedelta(seconds=119))
    assert work().solved(solution, now=night + timedelta(seconds=120)) is None


@pytest.mark.parametrize(
    "solution", ["", "made up", "e30=", "bnVsbA==", "W10=", "eyJjaGFsbGVuZ2UiOiAxfQ==", "A" * 3000, "한글"]
)
def test_what_is_no_solution_is_none(solution: str) -> None:
    assert work().solved(solution, now=NOW) is None


def test_a_challenge_cannot_be_made_easier_or_last_longer() -> None:
    challenge = work().challenge(now=NOW)
    for change in ({"keyPrefix": ""}, {"data": {"until": 4_000_000_000}}, {"cost": 2}):
        eased = {**challenge, "parameters": {**challenge["parameters"], **change}}
        assert work().solved(solve(eased), now=NOW) is None
    unsolved = {"challenge": challenge, "solution": {"counter": 1, "derivedKey": "00" * 32}}
    assert work().solved(base64.b64encode(json.dumps(unsolved).encode()).decode(), now=NOW) is None


def test_the_second_half_of_a_budget_takes_work_and_each_proof_is_good_once() -> None:
    kept = Budgets(Policy(), LocalBuckets())
    for number in range(60):
        kept.ask(SOMEBODY, phone(number), now=NOW)
    with pytest.raises(OverBudget) as spent:
        kept.ask(SOMEBODY, phone(60), now=NOW)
    assert spent.value.soft
    proof = work().solved(solve(work().challenge(now=NOW)), now=NOW)
    kept.ask(SOMEBODY, phone(60), proof=proof, now=NOW)
    with pytest.raises(OverBudget):
        kept.ask(SOMEBODY, phone(61), proof=proof, now=NOW)
    kept.ask(SOMEBODY, phone(61), now=NOW + timedelta(seconds=60))  # whoever waits needs none


def test_work_does_not_open_what_is_spent() -> None:
    kept = Budgets(Policy(), LocalBuckets())
    with pytest.raises(OverBudget) as spent:
        for number in range(200):
            proof = work().solved(solve(work().challenge(now=NOW)), now=NOW)
            kept.ask(SOMEBODY, phone(number), proof=proof, now=NOW)
    assert number == 120
    assert not spent.value.soft
