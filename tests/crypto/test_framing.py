"""Framing: two lists of parts never give the same bytes."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import mac_inputs
from app.crypto.framing import LENGTH_BYTES, FramingError, frame, split

parts = st.lists(st.binary(max_size=300), max_size=6)


def parts_of(framed: bytes) -> list[bytes]:
    """What `frame` was given."""
    return [part[LENGTH_BYTES:] for part in split(framed)]


@given(parts)
def test_what_was_framed_comes_apart(some: list[bytes]) -> None:
    assert split(frame(*some)) == [frame(part) for part in some]
    assert parts_of(frame(*some)) == some
    assert b"".join(split(frame(*some))) == frame(*some)


@given(parts, parts)
def test_framing_is_injective(some: list[bytes], others: list[bytes]) -> None:
    assert (frame(*some) == frame(*others)) == (some == others)


@given(parts, parts)
def test_what_is_framed_in_two_goes_is_framed_in_one(some: list[bytes], others: list[bytes]) -> None:
    """So that a heading can be made once, and many texts behind it."""
    assert frame(*some) + frame(*others) == frame(*some, *others)


@given(st.binary(max_size=400))
def test_any_bytes_come_apart_into_what_frames_to_them_or_are_misframed(data: bytes) -> None:
    try:
        found = parts_of(data)
    except FramingError:
        return
    assert frame(*found) == data


@given(parts.filter(bool), st.data())
def test_a_frame_cut_short_is_misframed_or_ends_between_parts(some: list[bytes], data: st.DataObject) -> None:
    framed = frame(*some)
    cut = data.draw(st.integers(0, len(framed) - 1))
    between = [len(frame(*some[:count])) for count in range(len(some))]
    if cut in between:
        assert parts_of(framed[:cut]) == some[: between.index(cut)]
    else:
        with pytest.raises(FramingError):
            split(framed[:cut])


@pytest.mark.parametrize("data", [b"\0", b"\xff", b"\0\1", b"\xff\xff", b"\0\0\0", b"\0\1a\0", b"\0\2a"])
def test_misframed(data: bytes) -> None:
    with pytest.raises(FramingError):
        split(data)


def test_the_longest_part() -> None:
    longest = bytes(65_535)
    assert parts_of(frame(longest, b"")) == [longest, b""]
    for too_long in (longest + b"\0", bytes(1 << 16), bytes(1 << 20)):
        with pytest.raises(FramingError, match="65,535"):
            frame(b"before", too_long)


def test_a_message_is_label_what_it_is_about_and_a_text() -> None:
    dataset = UUID(int=1)
    asked = {
        mac_inputs.identifier_input("email", "a@b.kr"): [mac_inputs.IDENTIFIER_LABEL, b"email", b"a@b.kr"],
        mac_inputs.identifier_input("phone", ""): [mac_inputs.IDENTIFIER_LABEL, b"phone", b""],
        mac_inputs.sentinel_input(dataset): [mac_inputs.IDENTIFIER_LABEL, b"sentinel", dataset.bytes],
        mac_inputs.kdf_params_input(b"salt"): [mac_inputs.IDENTIFIER_LABEL, b"scheme", b"salt"],
        mac_inputs.value_input("name", "홍길동"): [mac_inputs.VALUE_LABEL, b"name", "홍길동".encode()],
        mac_inputs.subject_input("sample", "1", ""): [mac_inputs.SUBJECT_LABEL, b"sample", b"1\0"],
        mac_inputs.subject_input("sample", "1", "2"): [mac_inputs.SUBJECT_LABEL, b"sample", b"1\x002"],
        mac_inputs.subject_input("sample", "", "2"): [mac_inputs.SUBJECT_LABEL, b"sample", b"\x002"],
    }
    assert len(asked) == 8
    assert all(parts_of(message) == expected for message, expected in asked.items())
    assert len({mac_inputs.IDENTIFIER_LABEL, mac_inputs.VALUE_LABEL, mac_inputs.SUBJECT_LABEL}) == 3


texts = st.text(st.characters(codec="utf-8"), max_size=20)
references = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
"""What a data set file can hold: `app.datasets.files` refuses a NUL (tests/datasets/test_files.py)."""


@given(texts, texts)
def test_a_message_is_its_heading_and_its_framed_text(about: str, text: str) -> None:
    framed = frame(text.encode())
    assert mac_inputs.identifier_input(about, text) == mac_inputs.identifier_prefix(about) + framed
    assert mac_inputs.value_input(about, text) == mac_inputs.value_prefix(about) + framed
    assert mac_inputs.subject_input(about, text, "") == mac_inputs.subject_prefix(about) + frame(text.encode() + b"\0")
    assert len({mac_inputs.identifier_prefix(about), mac_inputs.value_prefix(about), mac_inputs.subject_prefix(about)}) == 3


@given(texts, texts, texts, texts)
def test_two_questions_are_never_one(kind: str, canonical: str, other_kind: str, other: str) -> None:
    same = (kind, canonical) == (other_kind, other)
    one = mac_inputs.identifier_input(kind, canonical)
    assert one != mac_inputs.value_input(other_kind, other)
    assert (one == mac_inputs.identifier_input(other_kind, other)) == same
    assert (mac_inputs.value_input(kind, canonical) == mac_inputs.value_input(other_kind, other)) == same
    assert mac_inputs.subject_input(kind, canonical, "") not in (one, mac_inputs.value_input(kind, canonical))


@given(texts, references, references, texts, references, references)
def test_two_people_are_never_one_subject(
    incident: str, account: str, recipient: str, other: str, its_account: str, its_recipient: str
) -> None:
    same = (incident, account, recipient) == (other, its_account, its_recipient)
    assert (
        mac_inputs.subject_input(incident, account, recipient) == mac_inputs.subject_input(other, its_account, its_recipient)
    ) == same
    same = (account, recipient) == (its_account, its_recipient)
    assert (mac_inputs.person_ref(account, recipient) == mac_inputs.person_ref(its_account, its_recipient)) == same


@given(references, references)
def test_the_holder_is_told_from_the_references_alone(account: str, recipient: str) -> None:
    joined = mac_inputs.person_ref(account, recipient)
    assert joined.split(mac_inputs.REF_SEPARATOR) == [account, recipient]
    assert joined.endswith(mac_inputs.REF_SEPARATOR) == (recipient == "")


@given(st.uuids(), st.binary(min_size=16, max_size=16), texts)
def test_no_person_can_have_the_identifier_of_a_sentinel_or_a_scheme(
    dataset: UUID, salt: bytes, canonical: str
) -> None:
    vouching = (mac_inputs.sentinel_input(dataset), mac_inputs.kdf_params_input(salt))
    assert vouching[0] != vouching[1]
    for kind in ("email", "phone"):
        assert mac_inputs.identifier_input(kind, canonical) not in vouching
