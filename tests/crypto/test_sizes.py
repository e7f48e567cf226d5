"""Padding and size classes: what a size says of a row."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.padding import TooLong, pad, unpad
from app.crypto.seal import SIZES, rounded_sizes, size_class


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
    with pytest.raises(TooLong):
        pad(data, len(data) - less)


def test_the_classes_double() -> None:
    assert SIZES[0] == 128
    assert SIZES[-1] == 64 * 1024
    assert all(larger == 2 * size for size, larger in pairwise(SIZES))


@given(st.integers(0, SIZES[-1] - 42))
def test_a_record_takes_the_least_class_that_holds_it(length: int) -> None:
    size = size_class(length)
    assert length + 42 <= size
    assert size == SIZES[0] or length + 42 > size // 2


@pytest.mark.parametrize("size", SIZES)
def test_the_edges_of_the_classes(size: int) -> None:
    assert size_class(size - 42) == size
    if size < SIZES[-1]:
        assert size_class(size - 41) == 2 * size
    else:
        with pytest.raises(TooLong):
            size_class(size - 41)


counts = st.dictionaries(st.sampled_from(SIZES), st.integers(1, 3000))


@given(counts, st.integers(1, 2000))
def test_a_size_is_stored_at_one_in_use_that_holds_it(sizes: dict[int, int], least: int) -> None:
    stored = rounded_sizes(sizes, least)
    assert stored.keys() == sizes.keys()
    assert all(stored[size] >= size for size in sizes)
    assert set(stored.values()) <= sizes.keys()
    assert [stored[size] for size in sorted(sizes)] == sorted(stored.values())


@given(counts, st.integers(1, 2000))
def test_a_rare_size_is_not_left_alone(sizes: dict[int, int], least: int) -> None:
    """But for the largest, which nothing larger can hide."""
    shown: Counter[int] = Counter()
    for size, at in rounded_sizes(sizes, least).items():
        shown[at] += sizes[size]
    assert all(rows >= least or size == max(sizes) for size, rows in shown.items())


@given(st.dictionaries(st.sampled_from(SIZES), st.integers(1000, 3000)))
def test_common_sizes_stay(sizes: dict[int, int]) -> None:
    assert rounded_sizes(sizes, 1000) == {size: size for size in sizes}


def test_rounding_examples() -> None:
    assert rounded_sizes({}, 1000) == {}
    assert rounded_sizes({128: 1}, 1000) == {128: 128}
    assert rounded_sizes({128: 999, 512: 1}, 1000) == {128: 512, 512: 512}
    assert rounded_sizes({128: 5000, 256: 999, 1024: 3}, 1000) == {128: 128, 256: 1024, 1024: 1024}
    assert rounded_sizes({128: 10, 256: 1000, 512: 1000}, 1000) == {128: 256, 256: 256, 512: 512}
