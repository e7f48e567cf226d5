"""Boxes: they open with their key, about their matter, unchanged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.row_sealing import DecryptionFailed
from tests.crypto.helpers import flip_bits, keys

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
    assert decrypt_json(key, encrypt_json(key, content, about=about), aad=about) == content


@given(keys, st.binary(max_size=40))
def test_a_box_opens_with_nothing_else(key: bytes, about: bytes) -> None:
    box = encrypt_json(KEY, ["a"], aad=ABOUT)
    if key != KEY:
        with pytest.raises(DecryptionFailed):
            decrypt_json(key, box, aad=ABOUT)
    if about != ABOUT:
        with pytest.raises(DecryptionFailed):
            decrypt_json(KEY, box, aad=about)


def test_no_byte_of_a_box_can_be_changed() -> None:
    box = encrypt_json(KEY, ["a"], aad=ABOUT)
    for at in range(len(box)):
        with pytest.raises(DecryptionFailed):
            decrypt_json(KEY, flip_bits(box, at, 1), aad=ABOUT)
        with pytest.raises(DecryptionFailed):
            decrypt_json(KEY, box[:at], aad=ABOUT)
    with pytest.raises(DecryptionFailed):
        decrypt_json(KEY, box + b"\0", aad=ABOUT)


@given(st.one_of(st.binary(max_size=80), st.text(max_size=80)))
def test_anything_else_is_a_broken_seal(box: Any) -> None:
    with pytest.raises(DecryptionFailed):
        decrypt_json(KEY, box, aad=ABOUT)


def test_equal_contents_make_different_boxes() -> None:
    assert encrypt_json(KEY, ["a"], about=ABOUT) != encrypt_json(KEY, ["a"], aad=ABOUT)
