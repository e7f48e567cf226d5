"""White space up to whole steps, which those who read JSON or HTML pass over."""

import json

from hypothesis import given
from hypothesis import strategies as st

from app.faces.http.padding import MIN_PAGE_BLOCKS, PADDING_BLOCK, pad_response

min_blocks = st.integers(1, MIN_PAGE_BLOCKS)
lengths = st.integers(0, 3 * PADDING_BLOCK + 1) | st.sampled_from([PADDING_BLOCK - 1, PADDING_BLOCK, PADDING_BLOCK + 1, MIN_PAGE_BLOCKS * PADDING_BLOCK])


@given(lengths, min_blocks)
def test_it_is_the_content_and_spaces_up_to_the_next_step_and_no_further(length: int, min_blocks: int) -> None:
    content = b"x" * length
    filled = pad_response(content, min_blocks=min_blocks)
    assert filled[:length] == content
    assert filled[length:] == b" " * (len(filled) - length)
    assert len(filled) % PADDING_BLOCK == 0
    assert len(filled) >= min_blocks * PADDING_BLOCK
    assert len(filled) == min_blocks * PADDING_BLOCK or len(filled) - length < PADDING_BLOCK


documents = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(documents)
def test_json_is_the_same_value(value: object) -> None:
    assert json.loads(pad_response(json.dumps(value).encode())) == value
