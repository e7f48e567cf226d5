"""Records: every entry comes back as it was, and nothing that is none is taken for one."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.seal import SIZES, BrokenSeal
from app.datasets.record import CONFIDENCES, ROLES, Record, Sentinel, decode, encode
from app.identifiers import VALUE_KINDS
from app.incidents import ITEM_KINDS

LARGEST = SIZES[-1] - 42
counts = st.one_of(st.integers(0, 300), st.integers(0, 2**62))
texts = st.text(st.characters(codec="utf-8"), max_size=40)
locators = st.binary(min_size=16, max_size=16)
tags = st.binary(min_size=8, max_size=8)

people = st.builds(
    Record,
    subject=st.binary(min_size=16, max_size=16),
    role=st.sampled_from(ROLES),
    confidence=st.sampled_from(CONFIDENCES),
    items=st.dictionaries(st.sampled_from(ITEM_KINDS), counts),
    cohorts=st.lists(counts, max_size=200).map(tuple),
    tags=st.dictionaries(st.sampled_from(VALUE_KINDS), st.lists(tags, min_size=1, max_size=5).map(tuple)),
    siblings=st.lists(locators, max_size=5).map(tuple),
    hints=st.dictionaries(st.sampled_from(VALUE_KINDS), st.lists(texts, min_size=1, max_size=3).map(tuple)),
)
sentinels = st.builds(Sentinel, cohorts=st.lists(texts, max_size=200).map(tuple))

EMPTY = Record(
    subject=b"s" * 16,
    role="holder",
    confidence="withdrawn",
    items={},
    cohorts=(),
    tags={},
    siblings=(),
    hints={},
)


@given(people | sentinels)
def test_an_entry_comes_back(entry: Record | Sentinel) -> None:
    assert decode(encode(entry)) == entry


@given(people | sentinels, people | sentinels)
def test_two_entries_never_have_the_same_bytes(one: Record | Sentinel, other: Record | Sentinel) -> None:
    assert (encode(one) == encode(other)) == (one == other)


@given(people)
def test_what_is_empty_is_left_out(record: Record) -> None:
    spelt = replace(
        record,
        tags={kind: record.tags.get(kind, ()) for kind in VALUE_KINDS},
        hints={kind: record.hints.get(kind, ()) for kind in reversed(VALUE_KINDS)},
        items=dict(reversed(record.items.items())),
    )
    assert encode(spelt) == encode(record)


@given(people | sentinels, st.data())
def test_an_entry_that_breaks_off_is_none(entry: Record | Sentinel, data: st.DataObject) -> None:
    encoded = encode(entry)
    with pytest.raises(BrokenSeal):
        decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@given(people | sentinels, st.binary(min_size=1, max_size=40))
def test_an_entry_that_goes_on_is_none(entry: Record | Sentinel, more: bytes) -> None:
    with pytest.raises(BrokenSeal):
        decode(encode(entry) + more)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_entry_or_a_broken_seal(data: bytes) -> None:
    try:
        entry = decode(data)
    except BrokenSeal:
        return
    assert isinstance(entry, Record | Sentinel)
    assert decode(encode(entry)) == entry


@given(people | sentinels, st.integers(0), st.integers(0, 255))
def test_a_changed_entry_is_another_or_a_broken_seal(entry: Record | Sentinel, at: int, byte: int) -> None:
    changed = bytearray(encode(entry))
    changed[at % len(changed)] = byte
    try:
        found = decode(bytes(changed))
    except BrokenSeal:
        return
    assert decode(encode(found)) == found


HUGE = b"\x80" * 8 + b"\x10"
"""2^60, as a count."""

PERSON = b"\0" + b"s" * 16


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(PERSON + b"\0", id="cohorts"),
        pytest.param(PERSON + b"\0\0", id="tags"),
        pytest.param(PERSON + b"\0\0\0\0\0\0", id="siblings"),
        pytest.param(b"\x20" + b"s" * 16 + b"\0\0\0\0\0\0\0", id="hints"),
        pytest.param(b"\x20" + b"s" * 16 + b"\0\0\0\0\0\0\0\1", id="a hint's length"),
        pytest.param(b"\1", id="names of cohorts"),
        pytest.param(b"\1\1", id="a cohort name's length"),
    ],
)
@pytest.mark.parametrize(
    "count", [HUGE, b"\xff" * 9 + b"\x01", b"\xff" * 20_000 + b"\x01"], ids=["2^60", "2^64", "vast"]
)
@pytest.mark.parametrize("fill", [b"", b"\0", b"\xff", b"\x80"], ids=["end", "0", "ff", "80"])
def test_a_vast_count_ends_at_the_end_of_the_bytes(before: bytes, count: bytes, fill: bytes) -> None:
    claimed = before + count
    with pytest.raises(BrokenSeal):
        decode(claimed + fill * (LARGEST - len(claimed)))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(lambda data: b"", id="nothing"),
        pytest.param(lambda data: bytes([data[0] | 2]) + data[1:], id="type 2"),
        pytest.param(lambda data: bytes([data[0] | 3]) + data[1:], id="type 3"),
        pytest.param(lambda data: bytes([data[0] | 3 << 3]) + data[1:], id="confidence 3"),
        pytest.param(lambda data: bytes([data[0] | 1 << 6]) + data[1:], id="an unknown bit"),
        pytest.param(lambda data: bytes([data[0] | 1 << 7]) + data[1:], id="another unknown bit"),
        pytest.param(lambda data: data[:17] + b"\x80" + data[18:], id="an unknown kind of item"),
        pytest.param(lambda data: b"\1\1\1\xff", id="no UTF-8"),
        pytest.param(lambda data: b"\1\1\3\xed\xa0\x80", id="a surrogate"),
    ],
)
def test_what_is_not_known_is_not_guessed_at(change: Callable[[bytes], bytes]) -> None:
    assert decode(encode(EMPTY)) == EMPTY
    with pytest.raises(BrokenSeal):
        decode(change(encode(EMPTY)))


def test_a_record_does_not_show_what_it_is_about() -> None:
    record = replace(EMPTY, tags={"name": (b"tagtagta",)}, siblings=(b"l" * 16,), hints={"name": ("홍*동",)})
    for shown in (repr(record), str(record), f"{record}"):
        assert not any(secret in shown for secret in ("ssss", "tagtag", "llll", "홍*동"))


def test_confidences_rise() -> None:
    assert CONFIDENCES == ("withdrawn", "possible", "confirmed")
    assert max(["possible", "confirmed", "withdrawn"], key=CONFIDENCES.index) == "confirmed"  # type: ignore[arg-type]
