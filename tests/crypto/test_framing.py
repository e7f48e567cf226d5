"""Framing: two lists of parts never give the same bytes."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import messages
from app.crypto.framing import Misframed, frame, unframe

parts = st.lists(st.binary(max_size=300), max_size=6)


@given(parts)
def test_what_was_framed_comes_apart(some: list[bytes]) -> None:
    assert unframe(frame(*some)) == some


@given(parts, parts)
def test_framing_is_injective(some: list[bytes], others: list[bytes]) -> None:
    assert (frame(*some) == frame(*others)) == (some == others)


@given(st.binary(max_size=400))
def test_any_bytes_come_apart_into_what_frames_to_them_or_are_misframed(data: bytes) -> None:
    try:
        found = unframe(data)
    except Misframed:
        return
    assert frame(*found) == data


@given(parts.filter(bool), st.data())
def test_a_frame_cut_short_is_misframed_or_ends_between_parts(some: list[bytes], data: st.DataObject) -> None:
    framed = frame(*some)
    cut = data.draw(st.integers(0, len(framed) - 1))
    between = [len(frame(*some[:count])) for count in range(len(some))]
    if cut in between:
        assert unframe(framed[:cut]) == some[: between.index(cut)]
    else:
        with pytest.raises(Misframed):
            unframe(framed[:cut])


@pytest.mark.parametrize("data", [b"\0", b"\xff", b"\0\1", b"\xff\xff", b"\0\0\0", b"\0\1a\0", b"\0\2a"])
def test_misframed(data: bytes) -> None:
    with pytest.raises(Misframed):
        unframe(data)


def test_the_longest_part() -> None:
    longest = bytes(65_535)
    assert unframe(frame(longest, b"")) == [longest, b""]
    with pytest.raises(Misframed, match="65,535"):
        frame(longest + b"\0")


def test_a_message_says_what_it_is() -> None:
    asked = {
        messages.IDENTIFIER: [messages.identifier("email", "a@b.kr"), messages.sentinel(UUID(int=1))],
        messages.VALUE: [messages.value("email", "a@b.kr")],
        messages.SUBJECT: [messages.subject("sample", "1", ""), messages.subject("sample", "1", "2")],
    }
    assert len(asked) == 3
    for label, some in asked.items():
        assert {messages.label_of(message) for message in some} == {label}
    assert messages.label_of(b"") == b""
    with pytest.raises(Misframed):
        messages.label_of(b"\1\1")


texts = st.text(st.characters(codec="utf-8"), max_size=20)


@given(texts, texts, texts, texts)
def test_two_questions_are_never_one(kind: str, canonical: str, other_kind: str, other: str) -> None:
    one = messages.identifier(kind, canonical)
    assert one != messages.value(other_kind, other)
    assert (one == messages.identifier(other_kind, other)) == ((kind, canonical) == (other_kind, other))
    assert messages.subject("i", kind, canonical) not in (one, messages.value(kind, canonical))
    same = (kind, canonical) == (other_kind, other)
    assert (messages.subject("i", kind, canonical) == messages.subject("i", other_kind, other)) == same


@given(st.uuids(), texts)
def test_no_person_can_have_a_sentinels_identifier(dataset: UUID, canonical: str) -> None:
    for kind in ("email", "phone"):
        assert messages.identifier(kind, canonical) != messages.sentinel(dataset)
