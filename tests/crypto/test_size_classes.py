"""Padding and size classes: what a size says of a row."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.padding import RecordTooLong, pad, unpad
from app.crypto.row_sealing import SIZE_CLASSES, merge_rare_sizes, size_class_for_record


@given(st.binary(max_size=500), st.integers(1, 500))
def test_padding_comes_off(data: bytes, more: int) -> None:
    padded = pad(data, len(data) + more)
    assert len(padded) == len(data) + more
    assert unpad(padded) == data


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_padding_is_injective(one: bytes, other: bytes) -> None:
    assert (pad(one, 101) == pad(other, 101)) == (one == other)


@pytest.mark.parametrize("data", [b"", b"\0", b"\0\0\0", b"\x80", b"\x80\0", b"\x80\x80\0\0", b"a\0\x80"])
def test_padding_of_what_looks_like_padding(data: bytes) -> None:
    assert unpad(pad(data, 16)) == data


@given(st.binary(max_size=100), st.integers(0, 100))
def test_at_least_one_byte_is_spent(data: bytes, less: int) -> None:
    with pytest.raises(RecordTooLong):
        pad(data, len(data) - less)


def test_the_classes() -> None:
    assert SIZE_CLASSES == (124, 192, 256, 384, 512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536)


def test_no_class_wastes_more_than_half() -> None:
    assert list(SIZE_CLASSES) == sorted(set(SIZE_CLASSES))
    assert all(larger <= 2 * size for size, larger in pairwise(SIZE_CLASSES))


def test_the_least_class_is_of_postgresqls_short_values() -> None:
    """Up to 126 bytes it writes the length in one byte, unaligned; and a tuple of 24 + 2 + 17 + 125 bytes fills its eights."""
    assert SIZE_CLASSES[0] <= 126
    assert (24 + 2 + (1 + 16) + (1 + SIZE_CLASSES[0])) % 8 == 0


@given(st.integers(0, SIZE_CLASSES[-1] - 42))
def test_a_record_takes_the_least_class_that_holds_it(length: int) -> None:
    assert size_class_for_record(length) == min(size for size in SIZE_CLASSES if length + 42 <= size)


@pytest.mark.parametrize(("size", "next_larger"), list(pairwise((*SIZE_CLASSES, None))))
def test_the_edges_of_the_classes(size: int, next_larger: int | None) -> None:
    assert size_class_for_record(size - 42) == size
    if next_larger is not None:
        assert size_class_for_record(size - 41) == next_larger
    else:
        with pytest.raises(RecordTooLong):
            size_class_for_record(size - 41)


def test_the_least_class_holds_82_bytes() -> None:
    assert size_class_for_record(0) == size_class_for_record(82) == 124
    assert size_class_for_record(83) == 192


counts = st.dictionaries(st.sampled_from(SIZE_CLASSES), st.integers(1, 3000))


@given(counts, st.integers(1, 2000))
def test_a_size_is_stored_at_one_in_use_that_holds_it(sizes: dict[int, int], least: int) -> None:
    stored = merge_rare_sizes(sizes, least)
    assert stored.keys() == sizes.keys()
    assert all(stored[size] >= size for size in sizes)
    assert set(stored.values()) <= sizes.keys()
    assert [stored[size] for size in sorted(sizes)] == sorted(stored.values())


@given(counts, st.integers(1, 2000))
def test_a_rare_size_is_not_left_alone(sizes: dict[int, int], least: int) -> None:
    """But for the largest, which nothing larger can hide."""
    shown: Counter[int] = Counter()
    for size, at in merge_rare_sizes(sizes, least).items():
        shown[at] += sizes[size]
    assert all(rows >= least or size == max(sizes) for size, rows in shown.items())


@given(st.dictionaries(st.sampled_from(SIZE_CLASSES), st.integers(1000, 3000)))
def test_common_sizes_stay(sizes: dict[int, int]) -> None:
    assert merge_rare_sizes(sizes, 1000) == {size: size for size in sizes}


def test_rounding_examples() -> None:
    assert merge_rare_sizes({}, 1000) == {}
    assert merge_rare_sizes({124: 1}, 1000) == {124: 124}
    assert merge_rare_sizes({124: 999, 512: 1}, 1000) == {124: 512, 512: 512}
    assert merge_rare_sizes({124: 5000, 192: 999, 1024: 3}, 1000) == {124: 124, 192: 1024, 1024: 1024}
    assert merge_rare_sizes({124: 10, 256: 1000, 512: 1000}, 1000) == {124: 256, 256: 256, 512: 512}
