"""What came of a run, held against what the budgets promise."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles

from app.rate_limits import RateLimitPolicy
from app.rate_limits.gcra import Limit
from app.verification.service import CODE_LENGTH
from tests.adversary.binomial import at_least
from tests.adversary.honest_users import Tally
from tests.adversary.observations import Ledger
from tests.adversary.simulation import Part, World

DAY, HOUR = 86400.0, 3600.0
TRIES = 5
"""Of one code: whoever has tried four has that many fewer left to guess among."""


@dataclass(frozen=True)
class Report:
    """The figures of one run."""

    tries: Mapping[str, Mapping[int, int]]
    """Of each strategy, how often it was answered how."""
    about: int
    """People whom the adversary asked or guessed about."""
    learned: int
    """Identifiers of which he knows more than he has proven."""
    tells: Mapping[str, int]
    """What he knows it by."""
    guesses: int
    """Codes that were compared."""
    guesses_hour: int
    """The most within an hour."""
    guessed: int
    expected: float
    """As many as chance would guess."""
    chance: float
    """Of guessing so many or more, by guessing alone."""
    crowd: int
    """Most guesses at one code that were compared, though all came at once."""
    messages: int
    caused: int
    """Messages to those who had not asked for them."""
    confirmed: int
    victim_hour: int
    """Most messages to anybody within an hour; within a day."""
    victim_day: int
    busiest_hour: int
    checks: int
    refusals: Mapping[str, int]
    honest: Tally
    victim: Tally
    caps: Mapping[str, int] = field(default_factory=dict)

    @property
    def finished(self) -> float:
        """Share of the honest journeys that came to their end."""
        return self.honest.finished / max(self.honest.begun, 1)

    def made(self) -> int:
        """Count the tries."""
        return sum(sum(statuses.values()) for statuses in self.tries.values())


def report(
    world: World,
    ledger: Ledger,
    attack: Sequence[Part],
    honest: Tally,
    victim: Tally,
    policy: RateLimitPolicy,
    digits: int = CODE_LENGTH,
) -> Report:
    """Draw it up."""
    sent = {to: [at for at, _ in codes] for to, codes in world.inbox.items()}
    own = {person.phone for person in world.own}
    asked = Counter(honest.asked) + Counter(victim.asked)
    every = sorted(at for times in sent.values() for at in times)
    likely = 1 / (10**digits - TRIES + 1)
    confirmed = honest.confirmed + victim.confirmed
    return Report(
        tries={part.name: dict(part.statuses) for part in attack},
        about=ledger.about(),
        learned=ledger.learned(),
        tells={f"{call}: {mark}": count for (call, mark), count in ledger.tells().items()} | dict(+ledger.got),
        guesses=len(ledger.guesses),
        guesses_hour=most_within(ledger.guesses, HOUR),
        guessed=ledger.guessed,
        expected=len(ledger.guesses) * likely,
        chance=at_least(ledger.guessed, len(ledger.guesses), likely),
        crowd=ledger.crowd,
        messages=len(every),
        caused=sum(max(0, len(times) - asked[to]) for to, times in sent.items() if to not in own),
        confirmed=confirmed,
        victim_hour=max((most_within(times, HOUR) for times in sent.values()), default=0),
        victim_day=max((most_within(times, DAY) for times in sent.values()), default=0),
        busiest_hour=most_within(every, HOUR),
        checks=ledger.checks,
        refusals=dict(world.refusals),
        honest=honest,
        victim=victim,
        caps=_caps(policy, confirmed),
    )


def _caps(policy: RateLimitPolicy, confirmed: int) -> dict[str, int]:
    """Give what the buckets let through at most within the time that they are held against.

    A bucket gives what it holds and what comes in meanwhile. At midnight (UTC) the names change, and it is full anew.
    """
    limits = policy.limits_by_name()

    def of(place: str, seconds: float, fills: int = 1) -> int:
        limit: Limit = limits[place]
        return int(limit.count * (fills + seconds / limit.seconds))

    destinations = 2  # Korea and email
    return {
        "guesses_hour": of("service.wrong_codes", HOUR) + confirmed // 4,
        "victim_hour": of("target.codes", HOUR, fills=2),
        "victim_day": of("target.codes_per_day", DAY, fills=2),
        "busiest_hour": min(
            of("service.messages", HOUR),
            destinations * of("service.unverified_domestic", HOUR) + confirmed * 3 // 2,
        ),
    }


def most_within(times: Sequence[float], seconds: float) -> int:
    """Count the most of *times*, which are in order, that lie within so many seconds of each other."""
    return max((end - bisect_left(times, at - seconds, 0, end) + 1 for end, at in enumerate(times)), default=0)


def waits(seconds: Sequence[float]) -> tuple[float, float]:
    """Give the median and the 99th of a hundred."""
    if len(seconds) < 2:
        return (seconds[0], seconds[0]) if seconds else (0.0, 0.0)
    return median(seconds), quantiles(seconds, n=100, method="inclusive")[98]
