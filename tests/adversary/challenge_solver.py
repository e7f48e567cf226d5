"""Solving the proof of work that a 429 may ask for."""

from collections.abc import Mapping
from typing import Any

import altcha

from app.faces.http.verification_flow import PROOF_OF_WORK_HEADER


def solve(problem: Mapping[str, Any]) -> dict[str, str]:
    """Give the header that answers the challenge of a *problem*; none where it has none."""
    if "challenge" not in problem:
        return {}
    challenge = altcha.Challenge.from_dict(problem["challenge"])
    solution = altcha.solve_challenge(challenge)
    assert solution
    return {PROOF_OF_WORK_HEADER: str(altcha.Payload(challenge, solution).to_base64())}
