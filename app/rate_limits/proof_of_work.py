"""Proof of work: a client that has used the soft half of its limits may ask for another code after about a second of computing.

The challenge is ALTCHA's (PBKDF2, protocol version 2). It is signed, so challenges are not stored.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import altcha

ALGORITHM, ITERATIONS, SOLUTION_PREFIX = "PBKDF2/SHA-256", 5_000, "00"
"""256 tries on average, about 2 ms each with the platform's own implementation of the algorithm."""
CHALLENGE_LIFETIME = timedelta(minutes=10)
MAX_SOLUTION_LENGTH = 2_000
"""Characters; an honest solution has under 800."""


@dataclass(frozen=True, slots=True)
class VerifiedSolution:
    """A correctly solved challenge. Each challenge is accepted once."""

    challenge_id: bytes = field(repr=False)


class ProofOfWork:
    """Creates challenges and verifies solutions.

    Args:
        key: signs challenges.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def create_challenge(self, *, now: datetime) -> dict[str, Any]:
        """Create a challenge: ``{parameters, signature}``."""
        expires_at = int((now + CHALLENGE_LIFETIME).timestamp())
        challenge = altcha.create_challenge(
            ALGORITHM, ITERATIONS, key_prefix=SOLUTION_PREFIX, data={"until": expires_at}, hmac_secret=self._key
        )
        return dict(challenge.to_dict())

    def verify(self, solution: str, *, now: datetime) -> VerifiedSolution | None:
        """Verify a *solution*, ``{challenge, solution}`` in base64. Return None if it is wrong, malformed or expired."""
        if len(solution) > MAX_SOLUTION_LENGTH:
            return None
        try:
            payload = altcha.Payload.from_base64(solution)
            signature, data = payload.challenge.signature or "", payload.challenge.parameters.data or {}
            is_current = now.timestamp() < data["until"]
            is_valid = is_current and altcha.verify_solution(payload, self._key).verified
            return VerifiedSolution(bytes.fromhex(signature)) if is_valid else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
