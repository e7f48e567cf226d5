"""Reads a data set file row by row; the import reads the same file column by column."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from app.source_files import (
    COLUMNS,
    NO_ROWS_REASON,
    CellError,
    InvalidFile,
    ParsedBlock,
    RejectedRow,
    SourceRow,
    open_source_file,
    parse_cell,
)


def read_rows(path: Path | str, *, encoding: str = "utf-8") -> Iterator[SourceRow | RejectedRow]:
    """Stream the rows of a file. Errors are raised while iterating."""
    path = Path(path)
    with open_source_file(path, encoding=encoding) as file:
        rows = (row for block in file.blocks for row in parse_block(file.format.parse(block)))
        first = next(rows, None)
        if first is None:
            raise InvalidFile.at(path.name, NO_ROWS_REASON)
        yield first
        yield from rows


def parse_block(table: ParsedBlock) -> list[SourceRow | RejectedRow]:
    """Return the rows of a block in the order of their lines."""
    columns = [column.to_pylist() if isinstance(column, pa.Array) else column for column in table.columns]
    rows = [_parse_row(line, cells, table.pipe_separated) for line, *cells in zip(table.lines, *columns, strict=True)]
    return sorted([*rows, *table.rejects], key=lambda row: row.line)


def _parse_row(line: int, cells: Sequence[object], pipe_separated: bool) -> SourceRow | RejectedRow:
    values: list[Any] = []
    for column, cell in zip(COLUMNS, cells, strict=True):
        value = parse_cell(column, cell, pipe_separated=pipe_separated)
        if isinstance(value, CellError):
            return RejectedRow(line, column, value.reason)
        values.append(value)
    return SourceRow(line, *values)
