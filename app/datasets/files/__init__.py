"""Reading and writing a data set file: CSV, NDJSON or Parquet, by the file's ending; the first two compressed as well.

A file either reads as a whole or is refused with the place and the reason; a row that cannot be taken is handed over as a
`RejectedRow`. Neither ever carries a value. One block of the file is in memory at a time, whatever the size.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol, TypeVar

from app.datasets.files.blocks import COMPRESSIONS, Block, TextSource
from app.datasets.files.schema import (
    COLUMNS,
    InvalidFile,
    Confidence,
    SourceRow,
    CellError,
    RejectedRow,
    ParsedBlock,
    check_items,
    parse_cell,
)
from app.datasets.files.csv_format import whole_records_length, whole_lines_length, open_csv, open_ndjson
from app.datasets.files.writers import write_csv, write_ndjson
from app.errors import InvalidInput

__all__ = [
    "COLUMNS",
    "InvalidFile",
    "Block",
    "Confidence",
    "SourceRow",
    "SourceFormat",
    "SourceFile",
    "CellError",
    "RejectedRow",
    "ParsedBlock",
    "check_items",
    "open_source_file",
    "parse_cell",
    "write_source_file",
]

_Found = TypeVar("_Found")


class SourceFormat(Protocol):
    """How the blocks of one file are read; goes to worker processes."""

    def parse(self, block: Block) -> ParsedBlock:
        """Read the rows of a block.

        Raises:
            InvalidFile: the block cannot be read as a whole.
        """


@dataclass(frozen=True, slots=True)
class SourceFile:
    """A file that can be read, block by block, once."""

    format: SourceFormat
    blocks: Iterator[Block]
    size: int
    """In the unit of `Block.read`: bytes on disk, or rows."""
    estimated_rows: int
    """A guess at how many rows it holds."""


NO_ROWS_REASON: Final = "holds no rows"


@contextmanager
def open_source_file(path: Path, *, encoding: str = "utf-8") -> Iterator[SourceFile]:
    """Open a data set file.

    Raises:
        InvalidFile: it cannot be read, is empty, or its header or schema is not one of a data set file. Iterating over the blocks may raise it too.
        InvalidInput: there is no such encoding.
    """
    compressed = path.suffix.lower() in COMPRESSIONS
    kind = _by_ending(path.with_suffix("") if compressed else path, _KINDS)
    reason = ""
    try:
        source = kind.source(path, encoding)
    except OSError as error:
        reason = error.strerror or "input or output error"
    if reason:
        raise InvalidFile.at(path.name, f"cannot be read: {reason}")
    with closing(source):
        format_, blocks = kind.begin(source, encoding)
        if format_ is None:
            raise InvalidFile.at(path.name, NO_ROWS_REASON)
        rows = source.size // kind.size_of_row * (COMPRESSING if compressed else 1)
        yield SourceFile(format_, _readable(path.name, blocks), source.size, rows)


BYTES_PER_ROW: Final = 150
COMPRESSING: Final = 6
"""How many times smaller a compressed file may be."""


def write_source_file(path: Path | str, rows: Iterable[SourceRow]) -> int:
    """Write *rows* and answer how many. The file appears whole or not at all, readable by its owner only.

    Raises:
        InvalidInput: the ending names no format, or nothing can be written there.
    """
    path = Path(path)
    writer = _by_ending(path, _WRITERS)
    reason = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=".writing-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        reason = error.strerror
    if reason:
        raise InvalidInput(f"{path.name}: cannot be written: {reason}")
    os.close(descriptor)
    temporary = Path(name)
    try:
        count = writer(temporary, rows)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _parquet_source(path: Path, _encoding: str) -> "_Source":
    from app.datasets.files.parquet import ParquetSource  # noqa: PLC0415  30 MiB that text does not need

    return ParquetSource(path)


def _begin_parquet(source: Any, _encoding: str) -> tuple[SourceFormat | None, Iterator[Block]]:  # noqa: ANN401  of `_parquet_source`
    return source.format, source.blocks()


def _write_parquet(path: Path, rows: Iterable[SourceRow]) -> int:
    from app.datasets.files.parquet import write_parquet  # noqa: PLC0415  as above

    return write_parquet(path, rows)


class _Source(Protocol):
    size: int

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class _Kind:
    """How files of one ending are opened: the source first, so that it is closed whatever its beginning says."""

    source: Callable[[Path, str], _Source]
    begin: Callable[[Any, str], tuple[SourceFormat | None, Iterator[Block]]]
    size_of_row: int


_CSV: Final = _Kind(lambda path, encoding: TextSource(path, encoding, whole_records_length), open_csv, BYTES_PER_ROW)
_NDJSON: Final = _Kind(lambda path, encoding: TextSource(path, encoding, whole_lines_length), open_ndjson, BYTES_PER_ROW)
_KINDS: Final[Mapping[str, _Kind]] = MappingProxyType(
    {".csv": _CSV, ".ndjson": _NDJSON, ".jsonl": _NDJSON, ".parquet": _Kind(_parquet_source, _begin_parquet, 1)}
)
_WRITERS: Final[Mapping[str, Callable[[Path, Iterable[SourceRow]], int]]] = MappingProxyType(
    {".csv": write_csv, ".ndjson": write_ndjson, ".jsonl": write_ndjson, ".parquet": _write_parquet}
)


def _readable(file: str, blocks: Iterator[Block]) -> Iterator[Block]:
    """Pass *blocks* on, and say it as `InvalidFile` where the operating system will not hand them over."""
    try:
        yield from blocks
    except OSError as error:
        reason = error.strerror or "input or output error"
    else:
        return
    raise InvalidFile.at(file, f"cannot be read: {reason}")


def _by_ending(path: Path, kinds: Mapping[str, _Found]) -> _Found:
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise InvalidFile.at(path.name, f"the file's ending must be one of {', '.join(kinds)}")
    return kind
