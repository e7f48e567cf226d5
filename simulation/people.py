"""The people of the simulation. A fair coin decides who is affected, so only a response can reveal it.

Korea reserves no phone numbers for examples: these are made up, and no message leaves the machine. Client addresses are forged out of 10.0.0.0/8 and
100.64.0.0/10, which are not routed on the internet: the networks for documentation are too few for 2,313 subnets.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from random import Random

from tests.support.deployment import make_row

ATTACKER_ADDRESS_COUNT = 2313
"""Client addresses of the attacker in the breach that the sample data models."""
CARRIER_ADDRESS = "100.127.255.1"
"""The one client address that all customers of a carrier share."""
HOMES_PER_SUBNET = 200


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a phone and an email address."""

    index: int
    is_affected: bool

    @property
    def phone(self) -> str:
        """The phone number in canonical form."""
        return f"+82105{self.index:07}"

    @property
    def email(self) -> str:
        """The email address in canonical form."""
        return f"person-{self.index}@example.org"

    @property
    def identifier(self) -> str:
        """The identifier that this person verifies: the phone for two of three, the email address for the others."""
        return self.phone if self.index % 3 else self.email

    @property
    def values(self) -> dict[str, str]:
        """The values in the person's record, by kind."""
        syllable = chr(0xAC00 + self.index % 11172)
        address = f"서울특별시 중구 세종대로 {self.index + 1}"
        return {"name": f"김{syllable}", "address": address, "phone": self.phone, "email": self.email}


def create_people(count: int, rng: Random, first_index: int = 0) -> list[Person]:
    """Create *count* people, each affected with a probability of one half."""
    return [Person(index, rng.random() < 0.5) for index in range(first_index, first_index + count)]


def data_set_rows(people: Sequence[Person]) -> Iterator[dict[str, str]]:
    """Yield the data set rows of the people who are affected."""
    for person in people:
        if person.is_affected:
            yield make_row(f"a{person.index}", items="name|email|phone|address", **person.values)


def attacker_addresses(rng: Random, count: int = ATTACKER_ADDRESS_COUNT) -> Iterator[str]:
    """Return an endless cycle of the attacker's client addresses, each in its own subnet."""
    addresses = [f"10.{index // 250}.{index % 250}.7" for index in range(count)]
    rng.shuffle(addresses)
    return cycle(addresses)


def home_address(index: int) -> str:
    """Return the client address of an honest user's home, in a subnet of `HOMES_PER_SUBNET`."""
    subnet, host = divmod(index, HOMES_PER_SUBNET)
    return f"100.64.{subnet}.{host + 1}"
