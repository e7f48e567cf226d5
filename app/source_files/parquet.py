"""Parquet: the same rows, typed. Text columns must be text: a phone stored as a number has lost its leading zeros."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from app.source_files.blocks import Block
from app.source_files.foreign_files import MAX_SIGNATURE_BYTES, PARQUET_SIGNATURE, explain_foreign_file
from app.source_files.schema import COLUMNS, MULTI_VALUE_COLUMNS, InvalidFile, ParsedBlock, SourceRow, check_header

BATCH_ROWS: Final = 10_000
"""Rows in memory at a time, when reading and when writing."""

_SCHEMA: Final = pa.schema(
    [
        (name, pa.list_(pa.string()) if name in MULTI_VALUE_COLUMNS else pa.int32() if name == "count" else pa.string())
        for name in COLUMNS
    ]
)

_LIST_KINDS: Final = (
    types.is_list,
    types.is_large_list,
    types.is_fixed_size_list,
    types.is_list_view,
    types.is_large_list_view,
)


class ParquetSource:
    """A Parquet file. Each batch of rows becomes a block, as an Arrow stream. The size is the number of rows.

    Raises:
        InvalidFile: it is not a Parquet file, or its schema is not that of a data set file.
        OSError: it cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._handle = path.open("rb")
        try:
            file = pq.ParquetFile(self._handle)
        except (pa.ArrowException, OSError):
            file = None
        if file is None:
            self._handle.close()
            raise InvalidFile.at(path.name, _explain_refusal(path))
        self._file = file
        self.size = file.metadata.num_rows
        self.format = ParquetFormat(path.name, tuple(file.schema_arrow.names))
        try:
            _check_schema(path.name, file.schema_arrow)
        except InvalidFile:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of the file. It can be called once.

        Raises:
            InvalidFile: the file is damaged.
        """
        row = 0
        for batch in _read_batches(self.name, self._file):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as stream:
                stream.write_batch(batch)
            yield Block(row + 1, sink.getvalue().to_pybytes(), row + batch.num_rows)
            row += batch.num_rows


@dataclass(frozen=True, slots=True)
class ParquetFormat:
    """How to parse the blocks of a Parquet file. Its text is always UTF-8; the encoding option does not apply."""

    file: str
    columns: tuple[str, ...]

    def parse(self, block: Block) -> ParsedBlock:
        """Parse the rows of a block.

        Raises:
            InvalidFile: some text is not UTF-8.
        """
        (batch,) = pa.ipc.open_stream(block.data)
        cells = {
            name: _to_python(self.file, block.first_line - 1, name, batch.column(name)) for name in batch.schema.names
        }
        absent: list[object] = [None] * batch.num_rows
        columns = [cells.get(name, absent) for name in COLUMNS]
        return ParsedBlock(
            range(block.first_line, block.first_line + batch.num_rows), columns, pipe_separated=False, rejects=[]
        )


def write_parquet(file: BinaryIO, rows: Iterable[SourceRow]) -> int:
    """Write *rows* in batches; return how many."""
    count = 0
    remaining = iter(rows)
    with pq.ParquetWriter(file, _SCHEMA) as writer:
        while batch := list(islice(remaining, BATCH_ROWS)):
            columns = zip(*map(_to_cells, batch), strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=_SCHEMA))
            count += len(batch)
    return count


def _explain_refusal(path: Path) -> str:
    with path.open("rb") as handle:
        start = handle.read(MAX_SIGNATURE_BYTES)
    is_damaged = start.startswith(PARQUET_SIGNATURE)
    return ("" if is_damaged else explain_foreign_file(start)) or "not a Parquet file"


def _to_cells(row: SourceRow) -> tuple[object, ...]:
    multi_values = (row.emails, row.phones, row.names, row.addresses, row.items)
    return row.account_ref, row.recipient_ref, *multi_values, row.cohort, row.count, row.confidence


def _check_schema(file: str, schema: pa.Schema) -> None:
    check_header(file, schema.names, line=0)
    for field in schema:
        if problem := _column_problem(field.name, field.type):
            raise InvalidFile.at(file, problem, column=field.name)


def _column_problem(column: str, type_: pa.DataType) -> str | None:
    if column in MULTI_VALUE_COLUMNS and any(is_kind(type_) for is_kind in _LIST_KINDS):
        type_ = type_.value_type
    if types.is_dictionary(type_):
        type_ = type_.value_type
    if types.is_null(type_) or types.is_string(type_) or types.is_large_string(type_) or types.is_string_view(type_):
        return None
    if column == "count":
        return None if types.is_integer(type_) else "must hold whole numbers or text"
    if types.is_boolean(type_):
        return "holds true and false: export it as text"
    if types.is_temporal(type_):
        return "holds dates or times: export it as text"
    if types.is_primitive(type_) or types.is_decimal(type_):
        return "holds numbers, which have lost their leading zeros: export it as text"
    return "must hold text or lists of text" if column in MULTI_VALUE_COLUMNS else "must hold text"


def _read_batches(name: str, file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
    batches = file.iter_batches(batch_size=BATCH_ROWS)
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
    raise InvalidFile.at(name, "damaged here or soon after", line=row + 1, unit="row")


def _to_python(name: str, row: int, column: str, cells: pa.Array) -> list[object]:
    """Convert an Arrow array to Python objects. Only this step checks the UTF-8, and Arrow's error would quote the bytes."""
    try:
        return cells.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        number = next(i for i, cell in enumerate(cells, start=1) if not _decodes(cell))
    raise InvalidFile.at(name, "not UTF-8", line=row + number, column=column, unit="row")


def _decodes(cell: pa.Scalar) -> bool:
    try:
        cell.as_py()
    except UnicodeDecodeError:
        return False
    return True
