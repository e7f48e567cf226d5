"""Encoding of records: entries round-trip, and malformed bytes are rejected."""

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
from app.incidents.items import ITEM_KINDS

MAX_RECORD_BYTES = SIZE_CLASSES[-1] - 42
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
def test_encoded_entries_round_trip(entry: Record | Sentinel) -> None:
    assert decode(encode(entry)) == entry


@given(people | sentinels, people | sentinels)
def test_different_entries_have_different_encodings(first: Record | Sentinel, second: Record | Sentinel) -> None:
    assert (encode(first) == encode(second)) == (first == second)


@given(people)
def test_empty_lists_and_order_do_not_change_the_encoding(record: Record) -> None:
    reordered = replace(
        record,
        tags={kind: record.tags.get(kind, ()) for kind in reversed(COMPARED_KINDS)},
        hints={kind: record.hints.get(kind, ()) for kind in reversed(VALUE_KINDS)},
        items=dict(reversed([*record.items.items()])),
    )
    assert encode(reordered) == encode(record)


def encode_without_siblings(record: Record) -> bytes:
    has_hints = bool(record.hints)
    header = encode_header(record.role, record.confidence, has_hints=has_hints)
    items = encode_items(record.items, record.cohorts)
    compared = b"".join(encode_tags(record.tags.get(kind, ())) for kind in COMPARED_KINDS)
    return header + record.subject + items + compared + (encode_hints(record.hints) if has_hints else b"")


@given(people, st.lists(locators, max_size=5).map(tuple))
def test_rows_of_a_person_differ_only_in_the_siblings(record: Record, siblings: tuple[bytes, ...]) -> None:
    encoded_prefix = encode_without_siblings(record)
    assert encode(record) == encoded_prefix + b"".join(record.siblings)
    assert decode(encoded_prefix) == replace(record, siblings=())
    assert decode(encoded_prefix + b"".join(siblings)) == replace(record, siblings=siblings)


@given(people, st.binary(max_size=100))
def test_trailing_bytes_must_be_whole_locators(record: Record, trailing: bytes) -> None:
    encoded = encode(record) + trailing
    if len(trailing) % 16:
        with pytest.raises(DecryptionFailed):
            decode(encoded)
    else:
        more = tuple(trailing[start : start + 16] for start in range(0, len(trailing), 16))
        assert decode(encoded) == replace(record, siblings=record.siblings + more)


@pytest.mark.parametrize("length", [*range(1, 16), 17, 31, 33, 16 * 20 + 8])
def test_a_partial_sibling_is_rejected(length: int) -> None:
    with pytest.raises(DecryptionFailed, match="truncated"):
        decode(encode(EMPTY) + b"l" * length)


@given(people, st.data())
def test_a_truncated_record_is_rejected(record: Record, data: st.DataObject) -> None:
    """Except between two siblings: only the padding of the ciphertext marks the end of the record."""
    encoded, encoded_prefix = encode(record), len(encode_without_siblings(record))
    cut = data.draw(st.integers(0, len(encoded) - 1))
    if cut >= encoded_prefix and (cut - encoded_prefix) % 16 == 0:
        assert decode(encoded[:cut]) == replace(record, siblings=record.siblings[: (cut - encoded_prefix) // 16])
    else:
        with pytest.raises(DecryptionFailed):
            decode(encoded[:cut])


@given(sentinels, st.data())
def test_a_truncated_sentinel_is_rejected(sentinel: Sentinel, data: st.DataObject) -> None:
    encoded = encode(sentinel)
    with pytest.raises(DecryptionFailed):
        decode(encoded[: data.draw(st.integers(0, len(encoded) - 1))])


@given(sentinels, st.binary(min_size=1, max_size=40))
def test_a_sentinel_with_trailing_bytes_is_rejected(sentinel: Sentinel, more: bytes) -> None:
    for trailing in (more, bytes(16), bytes(1)):
        with pytest.raises(DecryptionFailed, match="trailing bytes"):
            decode(encode(sentinel) + trailing)


@given(people, tags)
def test_tags_of_emails_and_phones_are_not_encoded(record: Record, tag: bytes) -> None:
    """Their locators identify them; a tag would give an attacker one more value to test guesses against."""
    assert set(VALUE_KINDS) - set(COMPARED_KINDS) == {"email", "phone"}
    reordered = replace(record, tags={**record.tags, "email": (tag,), "phone": (tag,)})
    assert encode(reordered) == encode(record)


@given(st.binary(max_size=200))
def test_arbitrary_bytes_decode_or_are_rejected(data: bytes) -> None:
    try:
        entry = decode(data)
    except DecryptionFailed:
        return
    assert isinstance(entry, Record | Sentinel)
    assert decode(encode(entry)) == entry


@given(people | sentinels, st.integers(0), st.integers(0, 255))
def test_changed_bytes_decode_to_a_valid_entry_or_are_rejected(entry: Record | Sentinel, index: int, byte: int) -> None:
    changed = bytearray(encode(entry))
    changed[index % len(changed)] = byte
    try:
        decoded = decode(bytes(changed))
    except DecryptionFailed:
        return
    assert decode(encode(decoded)) == decoded


TWO_TO_THE_60 = b"\x80" * 8 + b"\x10"
"""2^60, as a count."""

PERSON_PREFIX = b"\0" + b"s" * 16


PERSON_WITH_HINTS_PREFIX = b"\x20" + b"s" * 16


@pytest.mark.parametrize(
    "prefix",
    [
        pytest.param(PERSON_PREFIX + b"\0", id="cohorts"),
        pytest.param(PERSON_PREFIX + b"\0\0", id="tags of names"),
        pytest.param(PERSON_PREFIX + b"\0\0\0", id="tags of addresses"),
        pytest.param(PERSON_WITH_HINTS_PREFIX + b"\0\0\0\0", id="hints"),
        pytest.param(PERSON_WITH_HINTS_PREFIX + b"\0\0\0\0\1", id="a hint's length"),
        pytest.param(PERSON_WITH_HINTS_PREFIX + b"\0\0\0\0\0\0\0", id="the last hints"),
        pytest.param(b"\1", id="names of cohorts"),
        pytest.param(b"\1\1", id="a cohort name's length"),
    ],
)
@pytest.mark.parametrize(
    "count", [TWO_TO_THE_60, b"\xff" * 9 + b"\x01", b"\xff" * 20_000 + b"\x01"], ids=["2^60", "2^64", "vast"]
)
@pytest.mark.parametrize("fill", [b"", b"\0", b"\xff", b"\x80"], ids=["end", "0", "ff", "80"])
def test_huge_counts_are_rejected(prefix: bytes, count: bytes, fill: bytes) -> None:
    prefix_and_count = prefix + count
    with pytest.raises(DecryptionFailed):
        decode(prefix_and_count + fill * (MAX_RECORD_BYTES - len(prefix_and_count)))


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
def test_unknown_types_and_bits_are_rejected(change: Callable[[bytes], bytes]) -> None:
    assert decode(encode(EMPTY)) == EMPTY
    with pytest.raises(DecryptionFailed):
        decode(change(encode(EMPTY)))


def test_repr_of_a_record_hides_personal_data() -> None:
    record = replace(EMPTY, tags={"name": (b"tagtagta",)}, siblings=(b"l" * 16,), hints={"name": ("홍*동",)})
    for shown in (repr(record), str(record), f"{record}"):
        assert not any(secret in shown for secret in ("ssss", "tagtag", "llll", "홍*동"))


def test_confidences_are_in_rising_order() -> None:
    assert CONFIDENCES == ("withdrawn", "possible", "confirmed")
    assert max(["possible", "confirmed", "withdrawn"], key=CONFIDENCES.index) == "confirmed"


def test_a_typical_record_is_60_bytes() -> None:
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
