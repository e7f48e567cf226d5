"""Writes the same rows as CSV, NDJSON and Parquet, and validates them as an import does."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from app.importing.row_batch import CanonicalRow, to_rows
from app.importing.row_validation import validate_rows
from app.source_files import COLUMNS, RejectedRow, open_source_file

FORMATS = ("csv", "ndjson", "parquet")
DECLARED_ITEMS = frozenset({"name", "email", "phone", "address"})


def write_rows(folder: Path, format_: str, rows: Sequence[Mapping[str, str]]) -> Path:
    """Write rows of text cells. An absent cell is empty, but the email and the items have a default."""
    path = folder / f"set.{format_}"
    full_rows = [{"email": "mina@example.com", "items": "name", **row} for row in rows]
    columns = [column for column in COLUMNS if any(column in row for row in full_rows)]
    if format_ == "csv":
        text = io.StringIO()
        writer = csv.DictWriter(text, columns, restval="")
        writer.writeheader()
        writer.writerows(full_rows)
        path.write_bytes(text.getvalue().encode())
    elif format_ == "ndjson":
        path.write_text("".join(json.dumps(row) + "\n" for row in full_rows))
    else:
        pq.write_table(
            pa.table({column: pa.array([row.get(column) for row in full_rows], pa.string()) for column in columns}),
            path,
        )
    return path


def validate_file(path: Path, encoding: str = "utf-8") -> tuple[list[CanonicalRow], list[RejectedRow]]:
    """Return the valid rows and the rejects of a file."""
    rows: list[CanonicalRow] = []
    rejects: list[RejectedRow] = []
    with open_source_file(path, encoding=encoding) as file:
        for block in file.blocks:
            found, rejected, _ = validate_rows(file.format.parse(block), DECLARED_ITEMS)
            rows += to_rows(found)
            rejects += rejected
    return rows, rejects
