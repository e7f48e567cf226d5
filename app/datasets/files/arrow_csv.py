"""The cells of a block of CSV, column by column, by Arrow's reader.

Only what is written so that no two readers differ: every record a line of the header's width, every quoted cell quoted from its first character to
its last, without a quote or a line end inside. Anything else is left to the csv module, which says what is wrong with it, and where.
"""

from codecs import BOM_UTF8
from collections.abc import Sequence
from itertools import repeat

import pyarrow as pa
from pyarrow import csv

_AROUND = (b",", b"\n", b"\r")
"""One of them stands before and behind each cell."""


def read_plain_columns(data: bytes, names: Sequence[str], longest: int) -> dict[str, pa.StringArray] | None:
    """Read the columns of some records; None where that is not certain.

    Args:
        data: whole records, each behind the other; free of NUL, and of CR but for one to each LF.
        names: of the columns; two at least.
        longest: bytes of a record, its end included.
    """
    if data.startswith(BOM_UTF8) or not _ends_within(data, longest) or not _plainly_quoted(data):
        return None
    try:
        table = csv.read_csv(
            pa.py_buffer(data),
            csv.ReadOptions(use_threads=False, block_size=len(data) + 1, column_names=names),
            convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string())),
        )
    except pa.ArrowInvalid:  # not UTF-8, or another number of cells; its message quotes them
        return None
    lines = data.count(b"\n") + (not data.endswith(b"\n"))
    if table.num_rows != lines:  # it passes over empty lines, and a CR by itself ends one
        return None
    (rows,) = table.combine_chunks().to_batches()
    return {name: rows[name] for name in names}


def _plainly_quoted(data: bytes) -> bool:
    pieces = data.split(b'"')
    first, *between, last = pieces[::2] if len(pieces) > 2 else (b"", b"")
    return len(pieces) == 1 or (
        len(pieces) % 2 == 1
        and (not first or first.endswith(_AROUND))
        and (not last or last.startswith(_AROUND))
        and b"\n" not in b"".join(pieces[1::2])
        and all(map(bytes.startswith, between, repeat(_AROUND)))
        and all(map(bytes.endswith, between, repeat(_AROUND)))
    )


def _ends_within(data: bytes, longest: int) -> bool:
    """Whether no record is longer."""
    start = 0
    while start < len(data) - longest:
        start = data.rfind(b"\n", start, start + longest) + 1
        if not start:
            return False
    return True
