"""Boxes: they open with their key, about their matter, unchanged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.box import open_box, seal_box
from app.crypto.seal import BrokenSeal
from tests.crypto.kit import flipped, keys

contents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)
KEY, ABOUT = bytes(range(32)), b"what it is about"


@given(keys, contents, st.binary(max_size=40))
def test_a_box_opens(key: bytes, content: Any, about: bytes) -> None:
    assert open_box(key, seal_box(key, content, about=about), about=about) == content


@given(keys, st.binary(max_size=40))
def test_a_box_opens_with_nothing_else(key: bytes, about: bytes) -> None:
    box = seal_box(KEY, ["a"], about=ABOUT)
    if key != KEY:
        with pytest.raises(BrokenSeal):
            open_box(key, box, about=ABOUT)
    if about != ABOUT:
        with pytest.raises(BrokenSeal):
            open_box(KEY, box, about=about)


def test_no_byte_of_a_box_can_be_changed() -> None:
    box = seal_box(KEY, ["a"], about=ABOUT)
    for at in range(len(box)):
        with pytest.raises(BrokenSeal):
            open_box(KEY, flipped(box, at, 1), about=ABOUT)
        with pytest.raises(BrokenSeal):
            open_box(KEY, box[:at], about=ABOUT)
    with pytest.raises(BrokenSeal):
        open_box(KEY, box + b"\0", about=ABOUT)


@given(st.one_of(st.binary(max_size=80), st.text(max_size=80)))
def test_anything_else_is_a_broken_seal(box: Any) -> None:
    with pytest.raises(BrokenSeal):
        open_box(KEY, box, about=ABOUT)


def test_equal_contents_make_different_boxes() -> None:
    assert seal_box(KEY, ["a"], about=ABOUT) != seal_box(KEY, ["a"], about=ABOUT)
