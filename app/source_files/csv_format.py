"""CSV: from blocks of bytes to rows.

Strict on purpose: a lenient CSV reader silently lost a sixth of a file behind one unclosed quote. No parser's own message is passed on, because those
messages quote the data.

A block is parsed by the fastest of three readers that is certain to be right: Arrow, the csv module on the whole block, the csv module line by line.
The last one finds the place of an error. All three return the same rows.
"""

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, repeat
from operator import itemgetter
from typing import Final

from app.source_files.blocks import Block, TextSource, open_block_text
from app.source_files.lines import MAX_RECORD_CHARS, LineReader, prepend_block
from app.source_files.schema import COLUMNS, InvalidFile, ParsedBlock, RejectedRow, check_header


@dataclass(frozen=True, slots=True)
class CsvFormat:
    """How to parse the blocks of one CSV file, from its header and its first line end."""

    file: str
    encoding: str
    line_end: str
    column_indexes: tuple[int, ...]
    """For each of `COLUMNS` its index in the file; `width` if it is absent."""
    width: int

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the header, in the order of `COLUMNS`."""
        return tuple(name for name, index in zip(COLUMNS, self.column_indexes, strict=True) if index < self.width)

    def parse(self, block: Block) -> ParsedBlock:
        """Parse the rows of a block.

        Raises:
            InvalidFile: the block as a whole cannot be read.
        """
        arrays = self._read_with_arrow(block)
        if arrays is not None:
            row_count = len(arrays["account_ref"])
            absent = [""] * row_count
            return ParsedBlock(
                range(block.first_line, block.first_line + row_count),
                [arrays.get(name, absent) for name in COLUMNS],
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
        columns = [
            [*map(itemgetter(index), records)] if index < self.width else absent for index in self.column_indexes
        ]
        return ParsedBlock(lines, columns, pipe_separated=True, rejects=rejects)

    def _read_with_arrow(self, block: Block) -> Mapping[str, Sequence[object]] | None:
        """Read the columns of a block of plain CSV; None if the block is not plain."""
        from app.source_files.arrow_csv import read_plain_columns  # noqa: PLC0415  Arrow, which a server does not need

        if b"\0" in block.data or self._count_line_ends_in_cells(block.data) != 0:
            return None
        names = [COLUMNS[self.column_indexes.index(index)] for index in range(self.width)]
        return read_plain_columns(block.data, names, MAX_RECORD_CHARS)

    def _read_with_csv_module(self, block: Block) -> tuple[Sequence[int], list[list[str]]] | None:
        """Read a block in which each record has one line end of the file's kind; None if one has not, or if anything needs a closer look."""
        data = block.data
        line_ends_in_cells = self._count_line_ends_in_cells(data)
        if b"\0" in data or b"\n" not in data or line_ends_in_cells is None or not _has_valid_quotes(data):
            return None
        try:
            lines = data.decode().split(self.line_end)
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
        if not line_ends_in_cells:
            return range(block.first_line, block.first_line + len(records)), records
        if any(map(str.endswith, lines, repeat(("\n", "\r")))):  # not in a cell: the csv module ignores it
            return None
        lengths = (1 + line.count("\n") + line.count("\r") for line in lines[:-1])
        return [*accumulate(lengths, initial=block.first_line)], records

    def _count_line_ends_in_cells(self, data: bytes) -> int | None:
        """Return how many line ends of another kind *data* has, which only a quoted cell can hold; None if that takes more than counting."""
        carriage_returns = data.count(b"\r")
        if self.line_end == "\r\n":
            return data.count(b"\n") + carriage_returns - 2 * data.count(b"\r\n")
        return 0 if self.line_end == "\n" and not carriage_returns else None

    def _read_by_line(self, block: Block) -> tuple[Sequence[int], list[list[str]]]:
        text = open_block_text(block.data)
        lines = LineReader(text, self.file, self.encoding, first_line=block.first_line, line_end=self.line_end)
        records = [*_read_records(lines)]
        return [line for line, _ in records], [cells for _, cells in records]


def open_csv(source: TextSource, encoding: str) -> tuple[CsvFormat | None, Iterator[Block]]:
    """Read the header of a CSV file. Return its format and the blocks after the header. The format is None if the file is empty.

    Raises:
        InvalidFile: the header is invalid.
    """
    blocks = source.blocks()
    first_block = next(blocks, None)
    if first_block is None:
        return None, blocks
    lines = LineReader(open_block_text(first_block.data), source.name, encoding)
    if reason := _find_other_separator(open_block_text(first_block.data).readline(MAX_RECORD_CHARS)):
        raise InvalidFile.at(source.name, reason, line=1)
    line, header = next(_read_records(lines), (0, []))
    if not header:
        return None, blocks
    check_header(source.name, header, line=line)
    column_indexes = tuple(header.index(column) if column in header else len(header) for column in COLUMNS)
    format_ = CsvFormat(source.name, encoding, lines.line_end, column_indexes, len(header))
    header_text = "".join(islice(open_block_text(first_block.data), lines.line_number))
    header_bytes = len(header_text.encode("utf-8", "surrogateescape"))
    rest = Block(lines.line_number + 1, first_block.data[header_bytes:], first_block.end_position)
    return format_, prepend_block(rest, blocks)


_EXCEL_SEPARATOR: Final = re.compile(r'[ "\t]*sep=(.?)', re.IGNORECASE)
_SEPARATORS: Final = {
    "\t": "tabs",
    ";": "semicolons",
    "|": "vertical bars",
    ":": "colons",
    "，": "full-width commas",
    "\x01": "control characters",
    " ": "spaces",
}


def _find_other_separator(first_line: str) -> str:
    """Return what is wrong if the cells of a header are not separated by commas; empty if they are, or if the line is no header."""
    if _EXCEL_SEPARATOR.match(first_line):
        return "begins with Excel's sep= line: remove it, and separate the cells by commas"
    if first_line.lstrip().startswith(("{", "[{")):
        return "begins with JSON, not with a header: end the file's name in .ndjson, and write one object a line"
    if "," in first_line or not is_csv_header(first_line):
        return ""
    separator = _SEPARATORS.get(recognize_separator(first_line), "something else")
    return f"the cells of the header are separated by {separator}; they must be separated by commas"


def recognize_separator(first_line: str) -> str:
    """Return the character that separates the cells of a header, or that Excel's sep= line names; empty if it is none of the usual ones."""
    if named := _EXCEL_SEPARATOR.match(first_line):
        return named[1]
    return next((char for char in (",", *_SEPARATORS) if char in first_line), "")


def is_csv_header(line: str) -> bool:
    """Return whether a line names two columns or more, whatever separates them."""
    return sum(word in COLUMNS for word in re.findall("[a-z_]+", line.lower())) > 1


def whole_records_length(data: bytes) -> int:
    """Return how many bytes at the start of *data* are whole records: up to the last line end with an even number of quotes before it.

    A quote in the wrong place leads to a wrong cut behind it. The file is refused where that quote stands, so that no row depends on the cut.
    """
    return _last_record_end(data, b"\n") or _last_record_end(data, b"\r")


def _last_record_end(data: bytes, line_end: bytes) -> int:
    is_odd = data.count(b'"') & 1
    end = len(data)
    while (position := data.rfind(line_end, 0, end)) >= 0:
        is_odd ^= data.count(b'"', position, end) & 1
        if not is_odd and (line_end == b"\n" or (position + 1 < len(data) and data[position + 1] != ord("\n"))):
            return position + 1  # behind a CR, only if it is not the first half of a CRLF
        end = position
    return 0


def _read_records(lines: LineReader) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(_check_quotes(lines), strict=True)
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
    raise lines.error("a quote opens in this record and is never closed")


_CELL_ENDS: Final = (b",", b"\n", b"\r")


def _has_valid_quotes(data: bytes) -> bool:
    """Return whether the quotes of whole records stand around cells, and doubled in them."""
    pieces = data.split(b'"')
    if len(pieces) < 3 or len(pieces) % 2 == 0:
        return len(pieces) == 1
    first, *between, last = pieces[::2]
    between = [*filter(None, between)]  # between the halves of a doubled quote is nothing
    return (
        (not first or first.endswith(_CELL_ENDS))
        and (not last or last.startswith(_CELL_ENDS))
        and all(map(bytes.startswith, between, repeat(_CELL_ENDS)))
        and all(map(bytes.endswith, between, repeat(_CELL_ENDS)))
    )


def _check_quotes(lines: LineReader) -> Iterator[str]:
    """Yield *lines* as long as their quotes stand around cells, and doubled in them.

    The csv module takes any other quote for text, but `whole_records_length` does not.
    """
    is_quoted = False
    for line in lines:
        pieces = line.split('"')
        for index in range(is_quoted, len(pieces), 2):  # the text outside of quotes
            text = pieces[index]
            if text and (index or is_quoted) and not text.startswith((",", "\r", "\n")):
                reason = "a closing quote is followed by something else than a comma or the end of the line"
                raise lines.error(reason, lines.line_number)
            if text and index < len(pieces) - 1 and not text.endswith(","):
                reason = (
                    "a quote stands in a cell that does not begin with one; quote the cell, and double the quotes in it"
                )
                raise lines.error(reason, lines.line_number)
        is_quoted ^= len(pieces) % 2 == 0
        yield line
