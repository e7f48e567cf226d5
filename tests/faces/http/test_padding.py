"""White space up to whole steps, which those who read JSON or HTML pass over."""

import json

from hypothesis import given
from hypothesis import strategies as st

from app.faces.http.padding import PAGE_STEPS, STEP, padded

steps = st.integers(1, PAGE_STEPS)
lengths = st.integers(0, 3 * STEP + 1) | st.sampled_from([STEP - 1, STEP, STEP + 1, PAGE_STEPS * STEP])


@given(lengths, steps)
def test_it_is_the_content_and_spaces_up_to_the_next_step_and_no_further(length: int, steps: int) -> None:
    content = b"x" * length
    filled = padded(content, steps=steps)
    assert filled[:length] == content
    assert filled[length:] == b" " * (len(filled) - length)
    assert len(filled) % STEP == 0
    assert len(filled) >= steps * STEP
    assert len(filled) == steps * STEP or len(filled) - length < STEP


documents = st.recursive(
    st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
)


@given(documents)
def test_json_is_the_same_value(value: object) -> None:
    assert json.loads(padded(json.dumps(value).encode())) == value
