"""The two seals: they open where they were laid, and nowhere else."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.crypto.key_derivation import DerivedKeys
from app.crypto.padding import RecordTooLong
from app.crypto.row_sealing import (
    OVERFLOW_MARKER,
    SIZE_CLASSES,
    DecryptionFailed,
    LocatorCipher,
    RecordSealer,
    RowSealer,
    row_tag,
    size_class_for_inner,
    size_class_for_record,
)
from app.crypto.keys import StoreKey
from app.datasets.record import Record, encode
from tests.crypto.helpers import (
    DATASET,
    OTHER_DATASET,
    STORE_KEY,
    entries,
    flip_bits,
    keys,
    locators,
    places,
    row_tags,
    subjects,
)

records = st.binary(max_size=600)
bits = st.integers(1, 255)
SEALER = RowSealer(STORE_KEY, DATASET)
RECORDS = RecordSealer(DATASET)
PLACE = DerivedKeys(bytes(range(16)), bytes(range(100, 132)))
TAG = b"row's ta"


@given(places, records)
def test_the_inner_seal_opens(place: DerivedKeys, record: bytes) -> None:
    inner = RECORDS.seal(place, record)
    assert RECORDS.open(place, inner) == record
    assert size_class_for_inner(len(inner)) == size_class_for_record(len(record))


@given(places, records)
def test_a_data_sets_own_record_sealer_is_the_one_it_is_sealed_with(place: DerivedKeys, record: bytes) -> None:
    assert SEALER.record_sealer.open(place, RECORDS.seal(place, record)) == record
    assert RECORDS.open(place, SEALER.record_sealer.seal(place, record)) == record


@given(locators, entries, row_tags, records, st.integers(0, 2), places)
def test_the_outer_seal_opens_and_has_its_size(
    locator: bytes, entry: int, tag: bytes, record: bytes, larger: int, place: DerivedKeys
) -> None:
    inner = RECORDS.seal(place, record)
    size = SIZE_CLASSES[SIZE_CLASSES.index(size_class_for_inner(len(inner))) + larger]
    sealed = SEALER.seal(locator, entry, tag, inner, size)
    assert len(sealed) == size
    assert SEALER.open(locator, entry, sealed) == (tag, inner)


@pytest.mark.parametrize("size", SIZE_CLASSES)
def test_the_largest_record_of_each_size(size: int) -> None:
    record = b"r" * (size - 42)
    inner = RECORDS.seal(PLACE, record)
    sealed = SEALER.seal(PLACE.locator, 0, TAG, inner, size_class_for_inner(len(inner)))
    assert len(sealed) == size
    assert RECORDS.open(PLACE, SEALER.open(PLACE.locator, 0, sealed)[1]) == record


def test_a_record_larger_than_the_largest_size() -> None:
    with pytest.raises(RecordTooLong):
        RECORDS.seal(PLACE, bytes(SIZE_CLASSES[-1] - 41))
    inner = RECORDS.seal(PLACE, bytes(SIZE_CLASSES[1] - 42))
    with pytest.raises(RecordTooLong):
        SEALER.seal(PLACE.locator, 0, TAG, inner, SIZE_CLASSES[0])


def test_the_common_row() -> None:
    """One name, address, email and phone, six kinds of item, one cohort: 60 bytes in a row of 124."""
    record = encode(
        Record(
            subject=bytes(16),
            role="holder",
            confidence="confirmed",
            items=dict.fromkeys(("name", "email", "phone", "address", "door_code_masked", "order"), 1),
            cohorts=(0,),
            tags=dict.fromkeys(("name", "address"), (bytes(8),)),
            siblings=(bytes(16),),
            hints={},
        )
    )
    inner = RECORDS.seal(PLACE, record)
    assert len(record) == 60
    assert len(SEALER.seal(PLACE.locator, 0, TAG, inner, size_class_for_inner(len(inner)))) == 124


def test_the_marker_has_the_commonest_size() -> None:
    sealed = SEALER.seal(PLACE.locator, 0, bytes(8), OVERFLOW_MARKER, size_class_for_inner(len(OVERFLOW_MARKER)))
    assert len(sealed) == SIZE_CLASSES[0]
    assert SEALER.open(PLACE.locator, 0, sealed) == (bytes(8), OVERFLOW_MARKER)


def test_no_byte_of_an_inner_seal_can_be_changed() -> None:
    inner = RECORDS.seal(PLACE, b"a record")
    for at in range(len(inner)):
        with pytest.raises(DecryptionFailed):
            RECORDS.open(PLACE, flip_bits(inner, at, 1))


def test_no_byte_of_a_row_can_be_changed() -> None:
    """Neither of the sealed bytes, nor of the locator, nor of the entry, nor of what is stored for the locator."""
    inner = RECORDS.seal(PLACE, b"a record")
    sealed = SEALER.seal(PLACE.locator, 5, TAG, inner, SIZE_CLASSES[0])
    for at in range(len(sealed)):
        with pytest.raises(DecryptionFailed):
            SEALER.open(PLACE.locator, 5, flip_bits(sealed, at, 0x80))
    stored = SEALER.cloak(PLACE.locator)
    for at in range(16):
        with pytest.raises(DecryptionFailed):
            SEALER.open(flip_bits(PLACE.locator, at, 1), 5, sealed)
        with pytest.raises(DecryptionFailed):
            SEALER.open(SEALER.uncloak(flip_bits(stored, at, 1)), 5, sealed)
        with pytest.raises(DecryptionFailed):
            RECORDS.open(DerivedKeys(flip_bits(PLACE.locator, at, 1), PLACE.key), inner)
    for bit in range(31):
        with pytest.raises(DecryptionFailed):
            SEALER.open(PLACE.locator, 5 ^ 1 << bit, sealed)


@given(places, places, records)
def test_an_inner_seal_opens_for_nobody_else(place: DerivedKeys, other: DerivedKeys, record: bytes) -> None:
    assume(place != other)
    inner = RECORDS.seal(place, record)
    with pytest.raises(DecryptionFailed):
        RECORDS.open(other, inner)
    with pytest.raises(DecryptionFailed):
        RECORDS.open(DerivedKeys(place.locator, flip_bits(place.key, 0, 1)), inner)
    with pytest.raises(DecryptionFailed):
        RecordSealer(OTHER_DATASET).open(place, inner)


@given(locators, locators, entries, entries, keys)
def test_a_row_opens_nowhere_else(locator: bytes, elsewhere: bytes, entry: int, later: int, key: bytes) -> None:
    sealed = SEALER.seal(locator, entry, TAG, b"inner", SIZE_CLASSES[0])
    if (locator, entry) != (elsewhere, later):
        with pytest.raises(DecryptionFailed):
            SEALER.open(elsewhere, later, sealed)
    with pytest.raises(DecryptionFailed):
        RowSealer(STORE_KEY, OTHER_DATASET).open(locator, entry, sealed)
    if key != STORE_KEY.reveal():
        with pytest.raises(DecryptionFailed):
            RowSealer(StoreKey(key), DATASET).open(locator, entry, sealed)


@given(locators, entries, st.integers(0, 200), st.integers(0, 200))
def test_a_row_cut_or_grown_does_not_open(locator: bytes, entry: int, kept: int, more: int) -> None:
    sealed = SEALER.seal(locator, entry, TAG, b"inner", SIZE_CLASSES[0])
    for changed in (sealed[: kept % SIZE_CLASSES[0]], sealed[kept % (SIZE_CLASSES[0] - 1) + 1 :], sealed + bytes(more + 1)):
        with pytest.raises(DecryptionFailed):
            SEALER.open(locator, entry, changed)


def test_the_associated_data_alone_binds_a_row_to_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with the entry left out of the nonce, no row opens as another entry."""
    monkeypatch.setattr(RowSealer, "_nonce", staticmethod(lambda _: bytes(12)))
    sealed = SEALER.seal(PLACE.locator, 0, TAG, b"inner", SIZE_CLASSES[0])
    assert SEALER.open(PLACE.locator, 0, sealed) == (TAG, b"inner")
    with pytest.raises(DecryptionFailed):
        SEALER.open(PLACE.locator, 1, sealed)


def test_the_key_id_is_bound_even_under_the_same_subkeys(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = SEALER.seal(PLACE.locator, 0, TAG, b"inner", SIZE_CLASSES[0])
    monkeypatch.setattr(StoreKey, "id", property(lambda _: "0" * 16))
    with pytest.raises(DecryptionFailed):
        RowSealer(STORE_KEY, DATASET).open(PLACE.locator, 0, sealed)


def test_an_inner_seal_is_no_outer_seal() -> None:
    key = STORE_KEY.subkey("outer seal")
    inner = RECORDS.seal(DerivedKeys(PLACE.locator, key), b"a record")
    with pytest.raises(DecryptionFailed):
        SEALER.open(PLACE.locator, 0, inner)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300), st.none(), st.integers()))
def test_whatever_a_database_hands_over_is_a_broken_seal(handed: Any) -> None:
    """SQLite stores text, numbers and nothing at all where bytes belong."""
    with pytest.raises(DecryptionFailed):
        SEALER.open(PLACE.locator, 0, handed)
    with pytest.raises(DecryptionFailed):
        RECORDS.open(PLACE, handed)


@pytest.mark.parametrize("entry", [-1, -(2**63), 1 << 31, 1 << 32, 1 << 63, 1 << 96])
def test_impossible_entries(entry: int) -> None:
    sealed = SEALER.seal(PLACE.locator, 0, TAG, b"inner", SIZE_CLASSES[0])
    with pytest.raises(DecryptionFailed):
        SEALER.open(PLACE.locator, entry, sealed)


def test_the_last_entry() -> None:
    sealed = SEALER.seal(PLACE.locator, 2**31 - 1, TAG, b"inner", SIZE_CLASSES[0])
    assert SEALER.open(PLACE.locator, 2**31 - 1, sealed) == (TAG, b"inner")


@given(keys, locators, locators)
def test_the_cloak_is_a_permutation(key: bytes, one: bytes, other: bytes) -> None:
    cloak = LocatorCipher(key)
    assert cloak.uncloak(cloak.cloak(one)) == one
    assert cloak.cloak(cloak.uncloak(one)) == one
    assert len(cloak.cloak(one)) == 16
    assert (cloak.cloak(one) == cloak.cloak(other)) == (one == other)


@given(locators, keys)
def test_a_cloak_is_its_keys_own(locator: bytes, key: bytes) -> None:
    assume(key != STORE_KEY.reveal())
    sealer = RowSealer(StoreKey(key), DATASET)
    assert sealer.cloak(locator) not in (locator, SEALER.cloak(locator))
    assert sealer.uncloak(SEALER.cloak(locator)) != locator


some_locators = st.lists(locators, min_size=1, max_size=10)


@given(keys, some_locators)
def test_many_are_cloaked_as_one_by_one(key: bytes, some: list[bytes]) -> None:
    """Each by itself: its neighbours, and how many they are, do not show in it."""
    sealer = RowSealer(StoreKey(key), DATASET)
    for cloak in (LocatorCipher(key), sealer):
        together = cloak.cloak(b"".join(some))
        assert together == b"".join([cloak.cloak(one) for one in some])
        assert cloak.uncloak(together) == b"".join([cloak.uncloak(cloak.cloak(one)) for one in some]) == b"".join(some)


@pytest.mark.parametrize("blocks", [b"", bytes(1), bytes(15), bytes(17), bytes(31), bytes(33), "a" * 16, None, 16])
def test_only_whole_blocks_are_cloaked(blocks: Any) -> None:
    for act in (SEALER.cloak, SEALER.uncloak):
        with pytest.raises(DecryptionFailed):
            act(blocks)


@given(st.binary(max_size=100).filter(lambda data: not data or len(data) % 16))
def test_no_part_of_a_block_is_dropped(blocks: bytes) -> None:
    for act in (LocatorCipher(bytes(32)).cloak, LocatorCipher(bytes(32)).uncloak):
        with pytest.raises(DecryptionFailed):
            act(blocks)


@given(some_locators, some_locators)
def test_a_row_whose_stored_place_has_more_blocks_does_not_open(before: list[bytes], behind: list[bytes]) -> None:
    """A database could hand one over, and several can be uncloaked at once."""
    sealed = SEALER.seal(PLACE.locator, 0, TAG, b"inner", SIZE_CLASSES[0])
    stored = SEALER.cloak(PLACE.locator)
    for longer in (stored + b"".join(behind), b"".join(before) + stored):
        with pytest.raises(DecryptionFailed):
            SEALER.open(SEALER.uncloak(longer), 0, sealed)


@given(subjects, subjects, locators, locators)
def test_row_tags_tell_a_persons_rows(subject: bytes, other: bytes, locator: bytes, elsewhere: bytes) -> None:
    tag = row_tag(subject, locator)
    assert len(tag) == 8
    assert (tag == row_tag(other, locator)) == (subject == other)
    assert (tag == row_tag(subject, elsewhere)) == (locator == elsewhere)
    assert tag not in subject + locator


@given(subjects, locators, st.integers(0, 127))
def test_every_bit_of_subject_and_locator_counts_in_a_row_tag(subject: bytes, locator: bytes, bit: int) -> None:
    tag = row_tag(subject, locator)
    assert tag != row_tag(flip_bits(subject, bit // 8, 1 << bit % 8), locator)
    assert tag != row_tag(subject, flip_bits(locator, bit // 8, 1 << bit % 8))
    assert (tag == row_tag(locator, subject)) == (subject == locator)


@given(places, st.uuids(), st.uuids())
def test_equal_records_are_not_seen_to_be_equal(place: DerivedKeys, dataset: UUID, other: UUID) -> None:
    assume(dataset != other)
    inner = RecordSealer(dataset).seal(place, b"a record")
    elsewhere = DerivedKeys(flip_bits(place.locator, 0, 1), place.key)
    assert inner != RecordSealer(other).seal(place, b"a record")
    assert inner != RecordSealer(dataset).seal(elsewhere, b"a record")
    sealed = {SEALER.seal(place.locator, entry, TAG, inner, SIZE_CLASSES[0]) for entry in range(20)}
    assert len({row[start : start + 16] for row in sealed for start in range(0, SIZE_CLASSES[0], 16)}) == 20 * 8


def test_a_broken_seal_says_nothing_of_what_it_held() -> None:
    with pytest.raises(DecryptionFailed) as caught:
        SEALER.open(PLACE.locator, 0, b"x" * SIZE_CLASSES[0])
    assert str(caught.value) == "a seal does not open"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
