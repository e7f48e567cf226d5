"""What the adversary tries, and how many tries each of it is worth."""

from collections.abc import Iterator
from itertools import cycle
from random import Random

from tests.adversary.enumerating import enumerating
from tests.adversary.guessing import guessing, stale
from tests.adversary.ledger import Ledger
from tests.adversary.people import CARRIER, Person, sources
from tests.adversary.pumping import pumping
from tests.adversary.sharing import sharing
from tests.adversary.simulation import Part, World
from tests.adversary.steps import Actor

DAY = 86400.0


def attack(world: World, ledger: Ledger, tries: int, rng: Random, *, fast: float = 3600.0) -> list[Part]:
    """Put a whole attack together.

    Args:
        world: that is attacked.
        ledger: where he keeps what he sees.
        tries: calls, all together.
        rng: draws whom he asks about, and from which address.
        fast: seconds that the fast part of it lasts; the slow one lasts a day.
    """

    def part(name: str, share: float, actor: Actor, lasts: float = fast) -> Part:
        count = round(tries * share)
        return Part(name, actor, gap=lasts / count, tries=count)

    people = list(world.people)
    drawn: Iterator[Person] = iter(lambda: rng.choice(people), None)
    shuffled = rng.sample(people, len(people))

    def where() -> Iterator[str]:
        return sources(rng)

    return [
        part("sequential numbers", 0.15, enumerating(cycle(people), where(), ledger, stays=True)),
        part("random numbers", 0.15, enumerating(drawn, where(), ledger)),
        part("sprayed", 0.15, enumerating(cycle(shuffled), where(), ledger, email=True)),
        part("slow", 0.15, enumerating(cycle(shuffled[::-1]), where(), ledger), lasts=DAY),
        part("guessing", 0.2, guessing(world, ledger, where(), rng)),
        part("stale codes", 0.02, stale(world, ledger, where(), rng), lasts=DAY),
        part("sharing a session", 0.08, sharing(world, ledger, where(), rng)),
        part("pumping", 0.1, pumping(world, ledger, where())),
    ]


def neighbour(world: World, ledger: Ledger, tries: int, rng: Random, *, lasts: float) -> Part:
    """Give one who asks about many from behind the address that half of the honest people share."""
    people = rng.sample(list(world.people), len(world.people))
    return Part(
        "behind the carrier's address",
        enumerating(cycle(people), cycle([CARRIER]), ledger),
        gap=lasts / tries,
        tries=tries,
    )
