"""Merging of all rows of one person into one row."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from app.datasets.errors import ImportFailed
from app.importing.merge_guard import find_merged_pairs, is_merged
from app.importing.occurrences import Occurrences
from app.importing.row_batch import (
    CELL_SEPARATOR,
    ROW_SCHEMA,
    VALUE_SEPARATOR,
    CanonicalRow,
    ExposureDetails,
    deserialize_batch,
    to_batch,
    to_rows,
)
from app.incidents.items import ITEM_KINDS, ItemKind

MAX_ROWS_PER_PERSON = 100_000
"""Far more than any real person has, and few enough to hold in memory."""


@dataclass(frozen=True, slots=True)
class PersonSummary:
    """The `ExposureDetails` of one person together: counts and cohorts add up, the highest confidence wins."""

    item_counts: Mapping[ItemKind, int]
    cohorts: tuple[str, ...]
    confidence_index: int
    """Index into `CONFIDENCES`."""
    cohort_item_masks: tuple[tuple[str, int], ...]
    """Each cohort with the bit mask of the items that the person has in it."""


def merge_by_person(chunks: Iterable[bytes]) -> tuple[pa.RecordBatch, Occurrences]:
    """Merge the rows of each person into one row.

    Args:
        chunks: batches of rows that the read stage serialized.

    Returns:
        One row for each person, and the people whose rows contradict each other (see `merge_guard`), by their first lines.

    Raises:
        ImportFailed: one person has more than `MAX_ROWS_PER_PERSON` rows.
    """
    batches, row_count, check_above = [to_batch(())], 0, MAX_ROWS_PER_PERSON
    for batch in map(deserialize_batch, filter(None, chunks)):
        batches.append(batch)
        row_count += batch.num_rows
        if row_count > check_above:  # stop a person with too many rows before they fill the memory
            _count_rows_per_person(pa.concat_batches(batches))
            check_above = 2 * row_count
    rows = pa.concat_batches(batches)
    person_indexes, rows_of_person = _count_rows_per_person(rows)
    has_two = pc.equal(rows_of_person, 2)
    pairs = rows.filter(has_two).take(pc.array_sort_indices(person_indexes.filter(has_two)))
    left, right = (pairs.take(pa.array(range(start, len(pairs), 2), pa.int32())) for start in range(2))
    rows_by_person: dict[str, list[CanonicalRow]] = {}
    for row in to_rows(rows.filter(pc.greater(rows_of_person, 2))):
        rows_by_person.setdefault(row.person_ref, []).append(row)
    singles = rows.filter(pc.equal(rows_of_person, 1))
    others = [*map(merge_rows, rows_by_person.values())]
    merged_lines = [
        person.line for person, their_rows in zip(others, rows_by_person.values(), strict=True) if is_merged(their_rows)
    ]
    people = pa.concat_batches([singles, _merge_pairs(left, right), to_batch(others)])
    return people, Occurrences.at(find_merged_pairs(left, right) + merged_lines)


def _count_rows_per_person(rows: pa.RecordBatch) -> tuple[pa.Int32Array, pa.Int64Array]:
    """Return for each row the index of its person, and the number of rows that this person has.

    Raises:
        ImportFailed: one person has more than `MAX_ROWS_PER_PERSON` rows.
    """
    person_indexes = rows["person_ref"].dictionary_encode().indices
    # value_counts returns the counts in the order of the indexes
    rows_of_person = person_indexes.value_counts().field("counts").take(person_indexes)
    too_many = rows.filter(pc.greater(rows_of_person, MAX_ROWS_PER_PERSON))
    if too_many.num_rows:
        first_line = pc.min(too_many["line"])
        reason = f"one person has over {MAX_ROWS_PER_PERSON:,} rows; nothing was imported"
        raise ImportFailed(f"line {first_line}, column account_ref: {reason}")
    return person_indexes, rows_of_person


def merge_rows(rows: Sequence[CanonicalRow]) -> CanonicalRow:
    """Merge the rows of one person."""
    person_refs, lines, emails, phones, names, addresses, details = zip(*rows, strict=True)
    return CanonicalRow(
        person_ref=person_refs[0],
        line=min(lines),
        email=_merge_values(emails),
        phone=_merge_values(phones),
        name=_merge_values(names),
        address=_merge_values(addresses),
        details=CELL_SEPARATOR.join(sorted(details)),
    )


def _merge_pairs(left: pa.RecordBatch, right: pa.RecordBatch) -> pa.RecordBatch:
    """Merge as `merge_rows` does, for many people with two rows each: nearly all people with several rows have two."""
    values = map(_merge_value_pairs, left.columns[_VALUE_COLUMNS], right.columns[_VALUE_COLUMNS])
    line = pc.min_element_wise(left["line"], right["line"])
    sorted_details = [pick(left["details"], right["details"]) for pick in (pc.min_element_wise, pc.max_element_wise)]
    details = pc.binary_join_element_wise(*sorted_details, CELL_SEPARATOR)
    return pa.record_batch([left["person_ref"], line, *values, details], ROW_SCHEMA)


_VALUE_COLUMNS = slice(CanonicalRow._fields.index("email"), CanonicalRow._fields.index("details"))


def _merge_value_pairs(left: pa.StringArray, right: pa.StringArray) -> pa.StringArray:
    left_suffices = pc.or_(pc.equal(left, right), pc.equal(right, ""))
    values = pc.case_when(pc.make_struct(left_suffices, pc.equal(left, "")), left, right)
    unmerged = values.is_null()
    pairs = zip(left.filter(unmerged).to_pylist(), right.filter(unmerged).to_pylist(), strict=True)
    return pc.replace_with_mask(values, unmerged, pa.array(map(_merge_values, pairs), pa.string()))


@lru_cache(maxsize=1 << 12)
def summarize(details: str) -> PersonSummary:
    """Summarize the details of one merged row. Cached, because most people have the same details as others."""
    item_counts: Counter[ItemKind] = Counter()
    cohort_item_masks: dict[str, int] = {}
    highest_confidence = 0
    for item_mask, view_count, confidence_index, cohort in map(ExposureDetails.parse, details.split(CELL_SEPARATOR)):
        for bit, kind in enumerate(ITEM_KINDS):
            if item_mask >> bit & 1:
                item_counts[kind] += view_count
        cohort_item_masks[cohort] = cohort_item_masks.get(cohort, 0) | item_mask
        highest_confidence = max(highest_confidence, confidence_index)
    cohorts = tuple(sorted(cohort for cohort in cohort_item_masks if cohort))
    return PersonSummary(item_counts, cohorts, highest_confidence, tuple(cohort_item_masks.items()))


def split_values(cell: str) -> list[str]:
    """Split a cell into its values."""
    return cell.split(VALUE_SEPARATOR) if cell else []


def _merge_values(cells: Iterable[str]) -> str:
    distinct = {*cells}
    distinct.discard("")
    if len(distinct) < 2:
        return distinct.pop() if distinct else ""
    return VALUE_SEPARATOR.join(sorted({*VALUE_SEPARATOR.join(distinct).split(VALUE_SEPARATOR)}))
