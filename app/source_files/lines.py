"""The physical lines of a CSV or NDJSON block, checked for encoding, NUL, length and line end."""

from collections.abc import Iterator
from typing import Final, Self, TextIO

from app.source_files.blocks import Block
from app.source_files.encodings import explain_undecodable
from app.source_files.schema import InvalidFile, is_valid_unicode

MAX_RECORD_CHARS: Final = 100_000
"""Characters in one record. Below the csv module's own limit (131,072, global to the process), so that limit is never reached."""


class LineReader:
    """Iterate over the lines of a text file and check each of them.

    A quoted CSV cell may contain any kind of line end, so the line end is checked only at the end of a record.

    Args:
        handle: the text to read.
        file: the file's name, for messages.
        encoding: the encoding that the caller named, for messages.
        first_line: number of the first line.
        line_end: the line end that all records must have; empty: that of the first record.
    """

    def __init__(self, handle: TextIO, file: str, encoding: str, *, first_line: int = 1, line_end: str = "") -> None:
        self.file = file
        self.line_number = first_line - 1
        self.at_end = False
        self.line_end = line_end
        self._handle = handle
        self._encoding = encoding
        self._record_start = first_line
        self._record_chars = 0
        self._last_line = ""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._handle.readline(MAX_RECORD_CHARS + 1)
        if not line:
            self.at_end = True
            raise StopIteration
        self.line_number += 1
        self._record_chars += len(line)
        self._last_line = line
        if self._record_chars > MAX_RECORD_CHARS:
            raise self.error(
                f"a record of over {MAX_RECORD_CHARS} characters begins here; a quote may be unclosed",
                self._record_start,
            )
        if "\0" in line:
            raise self.error(
                "holds a NUL character (a file in UTF-16 is read if its encoding is named)", self.line_number
            )
        if not is_valid_unicode(line):
            raise self.error(
                explain_undecodable(self._encoding, line.encode("utf-8", "surrogateescape")), self.line_number
            )
        return line

    def end_record(self) -> int:
        """Check the line end of the record that was just read, and return the number of its first line."""
        record_start, self._record_start, self._record_chars = self._record_start, self.line_number + 1, 0
        line_end = self._last_line[len(self._last_line.rstrip("\r\n")) :]
        self.line_end = self.line_end or line_end
        if line_end and line_end != self.line_end:
            reason = "ends in another way than the lines before it (LF, CRLF, CR: one kind only)"
            raise self.error(reason, self.line_number)
        return record_start

    def error(self, reason: str, line: int = 0) -> InvalidFile:
        """Create the error for *line*, by default the first line of the current record."""
        return InvalidFile.at(self.file, reason, line=line or self._record_start)


def prepend_block(first: Block, rest: Iterator[Block]) -> Iterator[Block]:
    """Yield *first*, unless it is empty, and then *rest*."""
    if first.data:
        yield first
    yield from rest
