"""Stage three: the rows of all people, brought together by where they are stored; people who share an identifier meet here.

A bucket is a range of stored locators, so the buckets one behind the other are the whole in order.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto.mac_inputs import TAG_BYTES
from app.crypto.row_sealing import OVERFLOW_MARKER, size_class_for_inner
from app.datasets.importing.spill import Spill
from app.datasets.importing.packed_rows import BEFORE_INNER, ordered, pack, places_of, unpack
from app.datasets.shard_ranges import range_index

SHARED_BY_AT_MOST = 20
"""People who share an identifier and are still told apart; beyond it stands one marker, `OVERFLOW_MARKER`."""


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
    sentinels = [one for one in sorting.sentinels if range_index(one, sorting.partitions) == number]
    sealed = sorting.sealed.read_all(sorting.partitions, number)
    rows = ordered(unpack(chain(sealed, [pack(pa.array(sentinels, pa.binary()))])))
    done = Sorted()
    places = places_of(rows)
    first, last = places[:-SHARED_BY_AT_MOST], places[SHARED_BY_AT_MOST:]
    crowded = first.filter(pc.equal(first, last)).unique()
    if len(crowded):  # one marker in the place of the rows of each identifier that too many people share
        markers = [place + bytes(TAG_BYTES) + OVERFLOW_MARKER for place in crowded.to_pylist()]
        others = rows.filter(pc.invert(pc.is_in(places, crowded)))
        rows = ordered(pa.concat_arrays([others, pa.array(markers, pa.binary())]))
        done.markers = len(markers)
    done.rows = len(rows)
    for found in pc.binary_length(rows).value_counts().to_pylist():
        done.sizes[size_class_for_inner(found["values"] - BEFORE_INNER)] += found["counts"]
    sorting.spill.write(number, [pack(rows)])
    return done
