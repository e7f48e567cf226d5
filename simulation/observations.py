"""What the attacker observed and obtained, and a statistical test of whether the observations reveal who is affected.

Of each response about a person everything observable is recorded except values that always differ: status, header names, length and the whole body. A
feature that occurs with affected people more often, or less often, than a fair coin would explain is distinguishing.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from simulation.binomial import binomial_tail
from simulation.people import Person
from simulation.proxy_client import ApiResponse

VARYING_FIELDS = {
    "id",
    "client_secret",
    "instance",
    "expires_at",
    "resend_at",
    "exposure_id",
    "challenge",
    "ticket",
    "ahead",
}
"""Fields that differ between any two responses."""
SIGNIFICANCE_LEVEL = 1e-6
"""Probability of a false alarm, for all features together."""

Feature = tuple[str, str]
"""The kind of call, and the observed property of its response."""


@dataclass
class ObservationLog:
    """Everything that one attacker observed and obtained."""

    people_by_feature: defaultdict[Feature, set[Person]] = field(default_factory=lambda: defaultdict(set))
    guess_times: list[float] = field(default_factory=list)
    """When codes of others were really compared, that is, when an attempt was consumed."""
    correct_guesses: int = 0
    max_parallel_guesses: int = 0
    """The most guesses at one code that were compared, although all were sent in parallel."""
    value_checks: int = 0
    """How many values of others were checked against the attacker's own record."""
    leaks: Counter[str] = field(default_factory=Counter)
    """What the attacker obtained without verification, by description."""
    verification_ids: list[str] = field(default_factory=list)
    """Ids of honest users' verifications that the attacker learned, without their secrets."""
    exposure_ids: list[str] = field(default_factory=list)
    """The same for exposures."""

    def record_response(self, call: str, person: Person, response: ApiResponse) -> None:
        """Record the features of a response about *person*."""
        for feature in _features(response):
            self.people_by_feature[call, feature].add(person)

    def record_guess(self, response: ApiResponse, at: float) -> bool:
        """Record a guess at another person's code. Return whether an attempt was consumed."""
        is_compared = response.status == 200 or "tries_left" in response.json
        if is_compared:
            self.guess_times.append(at)
        self.correct_guesses += response.status == 200
        return is_compared

    def distinguishing_features(self) -> dict[Feature, int]:
        """Return the features that reveal who is affected, with the number of people beyond what a fair coin explains."""
        found: dict[Feature, int] = {}
        for feature, people in self.people_by_feature.items():
            affected = sum(person.is_affected for person in people)
            majority = max(affected, len(people) - affected)
            if 2 * binomial_tail(majority, len(people), 0.5) < SIGNIFICANCE_LEVEL / len(self.people_by_feature):
                found[feature] = 2 * majority - len(people)
        return found

    def count_learned(self) -> int:
        """Return the number of identifiers about which the attacker knows more than was verified."""
        return max(self.distinguishing_features().values(), default=0) + self.leaks.total()

    def count_targets(self) -> int:
        """Return the number of people whom the attacker tried to learn about."""
        return len(set().union(*self.people_by_feature.values())) if self.people_by_feature else 0


def _features(response: ApiResponse) -> Iterator[str]:
    yield f"status {response.status}"
    yield f"length {response.status} {len(response.content)}"
    yield f"headers {response.status} {' '.join(sorted(response.headers))}"
    for name in ("cache-control", "content-type", "www-authenticate", "ratelimit-policy"):
        yield f"{name} {response.headers.get(name)}"
    yield from _json_features("body", response.json)


def _json_features(path: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield f"{path} {' '.join(value)}"
        for key, item in value.items():
            if key not in VARYING_FIELDS:
                yield from _json_features(f"{path}/{key}", item)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield f"{path} of {len(value)}"
        for item in value:
            yield from _json_features(f"{path}/-", item)
    else:
        yield f"{path} = {value}"
