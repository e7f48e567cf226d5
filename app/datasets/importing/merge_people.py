"""The rows of one person, united."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import pyarrow as pa
import pyarrow.compute as pc

from app.datasets.errors import ImportFailed
from app.datasets.importing.row_batch import BETWEEN_CELLS, BETWEEN_VALUES, SCHEMA, Claim, CanonicalRow, to_batch, to_rows, unpack
from app.incidents import ITEM_KINDS, ItemKind

MAX_ROWS_PER_PERSON = 100_000
"""Of one person: far more than anybody has, and few enough to hold in memory."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What the claims of one person come to: items and cohorts add up, and the highest confidence wins."""

    items: Mapping[ItemKind, int]
    cohorts: tuple[str, ...]
    confidence: int
    """Its place in `CONFIDENCES`."""
    seen: tuple[tuple[str, int], ...]
    """For each cohort the items, as a mask, that this person has in it."""


def merge_by_person(parts: Iterable[bytes]) -> pa.RecordBatch:
    """Bring the rows of each person together and unite them; *parts* are as the read stage puts them aside.

    Raises:
        ImportFailed: one person has more of them than `MAX_ROWS_PER_PERSON`.
    """
    held, count, bearable = [to_batch(())], 0, MAX_ROWS_PER_PERSON
    for part in map(unpack, filter(None, parts)):
        held.append(part)
        count += part.num_rows
        if count > bearable:  # whoever has too many is noticed before they fill the memory
            _counted(pa.concat_batches(held))
            bearable = 2 * count
    rows = pa.concat_batches(held)
    person_ref, rows_of = _counted(rows)
    has_two = pc.equal(rows_of, 2)
    pairs = rows.filter(has_two).take(pc.array_sort_indices(person_ref.filter(has_two)))
    one, other = (pairs.take(pa.array(range(first, len(pairs), 2), pa.int32())) for first in range(2))
    people: dict[str, list[CanonicalRow]] = {}
    for row in to_rows(rows.filter(pc.greater(rows_of, 2))):
        people.setdefault(row.person_ref, []).append(row)
    alone = rows.filter(pc.equal(rows_of, 1))
    return pa.concat_batches([alone, _both(one, other), to_batch(map(merge_rows, people.values()))])


def _counted(rows: pa.RecordBatch) -> tuple[pa.Int32Array, pa.Int64Array]:
    """Number the people; gives whose each row is, and how many rows that person has.

    Raises:
        ImportFailed: one has too many.
    """
    person_ref = rows["person_ref"].dictionary_encode().indices
    rows_of = person_ref.value_counts().field("counts").take(person_ref)  # it counts them in the order of their numbers
    too_many = rows.filter(pc.greater(rows_of, MAX_ROWS_PER_PERSON))
    if too_many.num_rows:
        first = pc.min(too_many["line"])
        reason = f"one person has over {MAX_ROWS_PER_PERSON:,} rows; nothing was imported"
        raise ImportFailed(f"line {first}, column account_ref: {reason}")
    return person_ref, rows_of


def merge_rows(rows: Sequence[CanonicalRow]) -> CanonicalRow:
    """Unite one person's rows."""
    whos, lines, emails, phones, names, addresses, claims = zip(*rows, strict=True)
    return CanonicalRow(
        person_ref=whos[0],
        line=min(lines),
        email=_united(emails),
        phone=_united(phones),
        name=_united(names),
        address=_united(addresses),
        claims=BETWEEN_CELLS.join(sorted(claims)),
    )


def _both(one: pa.RecordBatch, other: pa.RecordBatch) -> pa.RecordBatch:
    """Do as `merge_rows` for many people who have two rows each, as nearly all have who have several."""
    values = map(_of_both, one.columns[_VALUES], other.columns[_VALUES])
    line = pc.min_element_wise(one["line"], other["line"])
    in_order = [first(one["claims"], other["claims"]) for first in (pc.min_element_wise, pc.max_element_wise)]
    return pa.record_batch([one["person_ref"], line, *values, pc.binary_join_element_wise(*in_order, BETWEEN_CELLS)], SCHEMA)


_VALUES = slice(CanonicalRow._fields.index("email"), CanonicalRow._fields.index("claims"))


def _of_both(one: pa.StringArray, other: pa.StringArray) -> pa.StringArray:
    just_one = pc.or_(pc.equal(one, other), pc.equal(other, ""))
    values = pc.case_when(pc.make_struct(just_one, pc.equal(one, "")), one, other)
    left = values.is_null()
    united = map(_united, zip(one.filter(left).to_pylist(), other.filter(left).to_pylist(), strict=True))
    return pc.replace_with_mask(values, left, pa.array(united, pa.string()))


@lru_cache(maxsize=1 << 12)
def sum_up(claims: str) -> Sum:
    """Say what one person's claims come to. Remembered, since most people's are the same as others'."""
    items: Counter[ItemKind] = Counter()
    seen: dict[str, int] = {}
    confidence = 0
    for mask, views, sure, cohort in map(Claim.parse, claims.split(BETWEEN_CELLS)):
        for bit, kind in enumerate(ITEM_KINDS):
            if mask >> bit & 1:
                items[kind] += views
        seen[cohort] = seen.get(cohort, 0) | mask
        confidence = max(confidence, sure)
    return Sum(items, tuple(sorted(cohort for cohort in seen if cohort)), confidence, tuple(seen.items()))


def split_values(values: str) -> list[str]:
    """Take the values of one kind apart."""
    return values.split(BETWEEN_VALUES) if values else []


def _united(several: Iterable[str]) -> str:
    different = {*several}
    different.discard("")
    if len(different) < 2:
        return different.pop() if different else ""
    return BETWEEN_VALUES.join(sorted({*BETWEEN_VALUES.join(different).split(BETWEEN_VALUES)}))
