"""The two seals: they open where they were laid, and nowhere else."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.crypto.expansion import Place
from app.crypto.padding import TooLong
from app.crypto.seal import (
    NOBODYS,
    SIZES,
    BrokenSeal,
    Cloak,
    RowSealer,
    open_record,
    row_tag,
    seal_record,
    sealed_size,
    size_class,
)
from app.crypto.secret import StoreKey
from app.datasets.record import Record, encode
from tests.crypto.kit import (
    DATASET,
    OTHER_DATASET,
    STORE_KEY,
    entries,
    flipped,
    keys,
    locators,
    places,
    row_tags,
    subjects,
)

records = st.binary(max_size=600)
bits = st.integers(1, 255)
SEALER = RowSealer(STORE_KEY, DATASET)
PLACE = Place(bytes(range(16)), bytes(range(100, 132)))
TAG = b"row's ta"


@given(places, records)
def test_the_inner_seal_opens(place: Place, record: bytes) -> None:
    inner = seal_record(place, DATASET, record)
    assert open_record(place, DATASET, inner) == record
    assert sealed_size(inner) == size_class(len(record))


@given(locators, entries, row_tags, records, st.integers(0, 2), places)
def test_the_outer_seal_opens_and_has_its_size(
    locator: bytes, entry: int, tag: bytes, record: bytes, larger: int, place: Place
) -> None:
    inner = seal_record(place, DATASET, record)
    size = sealed_size(inner) << larger
    sealed = SEALER.seal(locator, entry, tag, inner, size)
    assert len(sealed) == size
    assert SEALER.open(locator, entry, sealed) == (tag, inner)


@pytest.mark.parametrize("size", SIZES)
def test_the_largest_record_of_each_size(size: int) -> None:
    record = b"r" * (size - 42)
    inner = seal_record(PLACE, DATASET, record)
    sealed = SEALER.seal(PLACE.locator, 0, TAG, inner, sealed_size(inner))
    assert len(sealed) == size
    assert open_record(PLACE, DATASET, SEALER.open(PLACE.locator, 0, sealed)[1]) == record


def test_a_record_larger_than_the_largest_size() -> None:
    with pytest.raises(TooLong):
        seal_record(PLACE, DATASET, bytes(SIZES[-1] - 41))
    inner = seal_record(PLACE, DATASET, bytes(SIZES[1] - 42))
    with pytest.raises(TooLong):
        SEALER.seal(PLACE.locator, 0, TAG, inner, SIZES[0])


def test_the_common_row() -> None:
    """One name, address, email and phone, six kinds of item, one cohort: 79 bytes in a row of 128."""
    record = encode(
        Record(
            subject=bytes(16),
            role="holder",
            confidence="confirmed",
            items=dict.fromkeys(("name", "email", "phone", "address", "door_code_masked", "order"), 1),
            cohorts=(0,),
            tags=dict.fromkeys(("name", "address", "email", "phone"), (bytes(8),)),
            siblings=(bytes(16),),
            hints={},
        )
    )
    inner = seal_record(PLACE, DATASET, record)
    assert len(record) == 79
    assert len(SEALER.seal(PLACE.locator, 0, TAG, inner, sealed_size(inner))) == 128


def test_the_marker_has_the_commonest_size() -> None:
    sealed = SEALER.seal(PLACE.locator, 0, bytes(8), NOBODYS, sealed_size(NOBODYS))
    assert len(sealed) == 128
    assert SEALER.open(PLACE.locator, 0, sealed) == (bytes(8), NOBODYS)


def test_no_byte_of_an_inner_seal_can_be_changed() -> None:
    inner = seal_record(PLACE, DATASET, b"a record")
    for at in range(len(inner)):
        with pytest.raises(BrokenSeal):
            open_record(PLACE, DATASET, flipped(inner, at, 1))


def test_no_byte_of_a_row_can_be_changed() -> None:
    """Neither of the sealed bytes, nor of the locator, nor of the entry, nor of what is stored for the locator."""
    inner = seal_record(PLACE, DATASET, b"a record")
    sealed = SEALER.seal(PLACE.locator, 5, TAG, inner, 128)
    for at in range(len(sealed)):
        with pytest.raises(BrokenSeal):
            SEALER.open(PLACE.locator, 5, flipped(sealed, at, 0x80))
    stored = SEALER.cloak(PLACE.locator)
    for at in range(16):
        with pytest.raises(BrokenSeal):
            SEALER.open(flipped(PLACE.locator, at, 1), 5, sealed)
        with pytest.raises(BrokenSeal):
            SEALER.open(SEALER.uncloak(flipped(stored, at, 1)), 5, sealed)
        with pytest.raises(BrokenSeal):
            open_record(Place(flipped(PLACE.locator, at, 1), PLACE.key), DATASET, inner)
    for bit in range(31):
        with pytest.raises(BrokenSeal):
            SEALER.open(PLACE.locator, 5 ^ 1 << bit, sealed)


@given(places, places, records)
def test_an_inner_seal_opens_for_nobody_else(place: Place, other: Place, record: bytes) -> None:
    assume(place != other)
    inner = seal_record(place, DATASET, record)
    with pytest.raises(BrokenSeal):
        open_record(other, DATASET, inner)
    with pytest.raises(BrokenSeal):
        open_record(Place(place.locator, flipped(place.key, 0, 1)), DATASET, inner)
    with pytest.raises(BrokenSeal):
        open_record(place, OTHER_DATASET, inner)


@given(locators, locators, entries, entries, keys)
def test_a_row_opens_nowhere_else(locator: bytes, elsewhere: bytes, entry: int, later: int, key: bytes) -> None:
    sealed = SEALER.seal(locator, entry, TAG, b"inner", 128)
    if (locator, entry) != (elsewhere, later):
        with pytest.raises(BrokenSeal):
            SEALER.open(elsewhere, later, sealed)
    with pytest.raises(BrokenSeal):
        RowSealer(STORE_KEY, OTHER_DATASET).open(locator, entry, sealed)
    if key != STORE_KEY.reveal():
        with pytest.raises(BrokenSeal):
            RowSealer(StoreKey(key), DATASET).open(locator, entry, sealed)


@given(locators, entries, st.integers(0, 200), st.integers(0, 200))
def test_a_row_cut_or_grown_does_not_open(locator: bytes, entry: int, kept: int, more: int) -> None:
    sealed = SEALER.seal(locator, entry, TAG, b"inner", 128)
    for changed in (sealed[: kept % 128], sealed[kept % 127 + 1 :], sealed + bytes(more + 1)):
        with pytest.raises(BrokenSeal):
            SEALER.open(locator, entry, changed)


def test_the_associated_data_alone_binds_a_row_to_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even with the entry left out of the nonce, no row opens as another entry."""
    monkeypatch.setattr(RowSealer, "_nonce", staticmethod(lambda _: bytes(12)))
    sealed = SEALER.seal(PLACE.locator, 0, TAG, b"inner", 128)
    assert SEALER.open(PLACE.locator, 0, sealed) == (TAG, b"inner")
    with pytest.raises(BrokenSeal):
        SEALER.open(PLACE.locator, 1, sealed)


def test_the_key_id_is_bound_even_under_the_same_subkeys(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = SEALER.seal(PLACE.locator, 0, TAG, b"inner", 128)
    monkeypatch.setattr(StoreKey, "id", property(lambda _: "0" * 16))
    with pytest.raises(BrokenSeal):
        RowSealer(STORE_KEY, DATASET).open(PLACE.locator, 0, sealed)


def test_an_inner_seal_is_no_outer_seal() -> None:
    key = STORE_KEY.subkey("outer seal")
    inner = seal_record(Place(PLACE.locator, key), DATASET, b"a record")
    with pytest.raises(BrokenSeal):
        SEALER.open(PLACE.locator, 0, inner)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300), st.none(), st.integers()))
def test_whatever_a_database_hands_over_is_a_broken_seal(handed: Any) -> None:
    """SQLite stores text, numbers and nothing at all where bytes belong."""
    with pytest.raises(BrokenSeal):
        SEALER.open(PLACE.locator, 0, handed)
    with pytest.raises(BrokenSeal):
        open_record(PLACE, DATASET, handed)


@pytest.mark.parametrize("entry", [-1, -(2**63), 1 << 31, 1 << 32, 1 << 63, 1 << 96])
def test_impossible_entries(entry: int) -> None:
    sealed = SEALER.seal(PLACE.locator, 0, TAG, b"inner", 128)
    with pytest.raises(BrokenSeal):
        SEALER.open(PLACE.locator, entry, sealed)


def test_the_last_entry() -> None:
    sealed = SEALER.seal(PLACE.locator, 2**31 - 1, TAG, b"inner", 128)
    assert SEALER.open(PLACE.locator, 2**31 - 1, sealed) == (TAG, b"inner")


@given(keys, locators, locators)
def test_the_cloak_is_a_permutation(key: bytes, one: bytes, other: bytes) -> None:
    cloak = Cloak(key)
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


@pytest.mark.parametrize("block", [b"", bytes(15), bytes(17), bytes(32), "a" * 16, None, 16])
def test_only_one_block_is_cloaked(block: Any) -> None:
    for act in (SEALER.cloak, SEALER.uncloak):
        with pytest.raises(BrokenSeal):
            act(block)


@given(subjects, subjects, locators, locators)
def test_row_tags_tell_a_persons_rows(subject: bytes, other: bytes, locator: bytes, elsewhere: bytes) -> None:
    tag = row_tag(subject, locator)
    assert len(tag) == 8
    assert (tag == row_tag(other, locator)) == (subject == other)
    assert (tag == row_tag(subject, elsewhere)) == (locator == elsewhere)


@given(places, st.uuids(), st.uuids())
def test_equal_records_are_not_seen_to_be_equal(place: Place, dataset: UUID, other: UUID) -> None:
    assume(dataset != other)
    inner = seal_record(place, dataset, b"a record")
    elsewhere = Place(flipped(place.locator, 0, 1), place.key)
    assert inner != seal_record(place, other, b"a record")
    assert inner != seal_record(elsewhere, dataset, b"a record")
    sealed = {SEALER.seal(place.locator, entry, TAG, inner, 128) for entry in range(20)}
    assert len({row[start : start + 16] for row in sealed for start in range(0, 128, 16)}) == 20 * 8


def test_a_broken_seal_says_nothing_of_what_it_held() -> None:
    with pytest.raises(BrokenSeal) as caught:
        SEALER.open(PLACE.locator, 0, b"x" * 128)
    assert str(caught.value) == "a seal does not open"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
