"""Stage three: the rows of all people, brought together by where they are stored; people who share an identifier meet here.

A bucket is a range of stored locators, so the buckets one behind the other are the whole in order.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import groupby, islice
from operator import eq

from app.crypto.expansion import LOCATOR_BYTES
from app.crypto.messages import TAG_BYTES
from app.crypto.seal import NOBODYS, sealed_size
from app.datasets.importing.sealing import BEFORE_INNER
from app.datasets.importing.spill import Spill
from app.datasets.ranges import range_of

SHARED_BY_AT_MOST = 20
"""People who share an identifier and are still told apart; beyond it stands one marker, `NOBODYS`."""


@dataclass(frozen=True, slots=True)
class Sorting:
    """What sorting the buckets takes."""

    sealed: Spill
    partitions: int
    sentinels: tuple[bytes, ...] = field(repr=False)
    """The sentinels' rows, as those that come out of the seal stage."""
    spill: Spill


@dataclass(slots=True)
class Sorted:
    """What became of a bucket."""

    rows: int = 0
    markers: int = 0
    sizes: Counter[int] = field(default_factory=Counter)


def sort_bucket(sorting: Sorting, number: int) -> Sorted:
    """Sort one bucket and put it aside, in a file of its number.

    Raises:
        SpillDamaged: what the stage before wrote cannot be read.
    """
    rows: list[bytes] = []
    for part in sorting.sealed.read_all(sorting.partitions, number):
        rows += part
    rows += [one for one in sorting.sentinels if range_of(one, sorting.partitions) == number]
    rows.sort()
    done = Sorted()
    places = [row[:LOCATOR_BYTES] for row in rows]
    if any(map(eq, places, islice(places, SHARED_BY_AT_MOST, None))):
        rows = list(_marked(rows, done))
    done.rows = len(rows)
    for length, count in Counter(map(len, rows)).items():
        done.sizes[sealed_size(length - BEFORE_INNER)] += count
    sorting.spill.write(number, [rows])
    return done


def _marked(rows: list[bytes], done: Sorted) -> Iterator[bytes]:
    """Put one marker in the place of the rows of an identifier that too many people share."""
    for locator, shared in groupby(rows, lambda row: row[:LOCATOR_BYTES]):
        entries = list(shared)
        if len(entries) > SHARED_BY_AT_MOST:
            entries = [locator + bytes(TAG_BYTES) + NOBODYS]
            done.markers += 1
        yield from entries
