"""Proof of work: who is over the soft part of a budget may go on at the price of about a second of computing for each code.

Its challenge is ALTCHA's (PBKDF2, version 2 of the protocol): signed, so none is kept, and good for some minutes of one day, so that the names of
that day's budgets tell whether it was used before.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import altcha

ALGORITHM, ITERATIONS, PREFIX = "PBKDF2/SHA-256", 5_000, "00"
"""256 tries in the mean, of about two milliseconds each where the algorithm is the platform's own."""
LIFETIME = timedelta(minutes=10)
LENGTH_LIMIT = 2_000
"""Characters of a solution: an honest one has under 800."""


@dataclass(frozen=True, slots=True)
class VerifiedSolution:
    """A challenge that was solved; its name is spent once."""

    name: bytes = field(repr=False)


class ProofOfWork:
    """Makes challenges and checks solutions."""

    def __init__(self, key: bytes) -> None:
        """Know the *key* that signs challenges."""
        self._key = key

    def create_challenge(self, *, now: datetime) -> dict[str, Any]:
        """Make a challenge: ``{parameters, signature}``."""
        midnight = (now.astimezone(UTC) + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        until = int(min(now + LIFETIME, midnight).timestamp())
        made = altcha.create_challenge(
            ALGORITHM, ITERATIONS, key_prefix=PREFIX, data={"until": until}, hmac_secret=self._key
        )
        return dict(made.to_dict())

    def verify(self, solution: str, *, now: datetime) -> VerifiedSolution | None:
        """Check a *solution*, ``{challenge, solution}`` in base64; None where it is none, or its time has passed."""
        if len(solution) > LENGTH_LIMIT:
            return None
        try:
            given = altcha.Payload.from_base64(solution)
            signed, about = given.challenge.signature or "", given.challenge.parameters.data or {}
            in_time = now.timestamp() < about["until"]
            good = in_time and altcha.verify_solution(given, self._key).verified
            return VerifiedSolution(bytes.fromhex(signed)) if good else None
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
