"""Write rows to CSV and NDJSON files."""

import csv
import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from typing import BinaryIO, Final, TextIO

from app.source_files.schema import COLUMNS, SourceRow, join_values

_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def write_csv(file: BinaryIO, rows: Iterable[SourceRow]) -> int:
    """Write a header and *rows*; return the number of rows."""
    count = 0
    with text_of(file) as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for count, row in enumerate(rows, start=1):  # noqa: B007
            joined = [join_values(values) for values in _multi_values(row)]
            writer.writerow((row.account_ref, row.recipient_ref, *joined, row.cohort, row.count, row.confidence))
    return count


def write_ndjson(file: BinaryIO, rows: Iterable[SourceRow]) -> int:
    """Write one object a line; return the number of rows."""
    count = 0
    with text_of(file) as handle:
        for count, row in enumerate(rows, start=1):  # noqa: B007
            cells = (row.account_ref, row.recipient_ref, *_multi_values(row), row.cohort, row.count, row.confidence)
            filled = {column: cell for column, cell in zip(COLUMNS, cells, strict=True) if cell}
            handle.write(_ENCODER.encode(filled) + "\n")
    return count


@contextmanager
def text_of(file: BinaryIO) -> Iterator[TextIO]:
    """Open *file* for UTF-8 text whose line ends are written unchanged, and leave it open at the end of the block."""
    text = TextIOWrapper(file, encoding="utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()  # flushes first


def _multi_values(row: SourceRow) -> tuple[tuple[str, ...], ...]:
    return row.emails, row.phones, row.names, row.addresses, row.items
