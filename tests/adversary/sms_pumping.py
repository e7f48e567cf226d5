"""Having messages sent: to a range that earns a share of their price, abroad, and to one victim, over and over."""

from collections.abc import Iterator
from itertools import count

from tests.adversary.observations import Ledger
from tests.adversary.simulation import World
from tests.adversary.proxy_client import Actor, Answer, asking, resending

RANGE, RANGE_SIZE = 825050000000, 10_000
"""Personal numbers, whose owners may earn by being called."""
ABROAD = ("+12025550143", "+447911123456", "+33612345678")


def pumping(world: World, ledger: Ledger, addresses: Iterator[str]) -> Actor:
    """Ask for codes from ever another address, and have each sent anew as soon as that may be."""
    victim = world.victim
    asked: list[tuple[float, Answer]] = []
    for number in count():
        targets = (f"+{RANGE + number % RANGE_SIZE}", victim.phone, f"+{RANGE + number % 10}", ABROAD[number % 3])
        answer: Answer = yield asking(next(addresses), targets[number % 4])
        if number % 4 == 3 and answer.status == 202:
            ledger.got["a message abroad"] += 1
        if answer.status == 202:
            asked.append((world.now, answer))
        while asked and asked[0][0] < world.now - 60:
            _, first = asked.pop(0)
            yield resending(next(addresses), first.body)
