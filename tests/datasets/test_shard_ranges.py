"""Ranges of stored locators (the buckets of an import and the shards of a data set) and their sentinels."""

from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from app.crypto.key_derivation import derive_row_keys
from app.crypto.keys import StoreKey
from app.crypto.row_sealing import RowSealer
from app.datasets.shard_ranges import find_sentinels, range_index, range_start

RANGE_COUNTS = st.integers(1, 70)
STORED_LOCATORS = st.binary(min_size=16, max_size=16)


@given(RANGE_COUNTS, STORED_LOCATORS)
def test_a_locator_lies_within_the_bounds_of_its_range(range_count: int, stored: bytes) -> None:
    index = range_index(stored, range_count)
    assert range_start(index, range_count) <= stored
    assert index + 1 == range_count or stored < range_start(index + 1, range_count)


@given(RANGE_COUNTS)
def test_ranges_have_equal_sizes_and_cover_everything(range_count: int) -> None:
    starts = [range_start(index, range_count) for index in range(range_count)]
    firsts = [int.from_bytes(start, "big") for start in starts] + [1 << 16]
    sizes = {after - before for before, after in pairwise(firsts)}
    assert firsts[0] == 0
    assert max(sizes) - min(sizes) <= 1
    assert [range_index(start, range_count) for start in starts] == list(range(range_count))


@given(RANGE_COUNTS, st.integers(1, 64), STORED_LOCATORS)
def test_each_bucket_lies_in_one_range(range_count: int, buckets_per_range: int, stored: bytes) -> None:
    assert range_index(stored, range_count * buckets_per_range) // buckets_per_range == range_index(stored, range_count)


@given(RANGE_COUNTS, st.binary(min_size=32, max_size=32), st.uuids())
def test_each_range_has_its_own_sentinel(range_count: int, digest: bytes, dataset: UUID) -> None:
    sealer = RowSealer(StoreKey.generate(), dataset)
    found = find_sentinels(digest, sealer, range_count)
    assert [range_index(stored, range_count) for _, stored in found] == list(range(range_count))
    assert all(sealer.encrypt_locators(keys.locator) == stored for keys, stored in found)
    assert found == find_sentinels(digest, sealer, range_count)
    assert derive_row_keys(digest, dataset) in [keys for keys, _ in found]  # the sentinel of an unsharded data set
