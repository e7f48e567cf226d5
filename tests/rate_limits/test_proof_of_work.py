"""Proof of work: required beyond the soft half of a limit, accepted once and for a short time."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha
import pytest

from app.rate_limits import (
    ActionLimiter,
    ClientLimits,
    MemoryBucketStore,
    ProofOfWork,
    RateLimited,
    RateLimitPolicy,
    client_address_from_ip,
)

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
CLIENT = client_address_from_ip("198.51.100.7")


@pytest.fixture(autouse=True)
def cheap_challenges(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test measures how long a solution takes."""
    monkeypatch.setattr("app.rate_limits.proof_of_work.ITERATIONS", 1)


def solve(challenge: dict[str, Any]) -> str:
    parsed = altcha.Challenge.from_dict(challenge)
    solution = altcha.solve_challenge(parsed)
    assert solution
    return str(altcha.Payload(parsed, solution).to_base64())


def proof_of_work() -> ProofOfWork:
    return ProofOfWork(b"k" * 32)


def test_a_solution_is_valid_for_ten_minutes() -> None:
    solution = solve(proof_of_work().create_challenge(now=NOW))
    assert proof_of_work().verify(solution, now=NOW + timedelta(minutes=9))
    assert proof_of_work().verify(solution, now=NOW + timedelta(minutes=10)) is None
    assert ProofOfWork(b"x" * 32).verify(solution, now=NOW) is None


def test_a_solution_is_accepted_once_even_around_midnight() -> None:
    limiter = ActionLimiter(RateLimitPolicy(ClientLimits(unverified_codes="2/day")), MemoryBucketStore(b"s" * 32))
    night = NOW.replace(hour=23, minute=58)
    solution = proof_of_work().verify(solve(proof_of_work().create_challenge(now=night)), now=night)
    limiter.charge_code_request(client_address_from_ip("203.0.113.1"), solution=solution, now=night)
    limiter.charge_code_request(CLIENT, now=night)
    with pytest.raises(RateLimited):
        limiter.charge_code_request(CLIENT, solution=solution, now=night + timedelta(minutes=4))


@pytest.mark.parametrize(
    "solution", ["", "made up", "e30=", "bnVsbA==", "W10=", "eyJjaGFsbGVuZ2UiOiAxfQ==", "A" * 3000, "한글"]
)
def test_a_malformed_solution_is_rejected(solution: str) -> None:
    assert proof_of_work().verify(solution, now=NOW) is None


def test_a_challenge_cannot_be_made_easier_or_last_longer() -> None:
    challenge = proof_of_work().create_challenge(now=NOW)
    for change in ({"keyPrefix": ""}, {"data": {"until": 4_000_000_000}}, {"cost": 2}):
        changed = {**challenge, "parameters": {**challenge["parameters"], **change}}
        assert proof_of_work().verify(solve(changed), now=NOW) is None
    unsolved = {"challenge": challenge, "solution": {"counter": 1, "derivedKey": "00" * 32}}
    assert proof_of_work().verify(base64.b64encode(json.dumps(unsolved).encode()).decode(), now=NOW) is None


def test_beyond_the_soft_limit_a_code_takes_a_solution_which_is_accepted_once() -> None:
    limiter = ActionLimiter(RateLimitPolicy(), MemoryBucketStore(b"s" * 32))
    for _ in range(200):
        limiter.charge_code_request(CLIENT, now=NOW)
    with pytest.raises(RateLimited) as denied:
        limiter.charge_code_request(CLIENT, now=NOW)
    assert denied.value.accepts_proof_of_work
    solution = proof_of_work().verify(solve(proof_of_work().create_challenge(now=NOW)), now=NOW)
    limiter.charge_code_request(CLIENT, solution=solution, now=NOW)
    with pytest.raises(RateLimited):
        limiter.charge_code_request(CLIENT, solution=solution, now=NOW)
    # a client that waits needs no solution
    limiter.charge_code_request(CLIENT, now=NOW + timedelta(seconds=432))


def test_a_solution_does_not_open_an_empty_bucket() -> None:
    limiter = ActionLimiter(RateLimitPolicy(ClientLimits(unverified_codes="40/hour")), MemoryBucketStore(b"s" * 32))
    accepted = 0
    with pytest.raises(RateLimited) as denied:
        while accepted < 200:
            solution = proof_of_work().verify(solve(proof_of_work().create_challenge(now=NOW)), now=NOW)
            limiter.charge_code_request(CLIENT, solution=solution, now=NOW)
            accepted += 1
    assert accepted == 40
    assert not denied.value.accepts_proof_of_work
