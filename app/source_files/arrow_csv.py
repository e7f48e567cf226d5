"""Read a block of CSV column by column with Arrow.

Only plain CSV, on which no two readers differ: every record is one line of the header's width, and a quoted cell is quoted from its first to its last
character, without a quote or a line end inside. All other blocks are left to the csv module, which reports what is wrong and where.
"""

from codecs import BOM_UTF8
from collections.abc import Sequence
from itertools import repeat

import pyarrow as pa
from pyarrow import csv

_DELIMITERS = (b",", b"\n", b"\r")
"""What can stand before and after a cell."""


def read_plain_columns(data: bytes, names: Sequence[str], max_record_bytes: int) -> dict[str, pa.StringArray] | None:
    """Read the columns of some records; None if the data is not certainly plain CSV.

    Args:
        data: whole records, without NUL, and without CR except in CRLF.
        names: of the columns; at least two.
        max_record_bytes: length limit of a record, with its line end.
    """
    if data.startswith(BOM_UTF8) or not _has_short_records(data, max_record_bytes) or not _is_plainly_quoted(data):
        return None
    try:
        table = csv.read_csv(
            pa.py_buffer(data),
            csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid:  # not UTF-8, or a wrong number of cells; its message quotes them
        return None
    line_count = data.count(b"\n") + (not data.endswith(b"\n"))
    if table.num_rows != line_count:  # Arrow skips empty lines, and takes a lone CR for a line end
        return None
    (batch,) = table.combine_chunks().to_batches()
    return {name: batch[name] for name in names}


def _is_plainly_quoted(data: bytes) -> bool:
    pieces = data.split(b'"')
    first, *between, last = pieces[::2] if len(pieces) > 2 else (b"", b"")
    return len(pieces) == 1 or (
        len(pieces) % 2 == 1
        and (not first or first.endswith(_DELIMITERS))
        and (not last or last.startswith(_DELIMITERS))
        and b"\n" not in b"".join(pieces[1::2])
        and all(map(bytes.startswith, between, repeat(_DELIMITERS)))
        and all(map(bytes.endswith, between, repeat(_DELIMITERS)))
    )


def _has_short_records(data: bytes, max_record_bytes: int) -> bool:
    start = 0
    while start < len(data) - max_record_bytes:
        start = data.rfind(b"\n", start, start + max_record_bytes) + 1
        if not start:
            return False
    return True
