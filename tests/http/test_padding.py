"""Padding with white space to whole blocks, which JSON and HTML parsers ignore."""

import json

from hypothesis import given
from hypothesis import strategies as st

from app.http.padding import MIN_PAGE_BLOCKS, PADDING_BLOCK, pad_response

min_blocks = st.integers(1, MIN_PAGE_BLOCKS)
lengths = st.integers(0, 3 * PADDING_BLOCK + 1) | st.sampled_from(
    [PADDING_BLOCK - 1, PADDING_BLOCK, PADDING_BLOCK + 1, MIN_PAGE_BLOCKS * PADDING_BLOCK]
)


@given(lengths, min_blocks)
def test_padding_is_spaces_up_to_the_next_whole_block(length: int, min_blocks: int) -> None:
    content = b"x" * length
    padded = pad_response(content, min_blocks=min_blocks)
    assert padded[:length] == content
    assert padded[length:] == b" " * (len(padded) - length)
    assert len(padded) % PADDING_BLOCK == 0
    assert len(padded) >= min_blocks * PADDING_BLOCK
    assert len(padded) == min_blocks * PADDING_BLOCK or len(padded) - length < PADDING_BLOCK


json_values = st.recursive(
    st.none() | st.integers() | st.text(), lambda values: st.lists(values) | st.dictionaries(st.text(), values)
)


@given(json_values)
def test_padded_json_parses_to_the_same_value(value: object) -> None:
    assert json.loads(pad_response(json.dumps(value).encode())) == value
