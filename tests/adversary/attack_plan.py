"""What the adversary tries, and how many of his tries each strategy takes."""

from collections.abc import Iterator
from itertools import cycle
from random import Random

from tests.adversary.enumeration import enumerating
from tests.adversary.code_guessing import guessing, stale
from tests.adversary.observations import Ledger
from tests.adversary.people import CARRIER, Person, sources
from tests.adversary.sms_pumping import pumping
from tests.adversary.session_sharing import sharing
from tests.adversary.simulation import TRIP, Part, World
from tests.adversary.proxy_client import Actor

HOUR, DAY = 3600.0, 86400.0
STRATEGIES: dict[str, tuple[float, float | None]] = {
    "sequential": (0.15, HOUR),
    "random": (0.15, HOUR),
    "sprayed": (0.15, HOUR),
    "slow": (0.16, DAY),
    "guessing": (0.2, HOUR),
    "stale": (0.01, None),
    "sharing": (0.08, HOUR),
    "pumping": (0.1, HOUR),
}
"""Its share of all tries, and how long it takes for them; None for one that goes by the time that codes take."""


def attack(world: World, ledger: Ledger, tries: int, rng: Random, *, only: str | None = None) -> list[Part]:
    """Put a whole attack together.

    Args:
        world: that is attacked.
        ledger: where he keeps what he sees.
        tries: calls, all together.
        rng: draws whom he asks about, and from which address.
        only: the strategy that all tries are spent on, in an hour.
    """
    plan = STRATEGIES if only is None else {only: (1.0, HOUR)}
    parts = []
    for name, (share, lasts) in plan.items():
        count = round(tries * share)
        parts.append(Part(name, _actor(name, world, ledger, rng), gap=lasts / count if lasts else TRIP, tries=count))
    return parts


def _actor(name: str, world: World, ledger: Ledger, rng: Random) -> Actor:
    people, where = list(world.people), sources(rng)
    shuffled = rng.sample(people, len(people))
    match name:
        case "sequential":
            return enumerating(world, cycle(people), where, ledger, stays=True)
        case "random":
            drawn: Iterator[Person] = iter(lambda: rng.choice(people), None)
            return enumerating(world, drawn, where, ledger)
        case "sprayed":
            return enumerating(world, cycle(shuffled), where, ledger, email=True)
        case "slow":
            return enumerating(world, cycle(shuffled), where, ledger)
        case "guessing":
            return guessing(world, ledger, where, rng)
        case "stale":
            return stale(world, ledger, where, rng)
        case "sharing":
            return sharing(world, ledger, where, rng)
        case _:
            return pumping(world, ledger, where)


def neighbour(world: World, ledger: Ledger, tries: int, rng: Random) -> Part:
    """Give one who asks about many, for an hour, from behind the address that half of the honest people share."""
    people = rng.sample(list(world.people), len(world.people))
    return Part("neighbour", enumerating(world, cycle(people), cycle([CARRIER]), ledger), gap=HOUR / tries, tries=tries)
