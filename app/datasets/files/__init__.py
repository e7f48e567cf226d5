"""Reading and writing a data set file: CSV, NDJSON or Parquet, by the file's ending.

A file either reads as a whole or is refused with the place and the reason; a row that cannot be taken is handed over as a
`Reject`. Neither ever carries a value. One record (one batch, for Parquet) is in memory at a time, whatever the size.
"""

import os
import tempfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, TypeVar

from app.datasets.files.columns import COLUMNS, BadFile, Confidence, Finding, Reject
from app.datasets.files.parquet import read_parquet, write_parquet
from app.datasets.files.text import read_csv, read_ndjson, write_csv, write_ndjson
from app.errors import BadInput

__all__ = ["COLUMNS", "BadFile", "Confidence", "Finding", "Reject", "read", "write"]

_Kind = TypeVar("_Kind")
_Reader = Callable[[Path, str], Iterator[Finding | Reject]]
_Writer = Callable[[Path, Iterable[Finding]], int]

_READERS: Final[Mapping[str, _Reader]] = {
    ".csv": read_csv,
    ".ndjson": read_ndjson,
    ".jsonl": read_ndjson,
    ".parquet": read_parquet,
}
_WRITERS: Final[Mapping[str, _Writer]] = {
    ".csv": write_csv,
    ".ndjson": write_ndjson,
    ".jsonl": write_ndjson,
    ".parquet": write_parquet,
}


def read(path: Path | str, *, encoding: str = "utf-8") -> Iterator[Finding | Reject]:
    """Stream the rows of a data set file. Whatever is wrong is raised while iterating, some of it only at the end.

    Args:
        path: its ending names the format, in any case of letters.
        encoding: of CSV and NDJSON. A byte order mark is skipped under UTF-8.
    Raises:
        BadFile: the file cannot be read as a whole, or holds no row.
        BadInput: there is no such encoding.
    """
    path = Path(path)
    rows = _readable(path.name, _by_ending(path, _READERS)(path, encoding))
    first = next(rows, None)
    if first is None:
        raise BadFile.at(path.name, "holds no rows")
    yield first
    yield from rows


def write(path: Path | str, rows: Iterable[Finding]) -> int:
    """Write *rows* and answer how many. The file appears whole or not at all, readable by its owner only.

    Raises:
        BadInput: the ending names no format, or nothing can be written there.
    """
    path = Path(path)
    writer = _by_ending(path, _WRITERS)
    reason = None
    try:
        descriptor, name = tempfile.mkstemp(prefix=".writing-", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        reason = error.strerror
    if reason:
        raise BadInput(f"{path.name}: cannot be written: {reason}")
    os.close(descriptor)
    temporary = Path(name)
    try:
        count = writer(temporary, rows)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return count


def _readable(file: str, rows: Iterator[Finding | Reject]) -> Iterator[Finding | Reject]:
    """Pass *rows* on, and say it as `BadFile` where the operating system will not hand them over."""
    try:
        yield from rows
    except OSError as error:
        reason = error.strerror or "input or output error"
    else:
        return
    raise BadFile.at(file, f"cannot be read: {reason}")


def _by_ending(path: Path, kinds: Mapping[str, _Kind]) -> _Kind:
    kind = kinds.get(path.suffix.lower())
    if kind is None:
        raise BadFile.at(path.name, f"the file's ending must be one of {', '.join(kinds)}")
    return kind
