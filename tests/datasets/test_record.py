"""Records: every entry comes back as it was, and nothing that is none is taken for one."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.row_sealing import SIZE_CLASSES, DecryptionFailed
from app.datasets.record import (
    COMPARED_KINDS,
    CONFIDENCES,
    ROLES,
    Record,
    Sentinel,
    decode,
    encode,
    encode_header,
    encode_hints,
    encode_items,
    encode_tags,
)
from app.identifiers import VALUE_KINDS
from app.incidents import ITEM_KINDS

LARGEST = SIZE_CLASSES[-1] - 42
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
    tags=st.dictionaries(st.sampled_from(COMPARED_KINDS), st.lists(tags, min_size=1, max_size=5).map(tuple)),
    siblings=st.lists(locators, max_size=5).map(tuple),
    hints=st.dictionaries(st.sampled_from(VALUE_KINDS), st.lists(texts, min_size=1, max_size=3).map(tuple)),
).filter(lambda record: record.items or record.confidence == "withdrawn")
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
        tags={kind: record.tags.get(kind, ()) for kind in reversed(COMPARED_KINDS)},
        hints={kind: record.hints.get(kind, ()) for kind in reversed(VALUE_KINDS)},
        items=dict(reversed(record.items.items())),
    )
    assert encode(spelt) == encode(record)


def common_of(record: Record) -> bytes:
    hinted = bool(record.hints)
    head = encode_header(record.role, record.confidence, hinted=hinted)
    items = encode_items(record.items, record.cohorts)
    compared = b"".join(encode_tags(record.tags.get(kind, ())) for kind in COMPARED_KINDS)
    return head + record.subject + items + compared + (encode_hints(record.hints) if hinted else b"")


@given(people, st.lists(locators, max_size=5).map(tuple))
def test_all_but_the_siblings_is_the_same_in_each_of_a_persons_rows(
    record: Record, siblings: tuple[bytes, ...]
) -> None:
    common = common_of(record)
    assert encode(record) == common + b"".join(record.siblings)
    assert decode(common) == replace(record, siblings=())
    assert decode(common + b"".join(siblings)) == replace(record, siblings=siblings)


@given(people, st.binary(max_size=100))
def test_siblings_are_whole_locators_or_a_broken_seal(record: Record, behind: bytes) -> None:
    encoded = encode(record) + behind
    if len(behind) % 16:
        with pytest.raises(DecryptionFailed):
            decode(encoded)
    else:
        more = tuple(behind[at : at + 16] for at in range(0, len(behind), 16))
        assert decode(encoded) == replace(record, siblings=record.siblings + more)


@pytest.mark.parametrize("length", [*range(1, 16), 17, 31, 33, 16 * 20 + 8])
def test_a_piece_of_a_sibling_is_a_broken_seal(length: int) -> None:
    with pytest.raises(DecryptionFailed, match="breaks off"):
        decode(encode(EMPTY) + b"l" * length)


@given(people, st.data())
def test_a_record_that_breaks_off_is_none(record: Record, data: st.DataObject) -> None:
    """But between two siblings, which only the padding of the seal tells from the record's end."""
    encoded, common = encode(record), len(common_of(record))
    cut = data.draw(st.integers(0, len(encoded) - 1))
    if cut >= common and (cut - common) % 16 == 0:
        assert decode(encoded[:cut]) == replace(record, siblings=record.siblings[: (cut - common) // 16])
    else:
        with pytest.raises(DecryptionFailed):
            decode(encoded[:cut])


@given(sentinels, st.data())
def test_a_sentinel_that_breaks_off_is_none(sentinel: Sentinel, data: st.DataObject) -> None:
    encoded = encode(sentinel)
    with pytest.raises(DecryptionFailed):
        decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@given(sentinels, st.binary(min_size=1, max_size=40))
def test_a_sentinel_that_goes_on_is_none(sentinel: Sentinel, more: bytes) -> None:
    for behind in (more, bytes(16), bytes(1)):
        with pytest.raises(DecryptionFailed, match="after its end"):
            decode(encode(sentinel) + behind)


@given(people, tags)
def test_emails_and_phones_have_no_tags(record: Record, tag: bytes) -> None:
    """Their locators tell them; a tag would be one more thing to try guesses at."""
    assert set(VALUE_KINDS) - set(COMPARED_KINDS) == {"email", "phone"}
    spelt = replace(record, tags={**record.tags, "email": (tag,), "phone": (tag,)})
    assert encode(spelt) == encode(record)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_entry_or_a_broken_seal(data: bytes) -> None:
    try:
        entry = decode(data)
    except DecryptionFailed:
        return
    assert isinstance(entry, Record | Sentinel)
    assert decode(encode(entry)) == entry


@given(people | sentinels, st.integers(0), st.integers(0, 255))
def test_a_changed_entry_is_another_or_a_broken_seal(entry: Record | Sentinel, at: int, byte: int) -> None:
    changed = bytearray(encode(entry))
    changed[at % len(changed)] = byte
    try:
        found = decode(bytes(changed))
    except DecryptionFailed:
        return
    assert decode(encode(found)) == found


HUGE = b"\x80" * 8 + b"\x10"
"""2^60, as a count."""

PERSON = b"\0" + b"s" * 16


HINTED = b"\x20" + b"s" * 16


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(PERSON + b"\0", id="cohorts"),
        pytest.param(PERSON + b"\0\0", id="tags of names"),
        pytest.param(PERSON + b"\0\0\0", id="tags of addresses"),
        pytest.param(HINTED + b"\0\0\0\0", id="hints"),
        pytest.param(HINTED + b"\0\0\0\0\1", id="a hint's length"),
        pytest.param(HINTED + b"\0\0\0\0\0\0\0", id="the last hints"),
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
    with pytest.raises(DecryptionFailed):
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
        pytest.param(lambda data: bytes([data[0] | 1 << 3]) + data[1:], id="possible, without items"),
        pytest.param(lambda data: bytes([data[0] | 2 << 3]) + data[1:], id="confirmed, without items"),
        pytest.param(lambda data: data[:17] + b"\x80" + data[18:], id="an unknown kind of item"),
        pytest.param(lambda data: b"\1\1\1\xff", id="no UTF-8"),
        pytest.param(lambda data: b"\1\1\3\xed\xa0\x80", id="a surrogate"),
    ],
)
def test_what_is_not_known_is_not_guessed_at(change: Callable[[bytes], bytes]) -> None:
    assert decode(encode(EMPTY)) == EMPTY
    with pytest.raises(DecryptionFailed):
        decode(change(encode(EMPTY)))


def test_a_record_does_not_show_what_it_is_about() -> None:
    record = replace(EMPTY, tags={"name": (b"tagtagta",)}, siblings=(b"l" * 16,), hints={"name": ("홍*동",)})
    for shown in (repr(record), str(record), f"{record}"):
        assert not any(secret in shown for secret in ("ssss", "tagtag", "llll", "홍*동"))


def test_confidences_rise() -> None:
    assert CONFIDENCES == ("withdrawn", "possible", "confirmed")
    assert max(["possible", "confirmed", "withdrawn"], key=CONFIDENCES.index) == "confirmed"  # type: ignore[arg-type]


def test_the_common_record_is_60_bytes() -> None:
    record = replace(
        EMPTY,
        items=dict.fromkeys(("name", "email", "phone", "address", "door_code_masked", "order"), 1),
        cohorts=(0,),
        tags={"name": (bytes(8),), "address": (bytes(8),)},
        siblings=(bytes(16),),
    )
    assert len(encode(record)) == 60
    assert len(encode(replace(record, siblings=(bytes(16), bytes(16))))) == 76
    assert SIZE_CLASSES[0] - 42 == 82
