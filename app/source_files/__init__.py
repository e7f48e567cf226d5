"""Read and write data set files: CSV, NDJSON or Parquet, chosen by the file's ending. CSV and NDJSON may be compressed.

A file is read completely or refused with the place and the reason. A row that cannot be used becomes a `RejectedRow`. Neither carries a value of the
file. Only one block of the file is in memory at a time.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final, Protocol, TypeVar

from app.errors import InvalidInput
from app.private_files import replace_file
from app.source_files.blocks import COMPRESSIONS, Block, TextSource
from app.source_files.csv_format import open_csv, whole_records_length
from app.source_files.ndjson_format import open_ndjson, whole_lines_length
from app.source_files.schema import (
    COLUMNS,
    CellError,
    Confidence,
    InvalidFile,
    ParsedBlock,
    RejectedRow,
    SourceRow,
    check_items,
    parse_cell,
)
from app.source_files.writers import write_csv, write_ndjson

__all__ = [
    "COLUMNS",
    "Block",
    "CellError",
    "Confidence",
    "InvalidFile",
    "ParsedBlock",
    "RejectedRow",
    "SourceFile",
    "SourceFormat",
    "SourceRow",
    "check_items",
    "open_source_file",
    "parse_cell",
    "write_source_file",
]

_T = TypeVar("_T")

NO_ROWS_REASON: Final = "holds no rows"
CSV_ROW_BYTES: Final = 150
"""Typical size of a row, for the estimate of how many there are."""
COMPRESSION_RATIO: Final = 6
"""Typical ratio of uncompressed to compressed size, for the same estimate."""


class SourceFormat(Protocol):
    """How to parse the blocks of one file. Can be pickled for worker processes."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the header or schema holds; none if each row names its own."""

    def parse(self, block: Block) -> ParsedBlock:
        """Parse the rows of a block.

        Raises:
            InvalidFile: the block as a whole cannot be read.
        """


@dataclass(frozen=True, slots=True)
class SourceFile:
    """An open file. Its blocks can be iterated once."""

    format: SourceFormat
    blocks: Iterator[Block]
    size: int
    """In the unit of `Block.end_position`: bytes on disk, or rows for Parquet."""
    estimated_rows: int


@contextmanager
def open_source_file(path: Path, *, encoding: str = "utf-8") -> Iterator[SourceFile]:
    """Open a data set file for reading.

    Raises:
        InvalidFile: the file cannot be read, is empty, or has an invalid header or schema. Iterating over the blocks can raise it too.
        InvalidInput: the encoding does not exist.
    """
    is_compressed = path.suffix.lower() in COMPRESSIONS
    spec = _select_by_ending(path.with_suffix("") if is_compressed else path, _FORMAT_SPECS)
    reason = ""
    try:
        source = spec.open_source(path, encoding)
    except OSError as error:
        reason = error.strerror or "input or output error"
    if reason:
        raise InvalidFile.at(path.name, f"cannot be read: {reason}")
    with closing(source):
        format_, blocks = spec.read_header(source, encoding)
        if format_ is None:
            raise InvalidFile.at(path.name, NO_ROWS_REASON)
        estimated_rows = source.size // spec.row_size * (COMPRESSION_RATIO if is_compressed else 1)
        yield SourceFile(format_, _translate_read_errors(path.name, blocks), source.size, estimated_rows)


def write_source_file(path: Path | str, rows: Iterable[SourceRow]) -> int:
    """Write *rows* to a data set file and return how many. The file appears complete or not at all; only its owner can read it.

    Raises:
        InvalidInput: the ending is not that of a format, or the file cannot be written.
    """
    path = Path(path)
    writer = _select_by_ending(path, _WRITERS)
    try:
        with replace_file(path) as file:
            return writer(file, rows)
    except OSError as error:
        raise InvalidInput(f"{path.name}: cannot be written: {error.strerror}") from None


def _open_parquet_source(path: Path, _encoding: str) -> "_Source":
    from app.source_files.parquet import ParquetSource  # noqa: PLC0415  30 MiB that text formats do not need

    return ParquetSource(path)


def _read_parquet_header(
    source: Any,  # noqa: ANN401  a ParquetSource, which cannot be imported here
    _encoding: str,
) -> tuple[SourceFormat | None, Iterator[Block]]:
    return source.format, source.blocks()


def _write_parquet(file: BinaryIO, rows: Iterable[SourceRow]) -> int:
    from app.source_files.parquet import write_parquet  # noqa: PLC0415  as above

    return write_parquet(file, rows)


class _Source(Protocol):
    size: int

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _FormatSpec:
    """How to open files of one ending. The source is opened first, so that it is closed even if its header is invalid."""

    open_source: Callable[[Path, str], _Source]
    read_header: Callable[[Any, str], tuple[SourceFormat | None, Iterator[Block]]]
    row_size: int


_CSV: Final = _FormatSpec(
    lambda path, encoding: TextSource(path, encoding, whole_records_length), open_csv, CSV_ROW_BYTES
)
_NDJSON: Final = _FormatSpec(
    lambda path, encoding: TextSource(path, encoding, whole_lines_length), open_ndjson, CSV_ROW_BYTES
)
_PARQUET: Final = _FormatSpec(_open_parquet_source, _read_parquet_header, 1)
_FORMAT_SPECS: Final[Mapping[str, _FormatSpec]] = MappingProxyType(
    {".csv": _CSV, ".ndjson": _NDJSON, ".jsonl": _NDJSON, ".parquet": _PARQUET}
)
_WRITERS: Final[Mapping[str, Callable[[BinaryIO, Iterable[SourceRow]], int]]] = MappingProxyType(
    {".csv": write_csv, ".ndjson": write_ndjson, ".jsonl": write_ndjson, ".parquet": _write_parquet}
)


def _translate_read_errors(file: str, blocks: Iterator[Block]) -> Iterator[Block]:
    """Yield *blocks*, and raise `InvalidFile` where the operating system fails to read one."""
    try:
        yield from blocks
    except OSError as error:
        reason = error.strerror or "input or output error"
    else:
        return
    raise InvalidFile.at(file, f"cannot be read: {reason}")


def _select_by_ending(path: Path, choices: Mapping[str, _T]) -> _T:
    choice = choices.get(path.suffix.lower())
    if choice is None:
        raise InvalidFile.at(path.name, f"the file's ending must be one of {', '.join(choices)}")
    return choice
