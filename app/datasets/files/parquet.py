"""Parquet: the same rows, typed. Text columns must be text: a phone kept as a number has lost its zeros already."""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from app.datasets.files.columns import COLUMNS, SEVERAL, BadFile, Finding, Reject, check_header, to_finding

BATCH: Final = 10_000
"""Rows held at once, reading and writing."""

_SCHEMA: Final = pa.schema(
    [
        (name, pa.list_(pa.string()) if name in SEVERAL else pa.int32() if name == "count" else pa.string())
        for name in COLUMNS
    ]
)


def read_parquet(path: Path, _encoding: str) -> Iterator[Finding | Reject]:
    """Read rows from a Parquet file, a batch at a time. Its text is UTF-8 whatever the caller names."""
    with path.open("rb") as handle:
        try:
            file = pq.ParquetFile(handle)
        except (pa.ArrowException, OSError):
            file = None
        if file is None:
            raise BadFile.at(path.name, "not a Parquet file")
        _check_schema(path.name, file.schema_arrow)
        row = 0
        for batch in _batches(path.name, file):
            columns = {name: _texts(path.name, row, name, batch.column(name)) for name in batch.schema.names}
            absent: list[object] = [None] * batch.num_rows
            for cells in zip(*(columns.get(name, absent) for name in COLUMNS), strict=True):
                row += 1
                yield to_finding(row, cells, piped=False)


def write_parquet(path: Path, rows: Iterable[Finding]) -> int:
    """Write *rows* a batch at a time; answers how many."""
    count = 0
    rest = iter(rows)
    with pq.ParquetWriter(path, _SCHEMA) as writer:
        while batch := list(islice(rest, BATCH)):
            columns = zip(*map(_cells, batch), strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=_SCHEMA))
            count += len(batch)
    return count


def _cells(row: Finding) -> tuple[object, ...]:
    several = (row.emails, row.phones, row.names, row.addresses, row.items)
    return row.account_ref, row.recipient_ref, *several, row.cohort, row.count, row.confidence


def _check_schema(file: str, schema: pa.Schema) -> None:
    check_header(file, schema.names, line=0)
    for field in schema:
        if problem := _type_problem(field.name, field.type):
            raise BadFile.at(file, problem, column=field.name)


def _type_problem(column: str, kind: pa.DataType) -> str | None:
    if column in SEVERAL and (types.is_list(kind) or types.is_large_list(kind)):
        kind = kind.value_type
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind) or types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return None
    if column == "count":
        return None if types.is_integer(kind) else "must hold whole numbers or text"
    if types.is_primitive(kind) or types.is_decimal(kind):
        return "holds numbers, whose leading zeros are lost already: export it as text"
    return "must hold text or lists of text" if column in SEVERAL else "must hold text"


def _batches(name: str, file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    batches = file.iter_batches(batch_size=BATCH)
    row = 0
    while True:
        try:
            batch = next(batches, None)
        except (pa.ArrowException, OSError):
            break
        if batch is None:
            return
        row += batch.num_rows
        yield batch
    raise BadFile.at(name, "damaged here or soon after", line=row + 1, unit="row")


def _texts(name: str, row: int, column: str, cells: pa.Array) -> list[object]:
    """Take *cells* out of Arrow. It does not check its UTF-8 before this, and its error would quote the bytes."""
    try:
        return cells.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        place = next(i for i, cell in enumerate(cells, start=1) if not _decodes(cell))
    raise BadFile.at(name, "not UTF-8", line=row + place, column=column, unit="row")


def _decodes(cell: pa.Scalar) -> bool:
    try:
        cell.as_py()
    except UnicodeDecodeError:
        return False
    return True
