"""Reads many small data set files as an import does. Their blocks are validated together, because Arrow's calls cost more than a small block."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pytest

from app.importing.merge_people import merge_by_person, split_values, summarize
from app.importing.row_batch import CanonicalRow, serialize_batch, to_rows
from app.importing.row_validation import validate_rows
from app.incidents.items import ITEM_KINDS
from app.source_files import COLUMNS, InvalidFile, ParsedBlock, RejectedRow, open_source_file
from tests.source_files.generated_files import DECLARED_ITEMS, VALUE_COLUMNS, GeneratedFile
from tests.source_files.reference_reader import Contents, Person

MAX_LINES = 10**6
"""A line of a batch is the number of its file times this, plus its line in the file."""


def read_files(folder: Path, files: Sequence[GeneratedFile]) -> list[Contents]:
    """Write, open, parse, validate and merge *files*, each in blocks of its own size."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "dateutil", None)  # Arrow would look for it on the disk at each call
        return _read_files(folder, files)


def _read_files(folder: Path, files: Sequence[GeneratedFile]) -> list[Contents]:
    results = [Contents({}, [], None) for _ in files]
    rounds: dict[tuple[int, bool], list[tuple[int, ParsedBlock]]] = {}
    for number, file in enumerate(files):
        try:
            blocks = _parse(folder, file)
        except InvalidFile as error:
            results[number] = Contents({}, [], (error.line, error.column))
            continue
        if not any(block.rejects or len(block.lines) for block in blocks):
            results[number] = Contents({}, [], (0, ""))
        for index, block in enumerate(blocks):
            rounds.setdefault((index, block.pipe_separated), []).append((number, block))
    merged_rows: list[pa.Buffer | bytes] = []
    for (_, pipe_separated), blocks_of_files in rounds.items():
        rows, rejects, _ = validate_rows(_join(blocks_of_files, pipe_separated=pipe_separated), DECLARED_ITEMS)
        merged_rows.append(serialize_batch(_prefix_person_refs(rows)))
        for reject in rejects:
            results[reject.line // MAX_LINES].rejects.append((reject.line % MAX_LINES, reject.column))
    for row in to_rows(merge_by_person(merged_rows)[0]):
        number, line = divmod(row.line, MAX_LINES)
        results[number].people[row.person_ref.partition(" ")[2]] = _facts_of(row._replace(line=line))
    return [Contents(people, sorted(rejects), error) for people, rejects, error in results]


def _parse(folder: Path, file: GeneratedFile) -> list[ParsedBlock]:
    path = folder / file.name
    path.write_bytes(file.packed())
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.source_files.blocks.BLOCK_BYTES", file.block_bytes)
        with open_source_file(path) as opened:
            return [opened.format.parse(block) for block in opened.blocks]


def _join(blocks_of_files: Iterable[tuple[int, ParsedBlock]], *, pipe_separated: bool) -> ParsedBlock:
    lines: list[int] = []
    columns: list[list[object]] = [[] for _ in COLUMNS]
    rejects: list[RejectedRow] = []
    for number, block in blocks_of_files:
        lines += [number * MAX_LINES + line for line in block.lines]
        rejects += [replace(reject, line=number * MAX_LINES + reject.line) for reject in block.rejects]
        for cells, more in zip(columns, block.columns, strict=True):
            cells.extend(more.to_pylist() if isinstance(more, pa.Array) else more)
    return ParsedBlock(lines, columns, pipe_separated, rejects)


def _prefix_person_refs(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Put the number of its file before each reference, so that people of two files are not merged."""
    numbered = [f"{row.line // MAX_LINES} {row.person_ref}" for row in to_rows(rows)]
    return rows.set_column(0, "person_ref", pa.array(numbered, pa.string()))


def _facts_of(row: CanonicalRow) -> Person:
    """Return what the merged row of one person says, in the form of the reference reader."""
    summary = summarize(row.details)
    facts: Person = {("line",): row.line, ("confidence",): summary.confidence_index}
    facts |= {(kind, value): 1 for kind in VALUE_COLUMNS for value in split_values(getattr(row, kind))}
    facts |= {("item", kind): count for kind, count in summary.item_counts.items()}
    for cohort, mask in summary.cohort_item_masks:
        facts |= {("cohort", cohort): 1}
        facts |= {("cohort", cohort, kind): 1 for bit, kind in enumerate(ITEM_KINDS) if mask >> bit & 1}
    return facts
