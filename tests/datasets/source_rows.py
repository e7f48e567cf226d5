"""A data set file read row by row, as it stands: what the import reads column by column."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from app.datasets.files import COLUMNS, NO_ROWS, BadFile, Finding, Problem, Reject, Table, opened, read_cell


def read_rows(path: Path | str, *, encoding: str = "utf-8") -> Iterator[Finding | Reject]:
    """Stream the rows of a file; whatever is wrong is raised while iterating."""
    path = Path(path)
    with opened(path, encoding=encoding) as file:
        rows = (row for block in file.blocks for row in findings(file.format.table(block)))
        first = next(rows, None)
        if first is None:
            raise BadFile.at(path.name, NO_ROWS)
        yield first
        yield from rows


def findings(table: Table) -> list[Finding | Reject]:
    """The rows of a block, in the order of their lines."""
    columns = [column.to_pylist() if isinstance(column, pa.Array) else column for column in table.columns]
    rows = [_finding(line, cells, table.piped) for line, *cells in zip(table.lines, *columns, strict=True)]
    return sorted([*rows, *table.rejects], key=lambda row: row.line)


def _finding(line: int, cells: Sequence[object], piped: bool) -> Finding | Reject:
    values: list[Any] = []
    for column, cell in zip(COLUMNS, cells, strict=True):
        value = read_cell(column, cell, piped=piped)
        if isinstance(value, Problem):
            return Reject(line, column, value.reason)
        values.append(value)
    return Finding(line, *values)
