"""Ranges of stored locators, by which an import has its buckets and each of several servers its rows; and the sentinel of each."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.crypto.key_derivation import derive_row_keys
from app.crypto.row_sealing import RowSealer
from app.crypto.keys import StoreKey
from app.datasets.shard_ranges import range_start, range_index, sentinels

RANGES = st.integers(1, 70)
LOCATORS = st.binary(min_size=16, max_size=16)


@given(RANGES, LOCATORS)
def test_a_range_is_what_lies_between_its_bounds(ranges: int, stored: bytes) -> None:
    number = range_index(stored, ranges)
    assert range_start(number, ranges) <= stored
    assert number + 1 == ranges or stored < range_start(number + 1, ranges)


@given(RANGES)
def test_the_ranges_are_equal_and_none_is_missing(ranges: int) -> None:
    firsts = [int.from_bytes(range_start(number, ranges), "big") for number in range(ranges)] + [1 << 16]
    sizes = {after - before for before, after in pairwise(firsts)}
    assert firsts[0] == 0
    assert max(sizes) - min(sizes) <= 1
    assert [range_index(range_start(number, ranges), ranges) for number in range(ranges)] == list(range(ranges))


@given(RANGES, st.integers(1, 64), LOCATORS)
def test_each_of_a_multiple_of_buckets_lies_in_one_range(ranges: int, each: int, stored: bytes) -> None:
    assert range_index(stored, ranges * each) // each == range_index(stored, ranges)


@given(RANGES, st.binary(min_size=32, max_size=32), st.uuids())
def test_each_range_has_a_sentinel_that_lies_in_it(ranges: int, digest: bytes, dataset: UUID) -> None:
    sealer = RowSealer(StoreKey.generate(), dataset)
    found = sentinels(digest, sealer, ranges)
    assert [range_index(stored, ranges) for _, stored in found] == list(range(ranges))
    assert all(sealer.encrypt_locators(place.locator) == stored for place, stored in found)
    assert found == sentinels(digest, sealer, ranges)
    assert derive_row_keys(digest, dataset) in [place for place, _ in found]  # what it is where there is one range
