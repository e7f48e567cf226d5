"""CSV and NDJSON: from bytes to rows, and back.

Strict on purpose: a lenient CSV reader lost a sixth of a file behind one unclosed quote and said nothing. Nothing here
keeps more than one record, and no parser's own message is passed on: those quote what they choked on.
"""

import codecs
import csv
import json
from collections.abc import Iterable, Iterator
from operator import itemgetter
from pathlib import Path
from typing import Final, Self, TextIO

from app.datasets.files.columns import (
    COLUMNS,
    BadFile,
    Finding,
    Reject,
    check_header,
    is_unicode,
    join_values,
    to_finding,
)
from app.errors import BadInput

MAX_RECORD: Final = 100_000
"""Characters in one record. Below the csv module's own limit (131,072, global to the process), so that is never met."""


class Lines:
    """The physical lines of a text file, each checked as it is read.

    Line ends inside a quoted CSV field may be of any kind, so how a line ended is judged only when the record ends.
    """

    def __init__(self, handle: TextIO, file: str, encoding: str) -> None:
        self.file = file
        self.number = 0
        self.ended = False
        self._handle = handle
        self._encoding = encoding
        self._first = 1
        self._size = 0
        self._last = ""
        self._ending = ""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._read()
        if not line:
            self.ended = True
            raise StopIteration
        self.number += 1
        self._size += len(line)
        self._last = line
        if self._size > MAX_RECORD:
            raise self.bad(
                f"a record of over {MAX_RECORD} characters begins here; a quote may be unclosed", self._first
            )
        if "\0" in line:
            raise self.bad("holds a NUL character", self.number)
        if not is_unicode(line):
            raise self.bad(f"not {self._encoding}; name the file's encoding (Korean Excel writes cp949)", self.number)
        return line

    def end_record(self) -> int:
        """Judge the line end of the record just read, and answer the line on which that record began."""
        first, self._first, self._size = self._first, self.number + 1, 0
        ending = self._last[len(self._last.rstrip("\r\n")) :]
        self._ending = self._ending or ending
        if ending and ending != self._ending:
            raise self.bad("ends in another way than the lines before it (LF, CRLF, CR: one kind only)", self.number)
        return first

    def bad(self, reason: str, line: int = 0, column: str = "") -> BadFile:
        """Make the error for *line*, by default the first of the record being read."""
        return BadFile.at(self.file, reason, line=line or self._first, column=column)

    def _read(self) -> str:
        try:
            return self._handle.readline(MAX_RECORD + 1)
        except UnicodeError:  # an encoding of more than one byte a character; its message quotes the bytes
            pass
        raise self.bad(f"not {self._encoding} here or soon after", self.number + 1)


def read_csv(path: Path, encoding: str) -> Iterator[Finding | Reject]:
    """Read rows from a CSV file whose first line is its header."""
    with _open(path, encoding) as handle:
        lines = Lines(handle, path.name, encoding)
        records = _records(lines)
        first, header = next(records, (0, []))
        if not header:
            return
        check_header(lines.file, header, line=first)
        arranged = itemgetter(*(header.index(column) if column in header else -1 for column in COLUMNS))
        for line, cells in records:
            if len(cells) != len(header):
                yield Reject(line, "", f"{len(cells)} cells under a header of {len(header)}")
                continue
            cells.append("")  # what absent columns read
            yield to_finding(line, arranged(cells), piped=True)


def _records(lines: Lines) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(lines, strict=True)
    while True:
        try:
            cells = next(reader, None)
        except csv.Error:
            break
        if cells is None:
            return
        line = lines.end_record()
        if cells:
            yield line, cells
    if lines.ended:
        raise lines.bad("a quote opens in this record and is never closed")
    raise lines.bad("a closing quote is followed by something else than a comma or the end of the line", lines.number)


class _Pairs(tuple[tuple[str, object], ...]):
    """A JSON object as its keys and values, so that a repeated key is seen."""

    __slots__ = ()


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_Pairs)
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def read_ndjson(path: Path, encoding: str) -> Iterator[Finding | Reject]:
    """Read rows from a file of one JSON object a line. A line that is none is a reject: the next one stands by itself."""
    with _open(path, encoding) as handle:
        lines = Lines(handle, path.name, encoding)
        for text in lines:
            line = lines.end_record()
            if text.strip():
                yield _from_json(line, text)


def _from_json(line: int, text: str) -> Finding | Reject:
    try:
        pairs: object = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return Reject(line, "", "not JSON")
    if not isinstance(pairs, _Pairs):
        return Reject(line, "", "not a JSON object")
    cells: dict[str, object] = {}
    for key, value in pairs:
        if key not in COLUMNS:
            return Reject(line, "", "a key that is no column of a data set file")
        if key in cells:
            return Reject(line, key, "stands in the object twice")
        cells[key] = value
    return to_finding(line, [cells.get(column) for column in COLUMNS], piped=False)


def write_csv(path: Path, rows: Iterable[Finding]) -> int:
    """Write a header and *rows*; answers how many rows."""
    count = 0
    with path.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(COLUMNS)
        for count, row in enumerate(rows, start=1):  # noqa: B007
            several = [join_values(values) for values in _several(row)]
            writer.writerow((row.account_ref, row.recipient_ref, *several, row.cohort, row.count, row.confidence))
    return count


def write_ndjson(path: Path, rows: Iterable[Finding]) -> int:
    """Write one object a line; answers how many."""
    count = 0
    with path.open("w", encoding="utf-8", newline="\n") as handle:
        for count, row in enumerate(rows, start=1):  # noqa: B007
            cells = (row.account_ref, row.recipient_ref, *_several(row), row.cohort, row.count, row.confidence)
            filled = {column: cell for column, cell in zip(COLUMNS, cells, strict=True) if cell}
            handle.write(_ENCODER.encode(filled) + "\n")
    return count


def _several(row: Finding) -> tuple[tuple[str, ...], ...]:
    return row.emails, row.phones, row.names, row.addresses, row.items


def _open(path: Path, encoding: str) -> TextIO:
    """Open for reading with undecodable bytes marked, so that the line they stand on can be named."""
    try:
        name = codecs.lookup(encoding).name
        # a byte order mark is no part of the first column's name
        return path.open(encoding="utf-8-sig" if name == "utf-8" else name, errors="surrogateescape", newline="")
    except (LookupError, ValueError):
        pass
    raise BadInput("no such text encoding")
