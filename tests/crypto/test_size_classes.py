"""Padding and size classes: what the size of a row reveals."""

from collections import Counter
from itertools import pairwise
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.padding import RecordTooLong, pad, unpad
from app.crypto.row_sealing import SIZE_CLASSES, size_class_for_record
from app.crypto.stored_sizes import StoredSizes


@given(st.binary(max_size=500), st.integers(1, 500))
def test_unpad_reverses_pad(data: bytes, more: int) -> None:
    padded = pad(data, len(data) + more)
    assert len(padded) == len(data) + more
    assert unpad(padded) == data


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_padding_is_injective(first: bytes, other: bytes) -> None:
    assert (pad(first, 101) == pad(other, 101)) == (first == other)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0", b"\x80", b"\x80\0", b"\x80\x80\0\0", b"a\0\x80"])
def test_padding_of_data_that_looks_like_padding(data: bytes) -> None:
    assert unpad(pad(data, 16)) == data


@given(st.binary(max_size=100), st.integers(0, 100))
def test_padding_adds_at_least_one_byte(data: bytes, deficit: int) -> None:
    with pytest.raises(RecordTooLong):
        pad(data, len(data) - deficit)


def test_size_classes_are_fixed() -> None:
    assert SIZE_CLASSES == (124, 192, 256, 384, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536)


def test_each_class_is_at_most_twice_the_previous() -> None:
    assert list(SIZE_CLASSES) == sorted(set(SIZE_CLASSES))
    assert all(larger <= 2 * size for size, larger in pairwise(SIZE_CLASSES))


def test_the_smallest_class_suits_postgresql_short_values() -> None:
    """PostgreSQL stores lengths up to 126 in one byte, unaligned; and a tuple of 24 + 2 + 17 + 125 bytes is a multiple of eight."""
    assert SIZE_CLASSES[0] <= 126
    assert (24 + 2 + (1 + 16) + (1 + SIZE_CLASSES[0])) % 8 == 0


@given(st.integers(0, SIZE_CLASSES[-1] - 42))
def test_a_record_gets_the_smallest_class_that_holds_it(length: int) -> None:
    assert size_class_for_record(length) == min(size for size in SIZE_CLASSES if length + 42 <= size)


@pytest.mark.parametrize(("size", "next_larger"), list(pairwise((*SIZE_CLASSES, None))))
def test_boundaries_of_the_size_classes(size: int, next_larger: int | None) -> None:
    assert size_class_for_record(size - 42) == size
    if next_larger is not None:
        assert size_class_for_record(size - 41) == next_larger
    else:
        with pytest.raises(RecordTooLong):
            size_class_for_record(size - 41)


def test_the_smallest_class_holds_82_bytes() -> None:
    assert size_class_for_record(0) == size_class_for_record(82) == 124
    assert size_class_for_record(83) == 192


size_counts = st.dictionaries(st.sampled_from(SIZE_CLASSES), st.integers(1, 3000))


@given(size_counts, st.integers(1, 2000))
def test_each_size_is_stored_at_a_size_in_use_that_holds_it(row_counts: dict[int, int], min_rows: int) -> None:
    stored = StoredSizes.choose(row_counts, min_rows)
    assert stored.by_class.keys() == row_counts.keys()
    assert all(stored.by_class[size] >= size for size in row_counts)
    assert {*stored.by_class.values()} <= row_counts.keys()
    assert stored.largest == max(row_counts, default=0)


@given(size_counts, st.integers(1, 2000), st.integers(0, 2**32))
def test_every_size_has_many_rows(row_counts: dict[int, int], min_rows: int, seed: int) -> None:
    stored = StoredSizes.choose(row_counts, min_rows)
    rng = Random(seed)
    sizes = [stored.by_class[size] for size, count in row_counts.items() for _ in range(count)]
    for index in stored.fillers([rng.randbytes(16) for _ in sizes], sizes):
        assert sizes[index] == stored.filler_size
        sizes[index] = stored.largest
    assert all(rows >= min(min_rows, len(sizes)) for rows in Counter(sizes).values())


@given(st.dictionaries(st.sampled_from(SIZE_CLASSES), st.integers(1000, 3000)))
def test_common_sizes_are_unchanged(row_counts: dict[int, int]) -> None:
    stored = StoredSizes.choose(row_counts, 1000)
    assert stored.by_class == {size: size for size in row_counts}
    assert stored.fillers([bytes(16)], [stored.largest]) == []


@pytest.mark.parametrize(
    ("row_counts", "by_class", "filler_size"),
    [
        ({}, {}, 0),
        ({124: 1}, {124: 124}, 0),
        ({124: 999, 512: 1}, {124: 512, 512: 512}, 0),
        ({124: 10, 256: 1000, 512: 1000}, {124: 256, 256: 256, 512: 512}, 0),
        ({124: 1500, 1024: 3}, {124: 1024, 1024: 1024}, 0),
        ({124: 5000, 192: 999, 1024: 3}, {124: 124, 192: 1024, 1024: 1024}, 0),
        ({124: 5000, 192: 900, 1024: 3}, {124: 124, 192: 1024, 1024: 1024}, 124),
        ({124: 50_000, 256: 2000, 65_536: 1}, {124: 124, 256: 256, 65_536: 65_536}, 124),
    ],
)
def test_examples_of_stored_sizes(row_counts: dict[int, int], by_class: dict[int, int], filler_size: int) -> None:
    stored = StoredSizes.choose(row_counts, 1000)
    assert (stored.by_class, stored.filler_size) == (by_class, filler_size)


def test_fillers_are_few() -> None:
    """One person with a record of the largest class does not make millions of rows large."""
    stored = StoredSizes.choose({124: 1_000_000, 65_536: 1}, 1000)
    share = int.from_bytes(stored.filler_bound, "big") / 2**64
    assert 1000 < share * 1_000_000 < 1200
