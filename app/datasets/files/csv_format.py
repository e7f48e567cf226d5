"""CSV and NDJSON: from blocks of bytes to rows.

Strict on purpose: a lenient CSV reader lost a sixth of a file behind one unclosed quote and said nothing. No parser's own message is passed on:
those quote what they choked on.

A block is read at once where nothing about it is out of the ordinary, and otherwise line by line, which finds the place of a fault. Both give the
same rows.
"""

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter
from typing import Final, Self, TextIO

from app.datasets.files.blocks import Block, TextSource, open_block_text
from app.datasets.files.schema import COLUMNS, InvalidFile, RejectedRow, ParsedBlock, check_header, is_valid_unicode

MAX_RECORD_CHARS: Final = 100_000
"""Characters in one record. Below the csv module's own limit (131,072, global to the process), so that is never met."""


class Lines:
    """The physical lines of a text file, each checked as it is read.

    Line ends inside a quoted CSV field may be of any kind, so how a line ended is judged only when the record ends.
    """

    def __init__(self, handle: TextIO, file: str, encoding: str, *, first: int = 1, ending: str = "") -> None:
        """Read *handle*.

        Args:
            handle: what is read.
            file: its name.
            encoding: what it is said to be, for messages.
            first: number of its first line.
            ending: how lines end; none: as the first one does.
        """
        self.file = file
        self.number = first - 1
        self.ended = False
        self.ending = ending
        self._handle = handle
        self._encoding = encoding
        self._first = first
        self._size = 0
        self._last = ""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        line = self._handle.readline(MAX_RECORD_CHARS + 1)
        if not line:
            self.ended = True
            raise StopIteration
        self.number += 1
        self._size += len(line)
        self._last = line
        if self._size > MAX_RECORD_CHARS:
            raise self.bad(
                f"a record of over {MAX_RECORD_CHARS} characters begins here; a quote may be unclosed", self._first
            )
        if "\0" in line:
            raise self.bad("holds a NUL character", self.number)
        if not is_valid_unicode(line):
            raise self.bad(f"not {self._encoding}; name the file's encoding (Korean Excel writes cp949)", self.number)
        return line

    def end_record(self) -> int:
        """Judge the line end of the record just read, and answer the line on which that record began."""
        first, self._first, self._size = self._first, self.number + 1, 0
        ending = self._last[len(self._last.rstrip("\r\n")) :]
        self.ending = self.ending or ending
        if ending and ending != self.ending:
            raise self.bad("ends in another way than the lines before it (LF, CRLF, CR: one kind only)", self.number)
        return first

    def bad(self, reason: str, line: int = 0, column: str = "") -> InvalidFile:
        """Make the error for *line*, by default the first of the record being read."""
        return InvalidFile.at(self.file, reason, line=line or self._first, column=column)


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How the rows of one CSV file are read: what its header and its first line end said."""

    file: str
    encoding: str
    ending: str
    places: tuple[int, ...]
    """Where each of `COLUMNS` stands; one past the last for an absent one."""
    width: int

    def parse(self, block: Block) -> ParsedBlock:
        """Read the rows of a block.

        Raises:
            InvalidFile: the block cannot be read as a whole.
        """
        whole = self._read_with_arrow(block)
        if whole is not None:
            rows = len(whole["account_ref"])
            absent = [""] * rows
            return ParsedBlock(
                range(block.first_line, block.first_line + rows),
                [whole.get(name, absent) for name in COLUMNS],
                pipe_separated=True,
                rejects=[],
            )
        lines, records = self._read_with_csv_module(block) or self._read_by_line(block)
        rejects: list[RejectedRow] = []
        if {*map(len, records)} - {self.width}:
            rejects = [
                RejectedRow(line, "", f"{len(cells)} cells under a header of {self.width}")
                for line, cells in zip(lines, records, strict=True)
                if len(cells) != self.width
            ]
            lines = [line for line, cells in zip(lines, records, strict=True) if len(cells) == self.width]
            records = [cells for cells in records if len(cells) == self.width]
        absent = [""] * len(records)
        columns = [[*map(itemgetter(place), records)] if place < self.width else absent for place in self.places]
        return ParsedBlock(lines, columns, pipe_separated=True, rejects=rejects)

    def _read_with_arrow(self, block: Block) -> Mapping[str, Sequence[object]] | None:
        """Read the columns of a block that is written in the plainest way; None where it is not."""
        from app.datasets.files.arrow_csv import read_plain_columns  # noqa: PLC0415  Arrow, which a server does not need

        ends, returns = block.data.count(b"\n"), block.data.count(b"\r")
        if b"\0" in block.data or returns != {"\n": 0, "\r\n": ends}.get(self.ending):
            return None
        names = [COLUMNS[self.places.index(place)] for place in range(self.width)]
        return read_plain_columns(block.data, names, MAX_RECORD_CHARS)

    def _read_with_csv_module(self, block: Block) -> tuple[Sequence[int], list[list[str]]] | None:
        """Read a block whose records are a line each; None where any is not, or anything else wants a closer look."""
        data = block.data
        ends = data.count(b"\n")
        other = data.count(b"\r")
        if b"\0" in data or not ends or other != {"\n": 0, "\r\n": data.count(b"\r\n")}.get(self.ending):
            return None
        try:
            lines = data.decode().split(self.ending)
            if max(map(len, lines)) > MAX_RECORD_CHARS:
                return None
            if not lines[-1]:
                lines.pop()
            reader = csv.reader(lines, strict=True)
            records = list(reader)
        except (UnicodeDecodeError, csv.Error):
            return None
        if reader.line_num != len(records) or not all(records):
            return None
        return range(block.first_line, block.first_line + len(records)), records

    def _read_by_line(self, block: Block) -> tuple[Sequence[int], list[list[str]]]:
        handle = open_block_text(block.data)
        records = [*_records(Lines(handle, self.file, self.encoding, first=block.first_line, ending=self.ending))]
        return [line for line, _ in records], [cells for _, cells in records]


def open_csv(source: TextSource, encoding: str) -> tuple[CsvFormat | None, Iterator[Block]]:
    """Read a CSV file's header; gives the format of what follows, and that, block by block. None where the file is empty.

    Raises:
        InvalidFile: the header cannot be one.
    """
    blocks = source.blocks()
    first = next(blocks, None)
    if first is None:
        return None, blocks
    lines = Lines(open_block_text(first.data), source.name, encoding)
    line, header = next(_records(lines), (0, []))
    if not header:
        return None, blocks
    check_header(source.name, header, line=line)
    places = tuple(header.index(column) if column in header else len(header) for column in COLUMNS)
    format_ = CsvFormat(source.name, encoding, lines.ending, places, len(header))
    behind = "".join(islice(open_block_text(first.data), lines.number)).encode("utf-8", "surrogateescape")
    return format_, _chained(Block(lines.number + 1, first.data[len(behind) :], first.end_position), blocks)


def _chained(first: Block, rest: Iterator[Block]) -> Iterator[Block]:
    if first.data:
        yield first
    yield from rest


def whole_records_length(data: bytes) -> int:
    """Say how many bytes of *data* are whole records: up to the last line end that an even number of quotes precedes.

    A quote inside an unquoted cell, which RFC 4180 forbids, misleads it; the record so cut does not close, and is refused.
    """
    ending = b"\n" if b"\n" in data else b"\r"
    odd = data.count(b'"') & 1
    end = len(data)
    while (at := data.rfind(ending, 0, end)) >= 0:
        odd ^= data.count(b'"', at, end) & 1
        if not odd:
            return at + 1
        end = at
    return 0


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


@dataclass(frozen=True, slots=True)
class NdjsonFormat:
    """How the rows of a file of one JSON object a line are read. A line that is none is a reject: the next one stands by itself."""

    file: str
    encoding: str
    ending: str

    def parse(self, block: Block) -> ParsedBlock:
        """Read the rows of a block.

        Raises:
            InvalidFile: the block cannot be read as a whole.
        """
        lines = Lines(open_block_text(block.data), self.file, self.encoding, first=block.first_line, ending=self.ending)
        rejects: list[RejectedRow] = []
        numbers: list[int] = []
        rows: list[list[object]] = []
        for text in lines:
            line = lines.end_record()
            if not text.strip():
                continue
            cells = _from_json(line, text)
            if isinstance(cells, RejectedRow):
                rejects.append(cells)
            else:
                numbers.append(line)
                rows.append([cells.get(column) for column in COLUMNS])
        columns = [[row[place] for row in rows] for place in range(len(COLUMNS))]
        return ParsedBlock(numbers, columns, pipe_separated=False, rejects=rejects)


def open_ndjson(source: TextSource, encoding: str) -> tuple[NdjsonFormat | None, Iterator[Block]]:
    """Read how an NDJSON file's first line ends; gives the format, and the file block by block. None where the file is empty."""
    blocks = source.blocks()
    first = next(blocks, None)
    if first is None:
        return None, blocks
    line = open_block_text(first.data).readline()
    ending = line[len(line.rstrip("\r\n")) :]
    return NdjsonFormat(source.name, encoding, ending), _chained(first, blocks)


def whole_lines_length(data: bytes) -> int:
    """Say how many bytes of *data* are whole lines."""
    return max(data.rfind(b"\n"), -1 if b"\n" in data else data.rfind(b"\r")) + 1


def _from_json(line: int, text: str) -> dict[str, object] | RejectedRow:
    try:
        pairs: object = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return RejectedRow(line, "", "not JSON")
    if not isinstance(pairs, _Pairs):
        return RejectedRow(line, "", "not a JSON object")
    cells: dict[str, object] = {}
    for key, value in pairs:
        if key not in COLUMNS:
            return RejectedRow(line, "", "a key that is no column of a data set file")
        if key in cells:
            return RejectedRow(line, key, "stands in the object twice")
        cells[key] = value
    return cells
