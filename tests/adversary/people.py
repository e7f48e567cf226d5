"""The people of the simulation, a fair coin's toss affected or not: nothing but an answer can tell which.

Korea reserves no phone numbers for examples: these are made up, and no message leaves the machine. Addresses are forged out of 10.0.0.0/8 and
100.64.0.0/10, which nobody on the internet has: the networks for documentation are too few for 2,313 subnets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random

from tests.support.deployment import make_row

SOURCES = 2313
"""Addresses of the intruder in the case that the sample data models."""
CARRIER = "100.127.255.1"
"""The one address behind which a carrier's customers are."""
HOMES_IN_A_SUBNET = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a phone and an email address."""

    number: int
    affected: bool

    @property
    def phone(self) -> str:
        """In canonical form."""
        return f"+82105{self.number:07}"

    @property
    def email(self) -> str:
        """In canonical form."""
        return f"person-{self.number}@example.org"

    @property
    def identifier(self) -> str:
        """The one that this person asks with."""
        return self.phone if self.number % 3 else self.email

    @property
    def values(self) -> dict[str, str]:
        """What the person's record holds, by kind."""
        syllable = chr(0xAC00 + self.number % 11172)
        address = f"서울특별시 중구 세종대로 {self.number + 1}"
        return {"name": f"김{syllable}", "address": address, "phone": self.phone, "email": self.email}


def toss(count: int, rng: Random, first: int = 0) -> list[Person]:
    """Make up *count* people in a row."""
    return [Person(number, rng.random() < 0.5) for number in range(first, first + count)]


def rows(people: Sequence[Person]) -> Iterator[dict[str, str]]:
    """Write those who are affected as rows of a data set."""
    for person in people:
        if person.affected:
            yield make_row(f"a{person.number}", items="name|email|phone|address", **person.values)


def sources(rng: Random, count: int = SOURCES) -> Iterator[str]:
    """Give the adversary's addresses round and round, each in a subnet of its own."""
    drawn = [f"10.{number // 250}.{number % 250}.7" for number in range(count)]
    rng.shuffle(drawn)
    return cycle(drawn)


def home(number: int) -> str:
    """Give an honest person's own address, in a subnet of many."""
    subnet, host = divmod(number, HOMES_IN_A_SUBNET)
    return f"100.64.{subnet}.{host + 1}"
