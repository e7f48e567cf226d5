"""The schema of a data set file: its columns, and what a row must contain.

Messages, rejected rows and reprs of this package name a line, a column and a reason, and never a value. The same rules apply to CSV, NDJSON and
Parquet; the readers only provide the cells.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import isnan
from typing import Final, Literal, Self, cast

from app.errors import InvalidInput
from app.source_files.markers import STANDS_FOR_NOTHING, UNMARKED_STARTS, is_marker_in_name, is_marker_of_nothing
from app.source_files.references import is_plain_reference, parse_reference

COLUMNS: Final = (
    "account_ref",
    "recipient_ref",
    "email",
    "phone",
    "name",
    "address",
    "items",
    "cohort",
    "count",
    "confidence",
)
REQUIRED_COLUMNS: Final = ("account_ref", "items")
"""Columns that the header must hold, besides email or phone."""
REFERENCE_COLUMNS: Final = COLUMNS[:2]
MULTI_VALUE_COLUMNS: Final = frozenset({"email", "phone", "name", "address", "items"})
"""Columns that may hold several values."""

MAX_CELL_CHARS: Final = 10_000
"""Characters in one cell, all its values together."""
MAX_COUNT: Final = 2**31 - 1

Confidence = Literal["confirmed", "possible", "withdrawn"]
_CONFIDENCES: Final = frozenset({"confirmed", "possible", "withdrawn"})
_COUNT_PATTERN: Final = re.compile(r"[0-9]{1,10}")
_INVALID_CONFIDENCE: Final = "must be confirmed, possible or withdrawn"
SEVERAL_NAMES: Final = "several names in one value; separate them by | in CSV, or use a list"
SEVERAL_EMAILS: Final = "several emails in one value; separate them by | in CSV, or use a list"
_BETWEEN_NAMES: Final = re.compile("[|｜;；\r\n\v\f\x85\u2028\u2029]+")
_NOT_TEXT: Final = "must be text, not a number: leading zeros are lost already"


@dataclass(slots=True, repr=False)
class SourceRow:
    """One row of a file: a finding about one person. The line is ignored when rows are compared.

    *line* is the physical line on which the row begins; in Parquet the row's number from 1. An empty *recipient_ref* means the account's holder.
    *count* is from 1 to `MAX_COUNT`. Values are spelled as in the file, without the spaces around them.
    """

    line: int = field(compare=False)
    account_ref: str
    recipient_ref: str = ""
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    items: tuple[str, ...] = ()
    cohort: str = ""
    count: int = 1
    confidence: Confidence = "confirmed"

    def __repr__(self) -> str:
        return f"SourceRow(line={self.line})"


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row that cannot be used. *column* is empty if the row as a whole is invalid."""

    line: int
    column: str
    reason: str


class InvalidFile(InvalidInput):
    """The file as a whole cannot be read. *line* is 0 and *column* is empty where they do not apply."""

    line: int = 0
    column: str = ""

    @classmethod
    def at(cls, file: str, reason: str, *, line: int = 0, column: str = "", unit: str = "line") -> Self:
        """Create the error with its place; *unit* is what *line* counts."""
        place = [file, *([f"{unit} {line}"] if line else []), *([f"column {column}"] if column else [])]
        error = cls(f"{', '.join(place)}: {reason}")
        error.line, error.column = line, column
        return error


@dataclass(frozen=True, slots=True)
class CellError:
    """Why a cell, or the row because of this cell, cannot be used."""

    reason: str


@dataclass(slots=True)
class ParsedBlock:
    """The rows of a block, column by column, and the lines that are not rows."""

    lines: Sequence[int]
    columns: Sequence[Sequence[object]] = field(repr=False)
    """The cells of each of `COLUMNS`, absent columns included. An Arrow array of text if Arrow parsed the block."""
    pipe_separated: bool
    """True for CSV: each cell is text without NUL and lone surrogates, and ``|`` separates its values.

    False for NDJSON and Parquet: cells have their JSON or Parquet type (text, a list of text, an integer for the count), and a text is one value."""
    rejects: list[RejectedRow]


def check_header(file: str, names: Sequence[str], *, line: int) -> None:
    """Check a header against `COLUMNS`. The order is free; optional columns take their defaults where they are absent.

    An unknown column is named by its index only: if the header is missing, its "names" are personal data.

    Raises:
        InvalidFile: a column is unknown or repeated, or a required one is missing: account_ref, items, and email or phone.
    """
    for number, name in enumerate(names, start=1):
        if name not in COLUMNS:
            raise InvalidFile.at(file, _explain_unknown_column(name, names), line=line, column=str(number))
        if name in names[: number - 1]:
            raise InvalidFile.at(file, "appears in the header twice", line=line, column=name)
    for name in REQUIRED_COLUMNS:
        if name not in names:
            raise InvalidFile.at(file, "missing from the header", line=line, column=name)
    if "email" not in names and "phone" not in names:
        reason = "missing from the header: without both, no person can be found"
        raise InvalidFile.at(file, reason, line=line, column="email or phone")


def _explain_unknown_column(name: str, names: Sequence[str]) -> str:
    similar = name.strip().lower().replace(" ", "_").replace("-", "_")
    hint = ""
    if similar in COLUMNS:
        hint = f": write it as {similar}"
    elif len({*names}.intersection(COLUMNS)) < 2:  # a cell of items may be one of them
        hint = ", and neither is another cell of this line: the header seems to be missing"
    return f"not a column of a data set file{hint}; the header may hold {', '.join(COLUMNS)}"


def parse_cell(column: str, cell: object, *, pipe_separated: bool) -> object:
    """Parse one cell: text, a tuple of text for `MULTI_VALUE_COLUMNS`, an integer for the count. A `CellError` if it is invalid.

    Args:
        column: one of `COLUMNS`.
        cell: as in `ParsedBlock.columns`.
        pipe_separated: as in `ParsedBlock`.
    """
    if cell is not None and (problem := _length_problem(cell) if pipe_separated else _type_problem(column, cell)):
        return CellError(problem)
    if column in MULTI_VALUE_COLUMNS:
        values = _parse_values(cell, pipe_separated) if cell else ()
        for value in values:
            if value[0] not in UNMARKED_STARTS and _is_marker(column, value):
                return CellError(STANDS_FOR_NOTHING)
        return values
    if column == "count":
        return _parse_count(cell) or CellError(f"must be a whole number from 1 to {MAX_COUNT}")
    if column in REFERENCE_COLUMNS:
        return _parse_reference(column, cast("str | None", cell))
    text = cell.strip() if isinstance(cell, str) else ""
    if column == "confidence":
        return text or "confirmed" if text in _CONFIDENCES or not text else CellError(_INVALID_CONFIDENCE)
    return CellError(STANDS_FOR_NOTHING) if is_marker_of_nothing(text) else text


def check_items(items: Sequence[str], confidence: str) -> CellError | None:
    """Check that a row says what leaked. Sealed without items, its record would tell the person that nothing did."""
    if items or confidence == "withdrawn":
        return None
    return CellError("must not be empty unless the confidence is withdrawn")


def split_values(cell: str) -> list[str]:
    """Split a CSV cell at each ``|``. From the left, ``||`` is an escaped ``|``."""
    if "||" not in cell:
        return cell.split("|")
    return [value.replace("\0", "|") for value in cell.replace("||", "\0").split("|")]


def join_values(values: Sequence[str]) -> str:
    """Reverse `split_values`. A value that begins with ``|`` gets a space before it, which the reader strips."""
    escaped = [value.replace("|", "||") for value in values]
    return "|".join(f" {value}" if value.startswith("|") else value for value in escaped)


def is_valid_unicode(text: str) -> bool:
    """Return whether *text* has no lone surrogates, which no encoding can write."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def holds_several_names(value: str) -> bool:
    """Return whether *value*, one value of the column name, is several: canonical form would join them to a name that no person has."""
    parts = _BETWEEN_NAMES.split(value)
    return len(parts) > 1 and sum(any(map(str.isalpha, part)) for part in parts) > 1


def _length_problem(text: object) -> str | None:
    return f"over {MAX_CELL_CHARS} characters" if len(cast("str", text)) > MAX_CELL_CHARS else None


def _type_problem(column: str, cell: object) -> str | None:
    if type(cell) is str:
        return _text_problem(cell)
    if column == "count":
        return None if type(cell) is int else "must be a whole number"
    if isinstance(cell, list) and column in MULTI_VALUE_COLUMNS:
        texts = [value for value in cell if value is not None]
        if not all(type(value) is str for value in texts):
            return "must hold text only"
        return _text_problem("".join(texts))
    if isinstance(cell, float) and isnan(cell):
        return STANDS_FOR_NOTHING
    if isinstance(cell, bool):
        return "must be text, not true or false"
    return _NOT_TEXT if isinstance(cell, int | float) else "must be text"


def _text_problem(text: str) -> str | None:
    if len(text) > MAX_CELL_CHARS:
        return f"over {MAX_CELL_CHARS} characters"
    if "\0" in text:
        return "holds a NUL character"
    return None if is_valid_unicode(text) else "holds half a character (a lone surrogate)"


def _is_marker(column: str, value: str) -> bool:
    return column != "items" and (is_marker_in_name if column == "name" else is_marker_of_nothing)(value)


def _parse_reference(column: str, text: str | None) -> str | CellError:
    if text and is_plain_reference(text):
        return text
    reference, problem = parse_reference(text) if text else ("", "")
    if not reference and column == "account_ref":
        return CellError("must not be empty")
    return CellError(problem) if problem else reference


def _parse_count(cell: object) -> int | None:
    if isinstance(cell, str):
        text = cell.strip()
        if text and not _COUNT_PATTERN.fullmatch(text):
            return None
        cell = int(text or "1")
    count = 1 if cell is None else cast("int", cell)
    return count if 1 <= count <= MAX_COUNT else None


def _parse_values(cell: object, pipe_separated: bool) -> tuple[str, ...]:
    if isinstance(cell, str):
        if not pipe_separated or "|" not in cell:
            value = cell.strip()
            return (value,) if value else ()
        cell = split_values(cell)
    return tuple([value for part in cast("list[str | None]", cell) if part and (value := part.strip())])
