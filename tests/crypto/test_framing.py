"""Framing, and the MAC inputs built with it: different lists of parts never encode to the same bytes."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto import mac_inputs
from app.crypto.framing import LENGTH_PREFIX_BYTES, FramingError, frame, split_frame

part_lists = st.lists(st.binary(max_size=300), max_size=6)


def unframe(framed: bytes) -> list[bytes]:
    """Return the parts that `frame` was called with."""
    return [part[LENGTH_PREFIX_BYTES:] for part in split_frame(framed)]


@given(part_lists)
def test_split_frame_reverses_frame(parts: list[bytes]) -> None:
    assert split_frame(frame(*parts)) == [frame(part) for part in parts]
    assert unframe(frame(*parts)) == parts
    assert b"".join(split_frame(frame(*parts))) == frame(*parts)


@given(part_lists, part_lists)
def test_framing_is_injective(parts: list[bytes], other_parts: list[bytes]) -> None:
    assert (frame(*parts) == frame(*other_parts)) == (parts == other_parts)


@given(part_lists, part_lists)
def test_frames_concatenate(parts: list[bytes], other_parts: list[bytes]) -> None:
    """A prefix can therefore be framed once, and followed by many values."""
    assert frame(*parts) + frame(*other_parts) == frame(*parts, *other_parts)


@given(st.binary(max_size=400))
def test_any_bytes_split_to_parts_that_frame_to_them_or_fail(data: bytes) -> None:
    try:
        parts = unframe(data)
    except FramingError:
        return
    assert frame(*parts) == data


@given(part_lists.filter(bool), st.data())
def test_a_truncated_frame_fails_unless_cut_between_parts(parts: list[bytes], data: st.DataObject) -> None:
    framed = frame(*parts)
    cut = data.draw(st.integers(0, len(framed) - 1))
    boundaries = [len(frame(*parts[:count])) for count in range(len(parts))]
    if cut in boundaries:
        assert unframe(framed[:cut]) == parts[: boundaries.index(cut)]
    else:
        with pytest.raises(FramingError):
            split_frame(framed[:cut])


@pytest.mark.parametrize("data", [b"\0", b"\xff", b"\0\1", b"\xff\xff", b"\0\0\0", b"\0\1a\0", b"\0\2a"])
def test_malformed_frames_raise(data: bytes) -> None:
    with pytest.raises(FramingError):
        split_frame(data)


def test_parts_of_maximum_length() -> None:
    longest = bytes(65_535)
    assert unframe(frame(longest, b"")) == [longest, b""]
    for too_long in (longest + b"\0", bytes(1 << 16), bytes(1 << 20)):
        with pytest.raises(FramingError, match="65,535"):
            frame(b"before", too_long)


def test_a_mac_input_is_label_context_and_value() -> None:
    dataset = UUID(int=1)
    expected_parts = {
        mac_inputs.identifier_input("email", "a@b.kr"): [mac_inputs.IDENTIFIER_LABEL, b"email", b"a@b.kr"],
        mac_inputs.identifier_input("phone", ""): [mac_inputs.IDENTIFIER_LABEL, b"phone", b""],
        mac_inputs.sentinel_input(dataset): [mac_inputs.IDENTIFIER_LABEL, b"sentinel", dataset.bytes],
        mac_inputs.kdf_params_input(b"salt"): [mac_inputs.IDENTIFIER_LABEL, b"scheme", b"salt"],
        mac_inputs.value_input("name", "홍길동"): [mac_inputs.VALUE_LABEL, b"name", "홍길동".encode()],
        mac_inputs.subject_input("sample", "1", ""): [mac_inputs.SUBJECT_LABEL, b"sample", b"1\0"],
        mac_inputs.subject_input("sample", "1", "2"): [mac_inputs.SUBJECT_LABEL, b"sample", b"1\x002"],
        mac_inputs.subject_input("sample", "", "2"): [mac_inputs.SUBJECT_LABEL, b"sample", b"\x002"],
    }
    assert len(expected_parts) == 8
    assert all(unframe(message) == expected for message, expected in expected_parts.items())
    assert len({mac_inputs.IDENTIFIER_LABEL, mac_inputs.VALUE_LABEL, mac_inputs.SUBJECT_LABEL}) == 3


values = st.text(st.characters(codec="utf-8"), max_size=20)
refs = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
"""Possible references: the readers of data set files refuse a NUL (tests/source_files/test_files.py)."""


@given(values, values)
def test_a_mac_input_is_its_prefix_and_framed_value(context: str, value: str) -> None:
    framed = frame(value.encode())
    assert mac_inputs.identifier_input(context, value) == mac_inputs.identifier_prefix(context) + framed
    assert mac_inputs.value_input(context, value) == mac_inputs.value_prefix(context) + framed
    assert mac_inputs.subject_input(context, value, "") == mac_inputs.subject_prefix(context) + frame(
        value.encode() + b"\0"
    )
    assert (
        len(
            {
                mac_inputs.identifier_prefix(context),
                mac_inputs.value_prefix(context),
                mac_inputs.subject_prefix(context),
            }
        )
        == 3
    )


@given(values, values, values, values)
def test_different_mac_inputs_never_collide(kind: str, canonical: str, other_kind: str, other: str) -> None:
    same = (kind, canonical) == (other_kind, other)
    message = mac_inputs.identifier_input(kind, canonical)
    assert message != mac_inputs.value_input(other_kind, other)
    assert (message == mac_inputs.identifier_input(other_kind, other)) == same
    assert (mac_inputs.value_input(kind, canonical) == mac_inputs.value_input(other_kind, other)) == same
    assert mac_inputs.subject_input(kind, canonical, "") not in (message, mac_inputs.value_input(kind, canonical))


@given(values, refs, refs, values, refs, refs)
def test_different_people_never_share_a_subject_input(
    incident: str, account: str, recipient: str, other: str, other_account: str, other_recipient: str
) -> None:
    same = (incident, account, recipient) == (other, other_account, other_recipient)
    assert (
        mac_inputs.subject_input(incident, account, recipient)
        == mac_inputs.subject_input(other, other_account, other_recipient)
    ) == same
    same = (account, recipient) == (other_account, other_recipient)
    assert (mac_inputs.person_ref(account, recipient) == mac_inputs.person_ref(other_account, other_recipient)) == same


@given(refs, refs)
def test_person_ref_shows_whether_the_person_is_the_holder(account: str, recipient: str) -> None:
    joined = mac_inputs.person_ref(account, recipient)
    assert joined.split(mac_inputs.REF_SEPARATOR) == [account, recipient]
    assert joined.endswith(mac_inputs.REF_SEPARATOR) == (recipient == "")


@given(st.uuids(), st.binary(min_size=16, max_size=16), values)
def test_no_identifier_equals_a_sentinel_or_kdf_params_input(dataset: UUID, salt: bytes, canonical: str) -> None:
    reserved = (mac_inputs.sentinel_input(dataset), mac_inputs.kdf_params_input(salt))
    assert reserved[0] != reserved[1]
    for kind in ("email", "phone"):
        assert mac_inputs.identifier_input(kind, canonical) not in reserved
