"""Validates the rows of a block and brings them to canonical form.

Every check of a single row happens here, before anything is sealed. A malformed email is left out of a row that has another identifier; any other
value that cannot be used rejects its row.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, cast
from unicodedata import normalize

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto import mac_inputs
from app.datasets.record import CONFIDENCES
from app.identifiers import MalformedValue, ValueKind, canonicalize
from app.identifiers.bulk import BULK_CANONICALIZERS
from app.identifiers.email import NOT_AN_EMAIL, holds_several_emails
from app.importing.occurrences import Occurrences
from app.importing.row_batch import CELL_SEPARATOR, ROW_SCHEMA, VALUE_SEPARATOR, ExposureDetails
from app.incidents.items import ITEM_KINDS
from app.source_files import COLUMNS, CellError, ParsedBlock, RejectedRow, check_items, parse_cell
from app.source_files.markers import STANDS_FOR_NOTHING
from app.source_files.references import MAX_PLAIN_CHARS, PLAIN_REFERENCE
from app.source_files.schema import REFERENCE_COLUMNS, SEVERAL_EMAILS, SEVERAL_NAMES, holds_several_names


@dataclass(frozen=True, slots=True)
class ValidatedBlock:
    """The rows of a block in canonical form, and what was found in it."""

    rows: pa.RecordBatch
    """The valid ones."""
    rejects: list[RejectedRow]
    emails_left_out: Occurrences
    """Malformed emails that were left out of a valid row."""
    markers: Counter[str]
    """Cells that stand for nothing, by column. A row with several of them is rejected once."""
    rare_spellings: Counter[str]
    """Cells with a value that only the full rule of its kind decides, by column."""


def validate_rows(
    table: ParsedBlock, declared_items: frozenset[str]
) -> tuple[pa.RecordBatch, list[RejectedRow], Occurrences]:
    """Return the valid rows of a block in canonical form, the rejected ones, and the malformed emails that were left out of a valid row."""
    validated = validate_block(table, declared_items)
    return validated.rows, validated.rejects, validated.emails_left_out


def validate_block(table: ParsedBlock, declared_items: frozenset[str]) -> ValidatedBlock:
    """Validate the rows of a block and convert them to canonical form.

    Works column by column: the common spellings of a whole column at once, every other cell individually.
    """
    value_cells = zip(COLUMNS[:_VALUE_COLUMN_COUNT], table.columns, strict=False)
    values = {name: _validate_values(name, cells, table.pipe_separated) for name, cells in value_cells}
    values["email"], left_out = _leave_out_malformed_emails(values["email"], values["phone"])
    details_cells = table.columns[_VALUE_COLUMN_COUNT:]
    columns = [*values.values(), _validate_details(details_cells, table.pipe_separated, declared_items)]
    account_ref, recipient_ref, *kinds, details = (column.texts for column in columns)
    person_ref = pc.binary_join_element_wise(account_ref, recipient_ref, mac_inputs.REF_SEPARATOR)
    rows = pa.record_batch([person_ref, pa.array(table.lines, pa.int64()), *kinds, details], ROW_SCHEMA)
    rejects: dict[int, RejectedRow] = {}
    markers = Counter[str]()
    for column in columns:
        for row_index, fault in column.faults.items():
            markers[fault.column] += fault.reason == STANDS_FOR_NOTHING
            rejects.setdefault(row_index, RejectedRow(table.lines[row_index], fault.column, fault.reason))
    if rejects:
        rows = rows.filter(pa.array([row_index not in rejects for row_index in range(rows.num_rows)]))
    in_valid_rows = ((table.lines[index], fault) for index, fault in left_out.items() if index not in rejects)
    lines = [line for line, fault in in_valid_rows for _ in range(fault.malformed_count)]
    rare_spellings = Counter({name: column.rare_spellings for name, column in values.items()})
    return ValidatedBlock(rows, [*table.rejects, *rejects.values()], Occurrences.at(lines), +markers, +rare_spellings)


@dataclass(frozen=True, slots=True)
class _CellFault:
    """Why a cell is rejected."""

    column: str
    reason: str
    rest: str | None = None
    """The cell without its malformed emails; None if anything else in it is at fault."""
    malformed_count: int = 0


@dataclass(frozen=True, slots=True)
class _ValidatedColumn:
    """One column of `ROW_SCHEMA` for a block; null where the cell is rejected."""

    texts: pa.StringArray
    faults: Mapping[int, _CellFault]
    """Faults by row index, ascending."""
    rare_spellings: int = 0
    """Cells with a value that only the full rule decides."""

    @classmethod
    def from_cells(cls, cells: Sequence[str | _CellFault], rare_spellings: int = 0) -> "_ValidatedColumn":
        faults = {row_index: cell for row_index, cell in enumerate(cells) if isinstance(cell, _CellFault)}
        texts = pa.array([None if isinstance(cell, _CellFault) else cell for cell in cells], pa.string())
        return cls(texts, faults, rare_spellings)


def _validate_values(name: str, cells: Sequence[object], pipe_separated: bool) -> _ValidatedColumn:
    """Validate one column of references or values."""
    if not pipe_separated:
        return _normalize_cells(name, cells, pipe_separated=False)
    column = pa.array(cells, pa.string())
    texts = pc.if_else(pc.equal(column, ""), "" if name != "account_ref" else None, _VECTORIZED_RULES[name](column))
    uncommon = texts.is_null()
    normalized = _normalize_cells(name, column.filter(uncommon).to_pylist(), pipe_separated=True)
    row_indexes = pc.indices_nonzero(uncommon)
    return _ValidatedColumn(
        pc.replace_with_mask(texts, uncommon, normalized.texts),
        {row_indexes[index].as_py(): fault for index, fault in normalized.faults.items()},
        normalized.rare_spellings,
    )


def _leave_out_malformed_emails(
    emails: _ValidatedColumn, phones: _ValidatedColumn
) -> tuple[_ValidatedColumn, Mapping[int, _CellFault]]:
    """Leave malformed emails out of the rows that have another email or a phone.

    Returns:
        The column without these faults, and these faults.
    """
    left_out = {
        row_index: fault
        for row_index, fault in emails.faults.items()
        if fault.rest is not None and (fault.rest or phones.texts[row_index].as_py())
    }
    if not left_out:
        return emails, left_out
    rests = [fault.rest if row_index in left_out else None for row_index, fault in emails.faults.items()]
    texts = pc.replace_with_mask(emails.texts, emails.texts.is_null(), pa.array(rests, pa.string()))
    faults = {row_index: fault for row_index, fault in emails.faults.items() if row_index not in left_out}
    return replace(emails, texts=texts, faults=faults), left_out


def _normalize_cells(name: str, cells: Sequence[object], *, pipe_separated: bool) -> _ValidatedColumn:
    """Convert cells to canonical form one by one, but the common spellings among all their values at once."""
    parsed_cells = [parse_cell(name, cell, pipe_separated=pipe_separated) for cell in cells]
    if name in REFERENCE_COLUMNS:
        return _ValidatedColumn.from_cells(
            [
                _CellFault(name, cell.reason) if isinstance(cell, CellError) else cast("str", cell)
                for cell in parsed_cells
            ]
        )
    values = [() if isinstance(cell, CellError) else cast("tuple[str, ...]", cell) for cell in parsed_cells]
    forms, rare = _canonical_forms(cast("ValueKind", name), {text for texts in values for text in texts})
    canonical = [
        _CellFault(name, cell.reason) if isinstance(cell, CellError) else _join_values([forms[text] for text in texts])
        for cell, texts in zip(parsed_cells, values, strict=True)
    ]
    rare_spellings = sum(not rare.isdisjoint(texts) for texts in values) if rare else 0
    return _ValidatedColumn.from_cells(canonical, rare_spellings)


def _canonical_forms(kind: ValueKind, texts: Iterable[str]) -> tuple[dict[str, str | _CellFault], set[str]]:
    """Return the canonical form of each text, and the texts that only the full rule decides.

    Every rule begins with NFKC normalization, after which most rare spellings (full-width, decomposed) are common ones.
    """
    distinct = [*texts]
    forms = BULK_CANONICALIZERS[kind](pa.array([normalize("NFKC", text) for text in distinct], pa.string())).to_pylist()
    rare = {text for text, form in zip(distinct, forms, strict=True) if not form}  # no form is empty
    return {text: form or _canonicalize(kind, text) for text, form in zip(distinct, forms, strict=True)}, rare


def _canonicalize(kind: ValueKind, text: str) -> str | _CellFault:
    if kind == "name" and holds_several_names(text):
        return _CellFault(kind, SEVERAL_NAMES)
    try:
        return canonicalize(kind, text)
    except MalformedValue as error:
        reason = error.reason
    if kind == "email" and holds_several_emails(text):
        reason = SEVERAL_EMAILS
    return _CellFault(kind, reason)


def _join_values(forms: Sequence[str | _CellFault]) -> str | _CellFault:
    """Join the values of one cell, or return its fault: one that is not a malformed email, if there is any."""
    faults = [form for form in forms if isinstance(form, _CellFault)]
    if not faults:
        return VALUE_SEPARATOR.join(sorted({*cast("Sequence[str]", forms)}))
    if other := next((fault for fault in faults if fault.reason != NOT_AN_EMAIL), None):
        return other
    rest = VALUE_SEPARATOR.join(sorted({form for form in forms if isinstance(form, str)}))
    return replace(faults[0], rest=rest, malformed_count=len(faults))


def _validate_details(
    columns: Sequence[Sequence[object]], pipe_separated: bool, declared_items: frozenset[str]
) -> _ValidatedColumn:
    """Validate the columns after the values, all together. In text formats, each distinct combination of cells is parsed once."""
    if not pipe_separated:
        return _ValidatedColumn.from_cells(
            [_parse_details(row, False, declared_items) for row in zip(*columns, strict=True)]
        )
    joined = pc.binary_join_element_wise(*(pa.array(cells, pa.string()) for cells in columns), CELL_SEPARATOR)
    encoded = joined.dictionary_encode()
    distinct_rows = (cells.split(CELL_SEPARATOR) for cells in encoded.dictionary.to_pylist())
    distinct = _ValidatedColumn.from_cells([_parse_details(row, True, declared_items) for row in distinct_rows])
    faults: dict[int, _CellFault] = {}
    if distinct.faults:
        indexes = enumerate(encoded.indices.to_pylist())
        faults = {row_index: distinct.faults[index] for row_index, index in indexes if index in distinct.faults}
    return _ValidatedColumn(distinct.texts.take(encoded.indices), faults)


_VALUE_COLUMN_COUNT = COLUMNS.index("items")
"""The first columns are references and values; the others form the `ExposureDetails`."""


UNKNOWN_ITEM = f"an item that the incident does not declare; an item is one of {', '.join(ITEM_KINDS)}"
_NULL_TEXT = pa.scalar(None, pa.string())


def _accept_plain_references(column: pa.StringArray) -> pa.StringArray:
    """Return references that `parse_reference` returns unchanged, as most are; null for the others."""
    is_short = pc.less_equal(pc.binary_length(column), MAX_PLAIN_CHARS)
    is_plain = pc.and_(is_short, pc.match_substring_regex(column, PLAIN_REFERENCE))
    return pc.if_else(is_plain, column, _NULL_TEXT)


_VECTORIZED_RULES: Mapping[str, Callable[[pa.StringArray], pa.StringArray]] = MappingProxyType(
    dict.fromkeys(REFERENCE_COLUMNS, _accept_plain_references) | dict(BULK_CANONICALIZERS)
)


def _parse_details(cells: Sequence[object], pipe_separated: bool, declared_items: frozenset[str]) -> str | _CellFault:
    values: list[Any] = []
    for column, cell in zip(COLUMNS[_VALUE_COLUMN_COUNT:], cells, strict=True):
        value: Any = parse_cell(column, cell, pipe_separated=pipe_separated)
        if isinstance(value, CellError):
            return _CellFault(column, value.reason)
        values.append(value)
    items, cohort, view_count, confidence = values
    if error := check_items(items, confidence):
        return _CellFault("items", error.reason)
    if undeclared := {*items} - declared_items:
        known = ", ".join(kind for kind in ITEM_KINDS if kind in undeclared)
        reason = f"an item that the incident does not declare: {known}" if known else UNKNOWN_ITEM
        return _CellFault("items", reason)
    item_mask = sum(1 << bit for bit, kind in enumerate(ITEM_KINDS) if kind in items)
    return str(ExposureDetails(item_mask, view_count, CONFIDENCES.index(confidence), cohort))
