"""CSV and NDJSON: from rows to a file."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from app.datasets.files.schema import COLUMNS, SourceRow, join_values

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def write_csv(path: Path, rows: Iterable[SourceRow]) -> int:
    """Write a header and *rows*; answers how many rows."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for count, row in enumerate(rows, start=1):  # noqa: B007
            several = [join_values(values) for values in _several(row)]
            writer.writerow((row.account_ref, row.recipient_ref, *several, row.cohort, row.count, row.confidence))
    return count


def write_ndjson(path: Path, rows: Iterable[SourceRow]) -> int:
    """Write one object a line; answers how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        for count, row in enumerate(rows, start=1):  # noqa: B007
            cells = (row.account_ref, row.recipient_ref, *_several(row), row.cohort, row.count, row.confidence)
            filled = {column: cell for column, cell in zip(COLUMNS, cells, strict=True) if cell}
            handle.write(_ENCODER.encode(filled) + "\n")
    return count


def _several(row: SourceRow) -> tuple[tuple[str, ...], ...]:
    return row.emails, row.phones, row.names, row.addresses, row.items
