"""Parquet: the same rows, typed. Text columns must be text: a phone kept as a number has lost its zeros already."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyarrow import types

from app.datasets.files.blocks import Block
from app.datasets.files.schema import COLUMNS, MULTI_VALUE_COLUMNS, InvalidFile, SourceRow, ParsedBlock, check_header

BATCH_ROWS: Final = 10_000
"""Rows held at once, reading and writing."""

_SCHEMA: Final = pa.schema(
    [
        (name, pa.list_(pa.string()) if name in MULTI_VALUE_COLUMNS else pa.int32() if name == "count" else pa.string())
        for name in COLUMNS
    ]
)


class ParquetSource:
    """A Parquet file, batch by batch; each goes as an Arrow stream of its own. Its size is its number of rows."""

    def __init__(self, path: Path) -> None:
        """Open a file and hold its schema against the columns of a data set file.

        Raises:
            InvalidFile: it is no Parquet file, or not of these columns.
            OSError: it cannot be opened.
        """
        self.name = path.name
        self._handle = path.open("rb")
        try:
            file = pq.ParquetFile(self._handle)
        except (pa.ArrowException, OSError):
            file = None
        if file is None:
            self._handle.close()
            raise InvalidFile.at(path.name, "not a Parquet file")
        self._file = file
        self.size = file.metadata.num_rows
        self.format = ParquetFormat(path.name)
        try:
            _check_schema(path.name, file.schema_arrow)
        except InvalidFile:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._handle.close()

    def blocks(self) -> Iterator[Block]:
        """Read the file, once.

        Raises:
            InvalidFile: it is damaged.
        """
        row = 0
        for batch in _batches(self.name, self._file):
            sink = pa.BufferOutputStream()
            with pa.ipc.new_stream(sink, batch.schema) as stream:
                stream.write_batch(batch)
            yield Block(row + 1, sink.getvalue().to_pybytes(), row + batch.num_rows)
            row += batch.num_rows


@dataclass(frozen=True, slots=True)
class ParquetFormat:
    """How the rows of a Parquet file are read. Its text is UTF-8 whatever the caller names."""

    file: str

    def parse(self, block: Block) -> ParsedBlock:
        """Read the rows of a block.

        Raises:
            InvalidFile: some text is not UTF-8.
        """
        (batch,) = pa.ipc.open_stream(block.data)
        texts = {name: _texts(self.file, block.first_line - 1, name, batch.column(name)) for name in batch.schema.names}
        absent: list[object] = [None] * batch.num_rows
        columns = [texts.get(name, absent) for name in COLUMNS]
        return ParsedBlock(range(block.first_line, block.first_line + batch.num_rows), columns, pipe_separated=False, rejects=[])


def write_parquet(path: Path, rows: Iterable[SourceRow]) -> int:
    """Write *rows* a batch at a time; answers how many."""
    count = 0
    rest = iter(rows)
    with pq.ParquetWriter(path, _SCHEMA) as writer:
        while batch := list(islice(rest, BATCH_ROWS)):
            columns = zip(*map(_cells, batch), strict=True)
            arrays = [pa.array(column, field.type) for column, field in zip(columns, _SCHEMA, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=_SCHEMA))
            count += len(batch)
    return count


def _cells(row: SourceRow) -> tuple[object, ...]:
    several = (row.emails, row.phones, row.names, row.addresses, row.items)
    return row.account_ref, row.recipient_ref, *several, row.cohort, row.count, row.confidence


def _check_schema(file: str, schema: pa.Schema) -> None:
    check_header(file, schema.names, line=0)
    for field in schema:
        if problem := _type_problem(field.name, field.type):
            raise InvalidFile.at(file, problem, column=field.name)


def _type_problem(column: str, kind: pa.DataType) -> str | None:
    if column in MULTI_VALUE_COLUMNS and (types.is_list(kind) or types.is_large_list(kind)):
        kind = kind.value_type
    if types.is_dictionary(kind):
        kind = kind.value_type
    if types.is_null(kind) or types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind):
        return None
    if column == "count":
        return None if types.is_integer(kind) else "must hold whole numbers or text"
    if types.is_primitive(kind) or types.is_decimal(kind):
        return "holds numbers, whose leading zeros are lost already: export it as text"
    return "must hold text or lists of text" if column in MULTI_VALUE_COLUMNS else "must hold text"


def _batches(name: str, file: pq.ParquetFile) -> Iterator[pa.RecordBatch]:
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


def _texts(name: str, row: int, column: str, cells: pa.Array) -> list[object]:
    """Take *cells* out of Arrow. It does not check its UTF-8 before this, and its error would quote the bytes."""
    try:
        return cells.to_pylist()  # type: ignore[no-any-return]
    except UnicodeDecodeError:
        place = next(i for i, cell in enumerate(cells, start=1) if not _decodes(cell))
    raise InvalidFile.at(name, "not UTF-8", line=row + place, column=column, unit="row")


def _decodes(cell: pa.Scalar) -> bool:
    try:
        cell.as_py()
    except UnicodeDecodeError:
        return False
    return True
