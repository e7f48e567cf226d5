"""Row encryption: both layers decrypt at their own position, and nowhere else."""

from typing import Any
from uuid import UUID

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from app.crypto.key_derivation import DerivedKeys
from app.crypto.keys import StoreKey
from app.crypto.padding import RecordTooLong
from app.crypto.row_sealing import (
    OVERFLOW_MARKER,
    SIZE_CLASSES,
    DecryptionFailed,
    RecordSealer,
    RowSealer,
    derive_row_tag,
    size_class_for_inner,
    size_class_for_record,
)
from app.datasets.record import Record, encode
from tests.crypto.helpers import (
    DATASET,
    DERIVED,
    OTHER_DATASET,
    ROW_SEALER,
    STORE_KEY,
    TAG,
    derived_keys,
    entries,
    flip_bits,
    keys,
    locators,
    row_tags,
    subjects,
)

records = st.binary(max_size=600)
bits = st.integers(1, 255)
RECORD_SEALER = RecordSealer(DATASET)


@given(derived_keys, records)
def test_open_reverses_seal_of_a_record(derived: DerivedKeys, record: bytes) -> None:
    inner = RECORD_SEALER.seal(derived, record)
    assert RECORD_SEALER.open(derived, inner) == record
    assert size_class_for_inner(len(inner)) == size_class_for_record(len(record))


@given(derived_keys, records)
def test_a_row_sealer_has_the_record_sealer_of_its_data_set(derived: DerivedKeys, record: bytes) -> None:
    assert ROW_SEALER.record_sealer.open(derived, RECORD_SEALER.seal(derived, record)) == record
    assert RECORD_SEALER.open(derived, ROW_SEALER.record_sealer.seal(derived, record)) == record


@given(locators, entries, row_tags, records, st.integers(0, 2), derived_keys)
def test_open_reverses_seal_of_a_row_of_the_given_size(
    locator: bytes, entry: int, tag: bytes, record: bytes, larger: int, derived: DerivedKeys
) -> None:
    inner = RECORD_SEALER.seal(derived, record)
    size = SIZE_CLASSES[SIZE_CLASSES.index(size_class_for_inner(len(inner))) + larger]
    sealed = ROW_SEALER.seal(locator, entry, tag, inner, size)
    assert len(sealed) == size
    assert ROW_SEALER.open(locator, entry, sealed) == (tag, inner)


@pytest.mark.parametrize("size", SIZE_CLASSES)
def test_the_largest_record_of_each_size_class(size: int) -> None:
    record = b"r" * (size - 42)
    inner = RECORD_SEALER.seal(DERIVED, record)
    sealed = ROW_SEALER.seal(DERIVED.locator, 0, TAG, inner, size_class_for_inner(len(inner)))
    assert len(sealed) == size
    assert RECORD_SEALER.open(DERIVED, ROW_SEALER.open(DERIVED.locator, 0, sealed)[1]) == record


def test_a_record_too_large_for_its_size_class() -> None:
    with pytest.raises(RecordTooLong):
        RECORD_SEALER.seal(DERIVED, bytes(SIZE_CLASSES[-1] - 41))
    inner = RECORD_SEALER.seal(DERIVED, bytes(SIZE_CLASSES[1] - 42))
    with pytest.raises(RecordTooLong):
        ROW_SEALER.seal(DERIVED.locator, 0, TAG, inner, SIZE_CLASSES[0])


def test_a_typical_record_fits_the_smallest_size_class() -> None:
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
    inner = RECORD_SEALER.seal(DERIVED, record)
    assert len(record) == 60
    assert len(ROW_SEALER.seal(DERIVED.locator, 0, TAG, inner, size_class_for_inner(len(inner)))) == 124


def test_the_overflow_marker_has_the_most_common_size() -> None:
    sealed = ROW_SEALER.seal(DERIVED.locator, 0, bytes(8), OVERFLOW_MARKER, size_class_for_inner(len(OVERFLOW_MARKER)))
    assert len(sealed) == SIZE_CLASSES[0]
    assert ROW_SEALER.open(DERIVED.locator, 0, sealed) == (bytes(8), OVERFLOW_MARKER)


def test_a_changed_record_ciphertext_does_not_decrypt() -> None:
    inner = RECORD_SEALER.seal(DERIVED, b"a record")
    for index in range(len(inner)):
        with pytest.raises(DecryptionFailed):
            RECORD_SEALER.open(DERIVED, flip_bits(inner, index, 1))


def test_a_changed_row_does_not_decrypt() -> None:
    """Change each byte of the ciphertext, the locator, the entry and the encrypted locator."""
    inner = RECORD_SEALER.seal(DERIVED, b"a record")
    sealed = ROW_SEALER.seal(DERIVED.locator, 5, TAG, inner, SIZE_CLASSES[0])
    for index in range(len(sealed)):
        with pytest.raises(DecryptionFailed):
            ROW_SEALER.open(DERIVED.locator, 5, flip_bits(sealed, index, 0x80))
    stored = ROW_SEALER.encrypt_locators(DERIVED.locator)
    for index in range(16):
        with pytest.raises(DecryptionFailed):
            ROW_SEALER.open(flip_bits(DERIVED.locator, index, 1), 5, sealed)
        with pytest.raises(DecryptionFailed):
            ROW_SEALER.open(ROW_SEALER.decrypt_locators(flip_bits(stored, index, 1)), 5, sealed)
        with pytest.raises(DecryptionFailed):
            RECORD_SEALER.open(DerivedKeys(flip_bits(DERIVED.locator, index, 1), DERIVED.key), inner)
    for bit in range(31):
        with pytest.raises(DecryptionFailed):
            ROW_SEALER.open(DERIVED.locator, 5 ^ 1 << bit, sealed)


@given(derived_keys, derived_keys, records)
def test_a_record_does_not_decrypt_with_other_keys_or_data_set(
    derived: DerivedKeys, other: DerivedKeys, record: bytes
) -> None:
    assume(derived != other)
    inner = RECORD_SEALER.seal(derived, record)
    with pytest.raises(DecryptionFailed):
        RECORD_SEALER.open(other, inner)
    with pytest.raises(DecryptionFailed):
        RECORD_SEALER.open(DerivedKeys(derived.locator, flip_bits(derived.key, 0, 1)), inner)
    with pytest.raises(DecryptionFailed):
        RecordSealer(OTHER_DATASET).open(derived, inner)


@given(locators, locators, entries, entries, keys)
def test_a_row_does_not_decrypt_at_another_position(
    locator: bytes, elsewhere: bytes, entry: int, later: int, key: bytes
) -> None:
    sealed = ROW_SEALER.seal(locator, entry, TAG, b"inner", SIZE_CLASSES[0])
    if (locator, entry) != (elsewhere, later):
        with pytest.raises(DecryptionFailed):
            ROW_SEALER.open(elsewhere, later, sealed)
    with pytest.raises(DecryptionFailed):
        RowSealer(STORE_KEY, OTHER_DATASET).open(locator, entry, sealed)
    if key != STORE_KEY.reveal():
        with pytest.raises(DecryptionFailed):
            RowSealer(StoreKey(key), DATASET).open(locator, entry, sealed)


@given(locators, entries, st.integers(0, 200), st.integers(0, 200))
def test_a_truncated_or_extended_row_does_not_decrypt(locator: bytes, entry: int, cut: int, more: int) -> None:
    sealed = ROW_SEALER.seal(locator, entry, TAG, b"inner", SIZE_CLASSES[0])
    for changed in (
        sealed[: cut % SIZE_CLASSES[0]],
        sealed[cut % (SIZE_CLASSES[0] - 1) + 1 :],
        sealed + bytes(more + 1),
    ):
        with pytest.raises(DecryptionFailed):
            ROW_SEALER.open(locator, entry, changed)


def test_the_aad_alone_binds_a_row_to_its_entry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if the nonce ignores the entry, a row does not decrypt as another entry."""
    monkeypatch.setattr(RowSealer, "_nonce", staticmethod(lambda _: bytes(12)))
    sealed = ROW_SEALER.seal(DERIVED.locator, 0, TAG, b"inner", SIZE_CLASSES[0])
    assert ROW_SEALER.open(DERIVED.locator, 0, sealed) == (TAG, b"inner")
    with pytest.raises(DecryptionFailed):
        ROW_SEALER.open(DERIVED.locator, 1, sealed)


def test_the_aad_binds_a_row_to_its_key_id(monkeypatch: pytest.MonkeyPatch) -> None:
    sealed = ROW_SEALER.seal(DERIVED.locator, 0, TAG, b"inner", SIZE_CLASSES[0])
    monkeypatch.setattr(StoreKey, "id", property(lambda _: "0" * 16))
    with pytest.raises(DecryptionFailed):
        RowSealer(STORE_KEY, DATASET).open(DERIVED.locator, 0, sealed)


def test_a_record_ciphertext_is_not_a_row() -> None:
    key = STORE_KEY.subkey("outer seal")
    inner = RECORD_SEALER.seal(DerivedKeys(DERIVED.locator, key), b"a record")
    with pytest.raises(DecryptionFailed):
        ROW_SEALER.open(DERIVED.locator, 0, inner)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300), st.none(), st.integers()))
def test_any_database_value_raises_decryption_failed(value: Any) -> None:
    """SQLite may return text, numbers or NULL from a column of bytes."""
    with pytest.raises(DecryptionFailed):
        ROW_SEALER.open(DERIVED.locator, 0, value)
    with pytest.raises(DecryptionFailed):
        RECORD_SEALER.open(DERIVED, value)


@pytest.mark.parametrize("entry", [-1, -(2**63), 1 << 31, 1 << 32, 1 << 63, 1 << 96])
def test_invalid_entries_are_refused(entry: int) -> None:
    sealed = ROW_SEALER.seal(DERIVED.locator, 0, TAG, b"inner", SIZE_CLASSES[0])
    with pytest.raises(DecryptionFailed):
        ROW_SEALER.open(DERIVED.locator, entry, sealed)


def test_the_largest_entry() -> None:
    sealed = ROW_SEALER.seal(DERIVED.locator, 2**31 - 1, TAG, b"inner", SIZE_CLASSES[0])
    assert ROW_SEALER.open(DERIVED.locator, 2**31 - 1, sealed) == (TAG, b"inner")


@given(subjects, subjects, locators, locators)
def test_row_tags_depend_on_subject_and_locator(subject: bytes, other: bytes, locator: bytes, elsewhere: bytes) -> None:
    tag = derive_row_tag(subject, locator)
    assert len(tag) == 8
    assert (tag == derive_row_tag(other, locator)) == (subject == other)
    assert (tag == derive_row_tag(subject, elsewhere)) == (locator == elsewhere)
    assert tag not in subject + locator


@given(subjects, locators, st.integers(0, 127))
def test_every_bit_of_subject_and_locator_changes_a_row_tag(subject: bytes, locator: bytes, bit: int) -> None:
    tag = derive_row_tag(subject, locator)
    assert tag != derive_row_tag(flip_bits(subject, bit // 8, 1 << bit % 8), locator)
    assert tag != derive_row_tag(subject, flip_bits(locator, bit // 8, 1 << bit % 8))
    assert (tag == derive_row_tag(locator, subject)) == (subject == locator)


@given(derived_keys, st.uuids(), st.uuids())
def test_equal_records_encrypt_differently(derived: DerivedKeys, dataset: UUID, other: UUID) -> None:
    assume(dataset != other)
    inner = RecordSealer(dataset).seal(derived, b"a record")
    elsewhere = DerivedKeys(flip_bits(derived.locator, 0, 1), derived.key)
    assert inner != RecordSealer(other).seal(derived, b"a record")
    assert inner != RecordSealer(dataset).seal(elsewhere, b"a record")
    sealed = {ROW_SEALER.seal(derived.locator, entry, TAG, inner, SIZE_CLASSES[0]) for entry in range(20)}
    assert len({row[start : start + 16] for row in sealed for start in range(0, SIZE_CLASSES[0], 16)}) == 20 * 8


def test_decryption_failed_reveals_no_content() -> None:
    with pytest.raises(DecryptionFailed) as caught:
        ROW_SEALER.open(DERIVED.locator, 0, b"x" * SIZE_CLASSES[0])
    assert str(caught.value) == "a ciphertext does not decrypt"
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
