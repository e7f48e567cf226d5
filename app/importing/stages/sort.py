"""Stage three: sorts the rows of all people by stored locator. The rows of people who share an identifier end up next to each other.

A bucket is a range of stored locators, so the buckets in order contain all rows in order.
"""

from collections import Counter
from dataclasses import dataclass, field
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto.mac_inputs import TAG_BYTES
from app.crypto.row_sealing import OVERFLOW_MARKER, size_class_for_inner
from app.datasets.shard_ranges import range_index
from app.importing.packed_rows import (
    INNER_SEAL_OFFSET,
    deserialize_rows,
    locators_of,
    serialize_rows,
    sort_rows,
)
from app.importing.spill import Spill

MAX_PEOPLE_PER_IDENTIFIER = 20
"""People who can share an identifier. The rows of more people are replaced by one overflow marker, `OVERFLOW_MARKER`."""


@dataclass(frozen=True, slots=True)
class SortStage:
    """Input that all tasks of the sort stage share."""

    sealed_spill: Spill
    partition_count: int
    sentinel_rows: tuple[bytes, ...] = field(repr=False)
    """The rows of the sentinels, as the seal stage returns people's rows."""
    sorted_spill: Spill


@dataclass(slots=True)
class SortResult:
    """Counts of one bucket, or of several together."""

    rows: int = 0
    markers: int = 0
    size_counts: Counter[int] = field(default_factory=Counter)
    """Number of rows of each size class."""


def sort_bucket(stage: SortStage, bucket: int) -> SortResult:
    """Sort one bucket and write it to the spill file of that index.

    Raises:
        SpillCorrupted: a file of the seal stage cannot be decrypted.
    """
    sentinels = [row for row in stage.sentinel_rows if range_index(row, stage.partition_count) == bucket]
    chunks = stage.sealed_spill.read_all(stage.partition_count, bucket)
    rows = sort_rows(deserialize_rows(chain(chunks, [serialize_rows(pa.array(sentinels, pa.binary()))])))
    result = SortResult()
    locators = locators_of(rows)
    # rows are sorted: a locator that is the same 20 rows later has more than 20 rows
    earlier, later = locators[:-MAX_PEOPLE_PER_IDENTIFIER], locators[MAX_PEOPLE_PER_IDENTIFIER:]
    overflowing = earlier.filter(pc.equal(earlier, later)).unique()
    if len(overflowing):
        markers = [locator + bytes(TAG_BYTES) + OVERFLOW_MARKER for locator in overflowing.to_pylist()]
        others = rows.filter(pc.invert(pc.is_in(locators, overflowing)))
        rows = sort_rows(pa.concat_arrays([others, pa.array(markers, pa.binary())]))
        result.markers = len(markers)
    result.rows = len(rows)
    for counted in pc.binary_length(rows).value_counts().to_pylist():
        result.size_counts[size_class_for_inner(counted["values"] - INNER_SEAL_OFFSET)] += counted["counts"]
    stage.sorted_spill.write(bucket, [serialize_rows(rows)])
    return result
