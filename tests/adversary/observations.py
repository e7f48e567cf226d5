"""What the adversary saw and got, and the simplest way to tell the affected from the others by it.

Of each call that was about somebody, everything is kept that can be seen of the answer but what is its own: status, names of headers, length, all of
the body. A mark that more often goes with people who are affected, or more seldom, than a fair coin would have it, tells something.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from tests.adversary.binomial import at_least
from tests.adversary.people import Person
from tests.adversary.proxy_client import Answer

OWN = {"id", "client_secret", "instance", "expires_at", "resend_at", "exposure_id", "challenge", "ticket", "ahead"}
"""What differs between any two answers."""
SURE = 1e-6
"""A chance below which it is none, for all marks together."""

Mark = tuple[str, str]
"""The kind of call, and what was seen."""


@dataclass
class Ledger:
    """One adversary's book."""

    seen: defaultdict[Mark, set[Person]] = field(default_factory=lambda: defaultdict(set))
    guesses: list[float] = field(default_factory=list)
    """When codes of others were really compared: a try was taken for each."""
    guessed: int = 0
    """Those of them that were right."""
    crowd: int = 0
    """Most guesses at one code that were compared, though all came at once."""
    checks: int = 0
    """Values of others that were held against his own record."""
    got: Counter[str] = field(default_factory=Counter)
    """What was had without a proof, by what it is."""
    verifications: list[str] = field(default_factory=list)
    """Ids of honest people's verifications that he has come by; their secrets he has not."""
    exposures: list[str] = field(default_factory=list)
    """The same of exposures."""

    def saw(self, call: str, about: Person, answer: Answer) -> None:
        """Keep what an answer looks like."""
        for mark in _marks(answer):
            self.seen[call, mark].add(about)

    def tried(self, answer: Answer, at: float) -> bool:
        """Count a guess at somebody's code, if a try was taken for it; gives whether."""
        tried = answer.status == 200 or "tries_left" in answer.body
        if tried:
            self.guesses.append(at)
        self.guessed += answer.status == 200
        return tried

    def tells(self) -> dict[Mark, int]:
        """Find the marks that tell the affected from the others; gives of how many people, beyond what a coin would."""
        found: dict[Mark, int] = {}
        for mark, people in self.seen.items():
            affected = sum(person.affected for person in people)
            more = max(affected, len(people) - affected)
            if 2 * at_least(more, len(people), 0.5) < SURE / len(self.seen):
                found[mark] = 2 * more - len(people)
        return found

    def learned(self) -> int:
        """Count the identifiers of which he knows more than he has proven."""
        return max(self.tells().values(), default=0) + self.got.total()

    def about(self) -> int:
        """Count the people whom he tried to learn something about."""
        return len(set().union(*self.seen.values())) if self.seen else 0


def _marks(answer: Answer) -> Iterator[str]:
    yield f"status {answer.status}"
    yield f"length {answer.status} {len(answer.content)}"
    yield f"headers {answer.status} {' '.join(sorted(answer.headers))}"
    for name in ("cache-control", "content-type", "www-authenticate", "ratelimit-policy"):
        yield f"{name} {answer.headers.get(name)}"
    yield from _parts("body", answer.body)


def _parts(where: str, value: object) -> Iterator[str]:
    if isinstance(value, dict):
        yield f"{where} {' '.join(value)}"
        for key, inner in value.items():
            if key not in OWN:
                yield from _parts(f"{where}/{key}", inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        yield f"{where} of {len(value)}"
        for inner in value:
            yield from _parts(f"{where}/-", inner)
    else:
        yield f"{where} = {value}"
