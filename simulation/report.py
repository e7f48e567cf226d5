"""The results of a run, and the maxima that the rate limits allow."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from app.rate_limits import RateLimitPolicy
from app.rate_limits.gcra import Limit
from app.verification import CODE_LENGTH
from simulation.attack_plan import DAY_SECONDS, HOUR_SECONDS
from simulation.binomial import binomial_tail
from simulation.honest_users import HonestUserStats
from simulation.observations import ObservationLog
from simulation.run import Participant, Simulation

ATTEMPTS_PER_CODE = 5
"""After four wrong attempts, four fewer codes are left to guess among."""


@dataclass(frozen=True)
class Report:
    """The figures of one run."""

    statuses_by_strategy: Mapping[str, Mapping[int, int]]
    """The attacker's responses by strategy and status."""
    targets: int
    """People whom the attacker asked or guessed about."""
    learned: int
    """Identifiers about which the attacker knows more than was verified."""
    distinguishing_features: Mapping[str, int]
    """How the attacker knows it, with the number of identifiers."""
    guesses: int
    """Codes that were compared."""
    max_guesses_per_hour: int
    correct_guesses: int
    expected_guesses: float
    """As many correct guesses as chance explains."""
    guess_probability: float
    """Probability of at least so many correct guesses by chance alone."""
    max_parallel_guesses: int
    """The most guesses at one code that were compared, although all were sent in parallel."""
    messages: int
    unrequested_messages: int
    """Messages to people who had not requested them."""
    confirmed: int
    max_messages_per_person_hour: int
    max_messages_per_person_day: int
    max_messages_per_hour: int
    value_checks: int
    denials: Mapping[str, int]
    """Denials by limit, including silent ones."""
    honest_users: HonestUserStats
    victim: HonestUserStats
    maxima: Mapping[str, int] = field(default_factory=dict)
    """The largest values that the limits allow, by field of this report."""

    @property
    def finished_share(self) -> float:
        """Share of the honest users that finished."""
        return self.honest_users.finished / max(self.honest_users.started, 1)

    def count_calls(self) -> int:
        """Return the number of the attacker's calls."""
        return sum(sum(statuses.values()) for statuses in self.statuses_by_strategy.values())


def build_report(
    simulation: Simulation,
    log: ObservationLog,
    attackers: Sequence[Participant],
    honest_users: HonestUserStats,
    victim: HonestUserStats,
    policy: RateLimitPolicy,
    digits: int = CODE_LENGTH,
) -> Report:
    """Build the report of a run."""
    times_by_identifier = {identifier: [at for at, _ in codes] for identifier, codes in simulation.inbox.items()}
    attacker_phones = {person.phone for person in simulation.attacker_people}
    requested = Counter(honest_users.code_requests) + Counter(victim.code_requests)
    all_times = sorted(at for times in times_by_identifier.values() for at in times)
    probability = 1 / (10**digits - ATTEMPTS_PER_CODE + 1)
    confirmed = honest_users.confirmed + victim.confirmed
    features = {f"{call}: {feature}": count for (call, feature), count in log.distinguishing_features().items()}
    guesses = len(log.guess_times)
    return Report(
        statuses_by_strategy={participant.name: dict(participant.statuses) for participant in attackers},
        targets=log.count_targets(),
        learned=log.count_learned(),
        distinguishing_features=features | dict(+log.leaks),
        guesses=guesses,
        max_guesses_per_hour=max_within(log.guess_times, HOUR_SECONDS),
        correct_guesses=log.correct_guesses,
        expected_guesses=guesses * probability,
        guess_probability=binomial_tail(log.correct_guesses, guesses, probability),
        max_parallel_guesses=log.max_parallel_guesses,
        messages=len(all_times),
        unrequested_messages=sum(
            max(0, len(times) - requested[identifier])
            for identifier, times in times_by_identifier.items()
            if identifier not in attacker_phones
        ),
        confirmed=confirmed,
        max_messages_per_person_hour=max(
            (max_within(times, HOUR_SECONDS) for times in times_by_identifier.values()), default=0
        ),
        max_messages_per_person_day=max(
            (max_within(times, DAY_SECONDS) for times in times_by_identifier.values()), default=0
        ),
        max_messages_per_hour=max_within(all_times, HOUR_SECONDS),
        value_checks=log.value_checks,
        denials=dict(simulation.denials),
        honest_users=honest_users,
        victim=victim,
        maxima=_allowed_maxima(policy, confirmed),
    )


def _allowed_maxima(policy: RateLimitPolicy, confirmed: int) -> dict[str, int]:
    """Return the largest values that the limits allow, by field of the report.

    In any stretch of time a bucket allows its size and what refills meanwhile.
    """
    limits = policy.limits_by_name()

    def max_spent(limit_name: str, seconds: float) -> int:
        limit: Limit = limits[limit_name]
        return int(limit.count * (1 + seconds / limit.seconds))

    domestic_destinations = 2  # Korea and email
    return {
        "max_guesses_per_hour": max_spent("service.wrong_codes", HOUR_SECONDS) + confirmed // 4,
        "max_messages_per_person_hour": max_spent("target.codes", HOUR_SECONDS),
        "max_messages_per_person_day": max_spent("target.codes_per_day", DAY_SECONDS),
        "max_messages_per_hour": min(
            max_spent("service.messages", HOUR_SECONDS),
            domestic_destinations * max_spent("service.unverified_domestic", HOUR_SECONDS) + confirmed * 3 // 2,
        ),
    }


def max_within(times: Sequence[float], seconds: float) -> int:
    """Return the largest number of *times*, which must be sorted, that lie within so many seconds of each other."""
    return max((end - bisect_left(times, at - seconds, 0, end) + 1 for end, at in enumerate(times)), default=0)


def median_and_p99(values: Sequence[float]) -> tuple[float, float]:
    """Return the median and the 99th percentile."""
    if len(values) < 2:
        return (values[0], values[0]) if values else (0.0, 0.0)
    return median(values), quantiles(values, n=100, method="inclusive")[98]
