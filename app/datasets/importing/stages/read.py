"""Stage one: the rows of a file, judged, in canonical form, and put aside by person.

Everything that can be refused about a row is refused here, before anything is sealed. Rows of one person, wherever in the file they stand, come to
lie in one partition.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, cast
from unicodedata import normalize

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto import mac_inputs
from app.datasets.files import COLUMNS, Block, SourceFormat, CellError, RejectedRow, ParsedBlock, check_items, parse_cell
from app.datasets.importing.row_batch import BETWEEN_CELLS, BETWEEN_VALUES, SCHEMA, Claim, collect_cohorts, pack, parted_by_person
from app.datasets.importing.spill import Spill
from app.datasets.record import CONFIDENCES
from app.datasets.synthetic import SYNTHETIC_PREFIX
from app.identifiers import ValueKind, MalformedValue, canonicalize
from app.identifiers.bulk import BULK_CANONICALIZERS
from app.incidents import ITEM_KINDS


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading the blocks of a file takes."""

    format: SourceFormat
    declared: frozenset[str]
    """Items that the incident knows."""
    partitions: int
    spill: Spill
    watched: frozenset[str] = field(default=frozenset(), repr=False)
    """Phones that are nobody's, unless the file has them."""


@dataclass(slots=True)
class Read:
    """What became of a block."""

    rows: int = 0
    rejects: list[RejectedRow] = field(default_factory=list)
    cohorts: set[str] = field(default_factory=set)
    synthetic: bool = False
    read: int = 0
    taken: set[str] = field(default_factory=set, repr=False)
    """Of the watched phones."""


def read_block(reading: Reading, task: tuple[int, Block]) -> Read:
    """Read a block and put its rows aside, in a file of its number.

    Raises:
        InvalidFile: the block cannot be read as a whole.
    """
    number, block = task
    rows, rejects = validate_rows(reading.format.parse(block), reading.declared)
    reading.spill.write(number, [*map(pack, parted_by_person(rows, reading.partitions))])
    phones = BETWEEN_VALUES.join(rows["phone"].to_pylist()).split(BETWEEN_VALUES) if reading.watched else ()
    return Read(
        rows=rows.num_rows,
        rejects=rejects,
        cohorts=collect_cohorts(rows),
        synthetic=pc.any(pc.starts_with(rows["person_ref"], SYNTHETIC_PREFIX)).as_py() is True,
        read=block.end_position,
        taken={*reading.watched.intersection(phones)},
    )


def validate_rows(table: ParsedBlock, declared: frozenset[str]) -> tuple[pa.RecordBatch, list[RejectedRow]]:
    """Judge what the rows of a block say, and spell it in canonical form; and what cannot be taken.

    Column by column: the common spellings of one at once, and each other cell by itself.
    """
    values = [_values(name, cells, table.pipe_separated) for name, cells in zip(COLUMNS[:_VALUES], table.columns, strict=False)]
    columns = [*values, _claims(table.columns[_VALUES:], table.pipe_separated, declared)]
    (account, recipient), (*kinds, claims) = (columns[0].texts, columns[1].texts), (one.texts for one in columns[2:])
    person_ref = pc.binary_join_element_wise(account, recipient, mac_inputs.REF_SEPARATOR)
    rows = pa.record_batch([person_ref, pa.array(table.lines, pa.int64()), *kinds, claims], SCHEMA)
    problems: dict[int, RejectedRow] = {}
    for column in columns:
        for place, fault in column.faults.items():
            problems.setdefault(place, RejectedRow(table.lines[place], fault.column, fault.reason))
    if problems:
        rows = rows.filter(pa.array([place not in problems for place in range(rows.num_rows)]))
    return rows, [*table.rejects, *problems.values()]


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a cell cannot be taken, in the place of its spelling."""

    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Judged:
    """One part of each row of a block, as a `CanonicalRow` has it; null where that is a fault."""

    texts: pa.StringArray
    faults: Mapping[int, _Fault]

    @classmethod
    def one_by_one(cls, spelled: Sequence[str | _Fault]) -> "_Judged":
        faults = {place: one for place, one in enumerate(spelled) if isinstance(one, _Fault)}
        return cls(pa.array([None if isinstance(one, _Fault) else one for one in spelled], pa.string()), faults)


def _values(name: str, cells: Sequence[object], pipe_separated: bool) -> _Judged:
    """Judge the references or values of one column."""
    if not pipe_separated:
        return _Judged.one_by_one(_spelled(name, cells, pipe_separated=False))
    column = pa.array(cells, pa.string())
    texts = pc.if_else(pc.equal(column, ""), "" if name != "account_ref" else None, _VECTORIZED_RULES[name](column))
    undecided = texts.is_null()
    left = _Judged.one_by_one(_spelled(name, column.filter(undecided).to_pylist(), pipe_separated=True))
    places = pc.indices_nonzero(undecided)
    return _Judged(
        pc.replace_with_mask(texts, undecided, left.texts),
        {places[place].as_py(): fault for place, fault in left.faults.items()},
    )


def _spelled(name: str, cells: Sequence[object], *, pipe_separated: bool) -> list[str | _Fault]:
    """Spell cells one by one, though the common spellings among all their values at once."""
    found = [parse_cell(name, cell, pipe_separated=pipe_separated) for cell in cells]
    if name in _REFERENCES:
        return [_Fault(name, one.reason) if isinstance(one, CellError) else cast("str", one) for one in found]
    several = [() if isinstance(one, CellError) else cast("tuple[str, ...]", one) for one in found]
    forms = _forms(cast("ValueKind", name), {text for texts in several for text in texts})
    return [
        _Fault(name, one.reason) if isinstance(one, CellError) else _together([forms[text] for text in texts])
        for one, texts in zip(found, several, strict=True)
    ]


def _forms(kind: ValueKind, texts: Iterable[str]) -> dict[str, str | _Fault]:
    """Give the canonical form of each text. Folded by NFKC, as every rule begins, most rare spellings (full-width, decomposed) are common ones."""
    different = [*texts]
    forms = BULK_CANONICALIZERS[kind](pa.array([normalize("NFKC", text) for text in different], pa.string())).to_pylist()
    return {text: form or _canonical(kind, text) for text, form in zip(different, forms, strict=True)}  # none is empty


def _canonical(kind: ValueKind, text: str) -> str | _Fault:
    try:
        return canonicalize(kind, text)
    except MalformedValue as malformed:
        return _Fault(kind, malformed.reason)


def _together(forms: Sequence[str | _Fault]) -> str | _Fault:
    """Put the values of one cell together; the first fault stands for all."""
    fault = next((one for one in forms if isinstance(one, _Fault)), None)
    return fault or BETWEEN_VALUES.join(sorted({*cast("Sequence[str]", forms)}))


def _claims(columns: Sequence[Sequence[object]], pipe_separated: bool, declared: frozenset[str]) -> _Judged:
    """Judge what the rows say beside values: the cells of several columns, together. With text, each different claim once."""
    if not pipe_separated:
        return _Judged.one_by_one([_claim(cells, False, declared) for cells in zip(*columns, strict=True)])
    said = pc.binary_join_element_wise(*(pa.array(cells, pa.string()) for cells in columns), BETWEEN_CELLS)
    said = said.dictionary_encode()
    different = [_claim(cells.split(BETWEEN_CELLS), True, declared) for cells in said.dictionary.to_pylist()]
    once = _Judged.one_by_one(different)
    faults: dict[int, _Fault] = {}
    if once.faults:
        places = enumerate(said.indices.to_pylist())
        faults = {place: once.faults[one] for place, one in places if one in once.faults}
    return _Judged(once.texts.take(said.indices), faults)


_VALUES = COLUMNS.index("items")
"""So many columns, the first, name a person or hold values; the others make a `Claim`."""


_REFERENCES = COLUMNS[:2]
_UNDECIDED = pa.scalar(None, pa.string())


def _reference(column: pa.StringArray) -> pa.StringArray:
    """Take references that stand for themselves, which most do; null for others."""
    return pc.if_else(pc.match_substring_regex(column, r"\A[0-9A-Za-z_-]{1,64}\z"), column, _UNDECIDED)


_VECTORIZED_RULES: Mapping[str, Callable[[pa.StringArray], pa.StringArray]] = MappingProxyType(
    dict.fromkeys(_REFERENCES, _reference) | dict(BULK_CANONICALIZERS)
)


def _claim(cells: Sequence[object], pipe_separated: bool, declared: frozenset[str]) -> str | _Fault:
    values: list[Any] = []
    for column, cell in zip(COLUMNS[_VALUES:], cells, strict=True):
        value: Any = parse_cell(column, cell, pipe_separated=pipe_separated)
        if isinstance(value, CellError):
            return _Fault(column, value.reason)
        values.append(value)
    items, cohort, views, confidence = values
    if problem := check_items(items, confidence):
        return _Fault("items", problem.reason)
    if not declared.issuperset(items):
        return _Fault("items", "an item that the incident does not declare")
    mask = sum(1 << bit for bit, kind in enumerate(ITEM_KINDS) if kind in items)
    return str(Claim(mask, views, CONFIDENCES.index(confidence), cohort))
