"""Batched keyholder requests for many people: derived keys of their identifiers, tags of their values, and the shared part of their records.

A cell is as in `CanonicalRow`: empty, one value or several. Methods take a column of cells and return a column of results.
"""

from collections import Counter

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto import mac_inputs
from app.crypto.key_derivation import DERIVED_KEYS_BYTES, LOCATOR_BYTES, derive_row_bytes
from app.crypto.row_sealing import MAX_RECORD_BYTES
from app.datasets.errors import ImportFailed
from app.datasets.record import (
    CONFIDENCES,
    ROLES,
    encode_header,
    encode_hints,
    encode_items,
    encode_single_tags,
    encode_tags,
)
from app.identifiers import IDENTIFIER_KINDS, VALUE_KINDS, IdentifierKind, ValueKind, calling_code, mask
from app.importing.context import ImportContext
from app.importing.merge_people import split_values, summarize
from app.importing.packed_rows import split_fixed
from app.importing.row_batch import VALUE_SEPARATOR, CanonicalRow, to_rows
from app.importing.seal_result import KeyholderCheck, SealResult
from app.keyholder import KeyholderClient
from app.source_files import RejectedRow

MAX_HINTS_PER_KIND = 3
"""Masked hints of one kind in a record."""

MAX_IDENTIFIERS_PER_PERSON = 1_000
"""Far more than any real person has. Each record of a person lists the locators of all their other identifiers."""


TOO_MANY_IDENTIFIERS = f"one person has over {MAX_IDENTIFIERS_PER_PERSON:,} identifiers"
TOO_MANY_VALUES = "one person has more values than a record can hold"


class KeyholderBatch:
    """MACs from one keyholder connection. `check` identifies the keyholder's pepper."""

    def __init__(self, keyholder: KeyholderClient, context: ImportContext) -> None:
        """Compute the check MACs.

        Raises:
            ImportFailed: a person without items is not withdrawn; the read stage must have rejected their rows.
        KeyholderUnavailable: the keyholder does not answer.
        """
        self._keyholder = keyholder
        self._context = context
        self._connection = keyholder.connection_id()
        sentinel, params = (
            mac_inputs.sentinel_input(context.dataset),
            mac_inputs.kdf_params_input(context.kdf_params.salt),
        )
        sentinel_mac = keyholder.mac(sentinel, connection_id=self._connection)
        self.check = KeyholderCheck(sentinel_mac, keyholder.mac(params, connection_id=self._connection))

    def derive_subjects(self, person_refs: pa.StringArray) -> pa.BinaryArray:
        """Return the subject of each person."""
        macs = self._mac_many(mac_inputs.subject_prefix(self._context.incident), person_refs)
        return pc.binary_slice(macs, 0, mac_inputs.SUBJECT_BYTES)

    def derive_keys(self, kind: IdentifierKind, cells: pa.StringArray) -> pa.BinaryArray:
        """Return the derived keys of all identifiers in each cell, concatenated, as `derive_row_bytes` returns them."""
        values = pc.split_pattern(cells, VALUE_SEPARATOR)
        flat = values.flatten()
        encoded = pc.if_else(pc.equal(flat, ""), pa.scalar(None, pa.string()), flat).dictionary_encode()
        macs = self._mac_many(mac_inputs.identifier_prefix(kind), encoded.dictionary).to_pylist()
        derived = derive_row_bytes(map(self._context.kdf_params.stretch, macs), self._context.dataset)
        keys = pa.array(derived, pa.binary()).take(encoded.indices)
        return pc.coalesce(pc.binary_join(pa.ListArray.from_arrays(values.offsets, keys), b""), b"")

    def derive_tags(self, kind: ValueKind, cells: pa.StringArray, cache: dict[str, bytes]) -> pa.BinaryArray:
        """Return the encoded tags of the values in each cell. Tags that are not in *cache* are computed and added to it."""
        encoded = cells.dictionary_encode()
        distinct = encoded.dictionary.to_pylist()
        several = [cell for cell in distinct if VALUE_SEPARATOR in cell]
        values = {*distinct, *(value for cell in several for value in split_values(cell))}
        uncached = [*values.difference(cache, several, ("",))]
        tags = pc.binary_slice(
            self._mac_many(mac_inputs.value_prefix(kind), pa.array(uncached, pa.string())), 0, mac_inputs.TAG_BYTES
        )
        cache.update(zip(uncached, encode_single_tags(tags.to_pylist()), strict=True))
        for cell in several:
            cache[cell] = encode_tags(sorted([cache[value][-mac_inputs.TAG_BYTES :] for value in split_values(cell)]))
        cache[""] = encode_tags(())
        return pa.array([*map(cache.__getitem__, distinct)], pa.binary()).take(encoded.indices)

    def _mac_many(self, prefix: bytes, texts: pa.StringArray) -> pa.BinaryArray:
        macs = self._keyholder.mac_many(prefix, texts.cast(pa.binary()).to_pylist(), connection_id=self._connection)
        return split_fixed(macs, mac_inputs.MAC_BYTES)


def derive_people(
    people: pa.RecordBatch, context: ImportContext, keyholder: KeyholderClient, name_tags: dict[str, bytes]
) -> tuple[SealResult, pa.RecordBatch]:
    """Derive everything that the records of some people consist of.

    Args:
        people: merged rows, one for each person. May be empty.
        context: of the import.
        keyholder: connected to its import socket.
        name_tags: cache of name tags, extended by this call. Most names belong to many people.

    Returns:
        The result, and the columns that `seal_people` takes.

    Raises:
        KeyholderUnavailable: the keyholder does not answer.
    """
    result = SealResult()
    reachable = people.filter(pc.or_(pc.not_equal(people["email"], ""), pc.not_equal(people["phone"], "")))
    result.unreachable = people.num_rows - reachable.num_rows
    batch = KeyholderBatch(keyholder, context)
    result.keyholder_check = batch.check
    subjects = batch.derive_subjects(reachable["person_ref"])
    shared = _encode_shared_part(reachable, context, subjects, batch, name_tags)
    keys = pc.binary_join_element_wise(*(batch.derive_keys(kind, reachable[kind]) for kind in IDENTIFIER_KINDS), b"")
    identifier_count = pc.divide(pc.binary_length(keys), DERIVED_KEYS_BYTES)
    siblings_length = pc.multiply(pc.subtract(identifier_count, 1), LOCATOR_BYTES)
    record_length = pc.add(pc.binary_length(shared), siblings_length)
    has_too_many = pc.greater(identifier_count, MAX_IDENTIFIERS_PER_PERSON)
    reasons = pc.case_when(
        pc.make_struct(has_too_many, pc.greater(record_length, MAX_RECORD_BYTES)),
        TOO_MANY_IDENTIFIERS,
        TOO_MANY_VALUES,
    )
    fits, rejected = reasons.is_null(), reasons.is_valid()
    lines, rejected_for = reachable["line"].filter(rejected).to_pylist(), reasons.filter(rejected).to_pylist()
    result.rejects = [
        RejectedRow(line, "account_ref", reason) for line, reason in zip(lines, rejected_for, strict=True)
    ]
    has_phone_only = pc.and_(fits, pc.equal(reachable["email"], ""))
    result.phone_only = count_by_calling_codes(reachable["phone"].filter(has_phone_only))
    details = reachable["details"].filter(fits)
    result.people = len(details)
    result.cohort_counts = count_cohort_items(details)
    result.rows = pc.sum(identifier_count.filter(fits)).as_py() or 0
    size = pc.multiply(record_length, identifier_count)
    columns = {"subject": subjects, "shared": shared, "derived_keys": keys, "size": size}
    return result, pa.record_batch(columns).filter(fits)


def count_by_calling_codes(phones: pa.StringArray) -> Counter[tuple[str, ...]]:
    """Count cells of phones by the sorted calling codes in each. Nearly all are one Korean number, which a regular expression counts."""
    is_korean = pc.match_substring_regex(phones, r"\A\+82[0-9]+\z")
    others = phones.filter(pc.invert(is_korean)).to_pylist()
    counts = Counter(tuple(sorted({calling_code(phone) for phone in split_values(cell)})) for cell in others)
    counts[("82",)] += len(phones) - len(others)
    return +counts


def count_cohort_items(details: pa.StringArray) -> Counter[tuple[str, int]]:
    """Count people by cohort and bit mask of their items."""
    counts = Counter[tuple[str, int]]()
    for counted in details.value_counts().to_pylist():
        for cohort_items in summarize(counted["values"]).cohort_item_masks:
            counts[cohort_items] += counted["counts"]
    return counts


def _encode_shared_part(
    people: pa.RecordBatch,
    context: ImportContext,
    subjects: pa.BinaryArray,
    batch: KeyholderBatch,
    name_tags: dict[str, bytes],
) -> pa.BinaryArray:
    """Encode for each person what all their records share: everything except the siblings."""
    encoded = people["details"].dictionary_encode()  # most people have the same details as others
    summaries = [*map(summarize, encoded.dictionary.to_pylist())]
    if any(not summary.item_counts and CONFIDENCES[summary.confidence_index] != "withdrawn" for summary in summaries):
        raise ImportFailed("a person without items who is not withdrawn was about to be sealed; nothing was imported")
    headers = [
        encode_header(role, CONFIDENCES[summary.confidence_index], has_hints=has_hints)
        for summary in summaries
        for role in ROLES
        for has_hints in (False, True)
    ]
    items = [
        encode_items(summary.item_counts, [context.cohort_indexes[cohort] for cohort in summary.cohorts])
        for summary in summaries
    ]
    if context.has_hints:
        hints = pa.array([encode_hints(mask_hints(person)) for person in to_rows(people)], pa.binary())
    else:
        hints = pa.array([b""] * people.num_rows, pa.binary())
    is_recipient = pc.invert(pc.ends_with(people["person_ref"], mac_inputs.REF_SEPARATOR))
    role_index, hints_index = (flag.cast(pa.int32()) for flag in (is_recipient, pc.not_equal(hints, b"")))
    header_index = pc.add(pc.multiply(encoded.indices, 4), pc.add(pc.multiply(role_index, 2), hints_index))
    return pc.binary_join_element_wise(
        pa.array(headers, pa.binary()).take(header_index),
        subjects,
        pa.array(items, pa.binary()).take(encoded.indices),
        batch.derive_tags("name", people["name"], name_tags),
        batch.derive_tags("address", people["address"], {}),
        hints,
        b"",
    )


def mask_hints(person: CanonicalRow) -> dict[ValueKind, tuple[str, ...]]:
    """Mask the person's exposed values, so that they can be shown to the person as hints."""
    exposed = summarize(person.details).item_counts
    values = {kind: split_values(getattr(person, kind)) for kind in VALUE_KINDS}
    return {
        kind: tuple(sorted({mask(kind, text) for text in values[kind]})[:MAX_HINTS_PER_KIND])
        for kind in VALUE_KINDS
        if kind in exposed and values[kind]
    }
