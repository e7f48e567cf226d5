"""Second stage of an inspection: merges the rows of each person as an import does, and counts the people."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto.key_derivation import LOCATOR_BYTES
from app.crypto.mac_inputs import REF_SEPARATOR, SUBJECT_BYTES, TAG_BYTES
from app.crypto.row_sealing import MAX_RECORD_BYTES
from app.datasets.record import CONFIDENCES, encode_hints, encode_items, encode_tags
from app.identifiers import IDENTIFIER_KINDS, VALUE_KINDS
from app.importing.inspection.block_counts import RejectGroup
from app.importing.keyholder_batch import (
    MAX_IDENTIFIERS_PER_PERSON,
    TOO_MANY_IDENTIFIERS,
    TOO_MANY_VALUES,
    count_by_calling_codes,
    count_cohort_items,
    mask_hints,
)
from app.importing.merge_people import merge_by_person, split_values, summarize
from app.importing.occurrences import Occurrences, add_by_key
from app.importing.row_batch import VALUE_SEPARATOR, CanonicalRow, partition_by_hash, serialize_batch, to_rows
from app.importing.spill import Spill

MANY_NAMES = 5
"""A person with more names than this is probably several people under one reference."""

_LONG_NUMBER = rf"(?:\A|{REF_SEPARATOR})[0-9]{{12,}}(?:{REF_SEPARATOR}|\z)"
_ROUNDED_NUMBER = rf"(?:\A|{REF_SEPARATOR})(?:[0-9]{{15}}0+|[0-9]{{6,15}}000000)(?:{REF_SEPARATOR}|\z)"
"""A spreadsheet keeps 15 digits of a number, and shows six where it writes a power of ten."""


@dataclass(frozen=True, slots=True)
class PeopleStage:
    """Input that all tasks of the second stage share. The output has as many partitions as the input."""

    read_spill: Spill
    block_count: int
    partition_count: int
    cohort_indexes: Mapping[str, int]
    has_hints: bool
    """Whether records would hold masked hints."""
    identifier_spill: Spill


@dataclass(slots=True)
class PeopleCounts:
    """Counts of one partition of people, or of several together. All but the first and the last two are of people that an import would seal."""

    unreachable: int = 0
    people: int = 0
    recipients: int = 0
    confidences: Counter[str] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    """People by item."""
    cohort_items: Counter[tuple[str, int]] = field(default_factory=Counter)
    """People by cohort and bit mask of their items, as in `SealResult`."""
    phone_only: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """People without an email, by the calling codes of their phones."""
    several_names: int = 0
    merged_people: Occurrences = field(default_factory=Occurrences)
    """People whose rows contradict each other, by their first lines (see `merge_guard`)."""
    many_names: Occurrences = field(default_factory=Occurrences)
    """People with more than `MANY_NAMES` names."""
    long_numbers: int = 0
    """People with a reference of twelve digits or more."""
    rounded_numbers: Occurrences = field(default_factory=Occurrences)
    """Those whose reference ends in zeros as if a spreadsheet had rounded it."""
    rejects: dict[RejectGroup, Occurrences] = field(default_factory=dict)
    """People that do not fit into a record."""

    def add(self, other: "PeopleCounts") -> None:
        """Add the counts of another partition."""
        self.unreachable += other.unreachable
        self.people += other.people
        self.recipients += other.recipients
        self.several_names += other.several_names
        self.long_numbers += other.long_numbers
        self.merged_people += other.merged_people
        self.many_names += other.many_names
        self.rounded_numbers += other.rounded_numbers
        add_by_key(self.rejects, other.rejects)
        for name in ("confidences", "items", "cohort_items", "phone_only"):
            getattr(self, name).update(getattr(other, name))


def count_people(stage: PeopleStage, partition: int) -> PeopleCounts:
    """Count the people of one partition, and write their identifiers to the spill file of that index.

    Raises:
        ImportFailed: one person has too many rows.
        SpillCorrupted: a file of the read stage cannot be decrypted.
    """
    merged, merged_people = merge_by_person(stage.read_spill.read_all(stage.block_count, partition))
    counts = PeopleCounts(merged_people=merged_people)
    reachable = merged.filter(pc.or_(pc.not_equal(merged["email"], ""), pc.not_equal(merged["phone"], "")))
    counts.unreachable = merged.num_rows - reachable.num_rows
    people = _reject_oversized(reachable, stage, counts)
    counts.people = people.num_rows
    counts.recipients = people.num_rows - (pc.sum(pc.ends_with(people["person_ref"], REF_SEPARATOR)).as_py() or 0)
    counts.cohort_items = count_cohort_items(people["details"])
    counts.phone_only = count_by_calling_codes(people["phone"].filter(pc.equal(people["email"], "")))
    for counted in people["details"].value_counts().to_pylist():
        summary = summarize(counted["values"])
        counts.confidences[CONFIDENCES[summary.confidence_index]] += counted["counts"]
        counts.items.update(dict.fromkeys(summary.item_counts, counted["counts"]))
    further_names = pc.count_substring(people["name"], VALUE_SEPARATOR)
    counts.several_names = pc.sum(pc.greater(further_names, 0)).as_py() or 0
    counts.many_names = _lines_where(people, pc.greater_equal(further_names, MANY_NAMES))
    long_numbers = people.filter(pc.match_substring_regex(people["person_ref"], _LONG_NUMBER))
    counts.long_numbers = long_numbers.num_rows
    is_rounded = pc.match_substring_regex(long_numbers["person_ref"], _ROUNDED_NUMBER)
    counts.rounded_numbers = _lines_where(long_numbers, is_rounded)
    stage.identifier_spill.write(partition, _partition_identifiers(people, stage.partition_count))
    return counts


def _lines_where(people: pa.RecordBatch, condition: pa.BooleanArray) -> Occurrences:
    return Occurrences.at(people["line"].filter(condition).to_pylist())


def _reject_oversized(people: pa.RecordBatch, stage: PeopleStage, counts: PeopleCounts) -> pa.RecordBatch:
    """Return the people that fit into a record, and count the others as the seal stage of an import does."""
    lengths = (pc.binary_length(people[kind]) for kind in VALUE_KINDS)
    may_be_oversized = pc.greater(reduce(pc.add, lengths), _SMALL_CELLS_BYTES)
    lines: dict[RejectGroup, list[int]] = {}
    fits = []
    for row in to_rows(people.filter(may_be_oversized)):
        reason = _find_oversize(row, stage)
        fits.append(not reason)
        if reason:
            lines.setdefault(("account_ref", reason), []).append(row.line)
    if not lines:
        return people
    counts.rejects = {group: Occurrences.at(found) for group, found in lines.items()}
    return people.filter(pc.replace_with_mask(pc.invert(may_be_oversized), may_be_oversized, pa.array(fits)))


_SMALL_CELLS_BYTES = 4_000
"""A person whose values together are no longer always fits: a record takes less than nine bytes for a byte of them."""


def _find_oversize(person: CanonicalRow, stage: PeopleStage) -> str:
    """Return why a person does not fit into a record, in the words of an import; empty if they do."""
    identifiers = len(split_values(person.email)) + len(split_values(person.phone))
    if identifiers > MAX_IDENTIFIERS_PER_PERSON:
        return TOO_MANY_IDENTIFIERS
    summary = summarize(person.details)
    length = (
        1
        + SUBJECT_BYTES
        + len(encode_items(summary.item_counts, [stage.cohort_indexes[cohort] for cohort in summary.cohorts]))
        + sum(len(encode_tags([bytes(TAG_BYTES)] * len(split_values(cell)))) for cell in (person.name, person.address))
        + (len(encode_hints(mask_hints(person))) if stage.has_hints else 0)
        + LOCATOR_BYTES * (identifiers - 1)
    )
    return TOO_MANY_VALUES if length > MAX_RECORD_BYTES else ""


def _partition_identifiers(people: pa.RecordBatch, partition_count: int) -> list[pa.Buffer | bytes]:
    """Return for each partition of identifiers those of *people*, each with the line of its person."""
    identifiers, lines = [], []
    for kind in IDENTIFIER_KINDS:
        holders = people.filter(pc.not_equal(people[kind], ""))
        values = pc.split_pattern(holders[kind], VALUE_SEPARATOR)
        identifiers.append(pc.list_flatten(values))
        lines.append(holders["line"].take(pc.list_parent_indices(values)))
    batch = pa.record_batch([pa.concat_arrays(identifiers), pa.concat_arrays(lines)], ["identifier", "line"])
    hashes = map(crc32, batch["identifier"].cast(pa.binary()).to_pylist())
    return [*map(serialize_batch, partition_by_hash(batch, hashes, partition_count))]
