"""NDJSON: one JSON object a line. A line that cannot be used is rejected by itself; the other lines are read."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from app.source_files.blocks import Block, TextSource, open_block_text
from app.source_files.csv_format import is_csv_header
from app.source_files.lines import MAX_RECORD_CHARS, LineReader, prepend_block
from app.source_files.schema import COLUMNS, InvalidFile, ParsedBlock, RejectedRow


class _Pairs(tuple[tuple[str, object], ...]):
    """The key-value pairs of a JSON object, so that a repeated key is detected."""

    __slots__ = ()


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_Pairs)


@dataclass(frozen=True, slots=True)
class NdjsonFormat:
    """How to parse the blocks of one NDJSON file."""

    file: str
    encoding: str
    line_end: str

    @property
    def columns(self) -> tuple[str, ...]:
        """None: each object names its own."""
        return ()

    def parse(self, block: Block) -> ParsedBlock:
        """Parse the rows of a block.

        Raises:
            InvalidFile: the block as a whole cannot be read.
        """
        text = open_block_text(block.data)
        lines = LineReader(text, self.file, self.encoding, first_line=block.first_line, line_end=self.line_end)
        rejects: list[RejectedRow] = []
        line_numbers: list[int] = []
        rows: list[list[object]] = []
        for line in lines:
            line_number = lines.end_record()
            if not line.strip():
                continue
            cells = _parse_object(line_number, line)
            if isinstance(cells, RejectedRow):
                rejects.append(cells)
            else:
                line_numbers.append(line_number)
                rows.append([cells.get(column) for column in COLUMNS])
        columns = [[row[index] for row in rows] for index in range(len(COLUMNS))]
        return ParsedBlock(line_numbers, columns, pipe_separated=False, rejects=rejects)


def open_ndjson(source: TextSource, encoding: str) -> tuple[NdjsonFormat | None, Iterator[Block]]:
    """Return the format of an NDJSON file, with the line end of its first line, and its blocks. The format is None if the file is empty.

    Raises:
        InvalidFile: it begins like JSON that is not one object a line, or like CSV.
    """
    blocks = source.blocks()
    first_block = next(blocks, None)
    if first_block is None:
        return None, blocks
    line = open_block_text(first_block.data).readline()
    line_end = line[len(line.rstrip("\r\n")) :]
    if reason := _find_other_layout(line[:MAX_RECORD_CHARS].strip()):
        raise InvalidFile.at(source.name, reason, line=1)
    return NdjsonFormat(source.name, encoding, line_end), prepend_block(first_block, blocks)


_ARRAY_START: Final = re.compile(r"\[\s*(?:\{|$)")


def _find_other_layout(first_line: str) -> str:
    """Return what is wrong if a file is not one JSON object a line; empty if it may be."""
    if _ARRAY_START.match(first_line):
        return "begins with a JSON array: write one object a line, without brackets around them and commas between them"
    if first_line == "{":
        return "begins with a JSON object over several lines: write each object on one line"
    if not first_line.startswith("{") and is_csv_header(first_line):
        return "begins with the header of a CSV file: end the file's name in .csv"
    return ""


def whole_lines_length(data: bytes) -> int:
    """Return how many bytes at the start of *data* are whole lines. A CR at its end may be the first half of a CRLF."""
    return max(data.rfind(b"\n"), -1 if b"\n" in data else data.rfind(b"\r", 0, -1)) + 1


def _parse_object(line_number: int, text: str) -> dict[str, object] | RejectedRow:
    try:
        pairs: object = _DECODER.decode(text)
    except (ValueError, RecursionError):
        return RejectedRow(line_number, "", "not JSON")
    if not isinstance(pairs, _Pairs):
        return RejectedRow(line_number, "", "not a JSON object")
    cells: dict[str, object] = {}
    for key, value in pairs:
        if key not in COLUMNS:
            return RejectedRow(line_number, "", "a key that is not a column of a data set file")
        if key in cells:
            return RejectedRow(line_number, key, "appears in the object twice")
        cells[key] = value
    return cells
