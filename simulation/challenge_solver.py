"""Solves the proof of work that a 429 may offer."""

from collections.abc import Mapping
from typing import Any

import altcha

from app.http.client import PROOF_OF_WORK_HEADER


def solution_headers(problem: Mapping[str, Any]) -> dict[str, str]:
    """Return the header that solves the challenge of a *problem*; empty if it has none."""
    if "challenge" not in problem:
        return {}
    challenge = altcha.Challenge.from_dict(problem["challenge"])
    solution = altcha.solve_challenge(challenge)
    assert solution
    return {PROOF_OF_WORK_HEADER: str(altcha.Payload(challenge, solution).to_base64())}
