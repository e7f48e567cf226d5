"""Stage one: the rows of a file, judged, in canonical form, and put aside by person.

Everything that can be refused about a row is refused here, before anything is sealed. Rows of one person, wherever in the file they stand, come to
lie in one partition.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple, cast
from zlib import crc32

from app.crypto import messages
from app.datasets.files import COLUMNS, Block, Format, Problem, Reject, Table, read_cell
from app.datasets.importing.spill import Spill
from app.datasets.record import CONFIDENCES
from app.datasets.synthetic import SYNTHETIC_MARK
from app.identifiers import COMMON_FORMS, Kind, Malformed, canonical
from app.incidents import ITEM_KINDS

BETWEEN = "\0"
"""Between two values of a kind: no canonical form holds it."""


PlainClaim = tuple[int, str, int, int]
"""A `Claim` as `marshal` takes it."""


class Claim(NamedTuple):
    """What a row says beside values: few differ."""

    items: int
    """A bit for each of `ITEM_KINDS`."""
    cohort: str
    views: int
    confidence: int
    """Its place in `CONFIDENCES`."""


class Row(NamedTuple):
    """A finding in canonical form: what `marshal` takes, and no more objects than it needs.

    Several values of a kind stand in order, with `BETWEEN` between them.
    """

    who: str
    """account_ref and recipient_ref, joined by `messages.references`."""
    line: int
    email: str
    phone: str
    name: str
    address: str
    claim: PlainClaim
    """Rows that say the same share one."""

    def __repr__(self) -> str:
        return f"Row(line={self.line})"


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading the blocks of a file takes."""

    format: Format
    declared: frozenset[str]
    """Items that the incident knows."""
    partitions: int
    spill: Spill
    watched: frozenset[str] = field(default=frozenset(), repr=False)
    """Phones that are nobody's, unless the file has them."""


@dataclass(slots=True)
class Read:
    """What became of a block."""

    rows: int = 0
    rejects: list[Reject] = field(default_factory=list)
    cohorts: set[str] = field(default_factory=set)
    synthetic: bool = False
    read: int = 0
    taken: set[str] = field(default_factory=set, repr=False)
    """Of the watched phones."""


def read_block(reading: Reading, task: tuple[int, Block]) -> Read:
    """Read a block and put its rows aside, in a file of its number.

    Raises:
        BadFile: the block cannot be read as a whole.
    """
    number, block = task
    rows, rejects = judged(reading.format.table(block), reading.declared)
    parts: list[list[tuple[Any, ...]]] = [[] for _ in range(reading.partitions)]
    for row in rows:
        parts[crc32(row[0].encode()) % reading.partitions].append(row)
    reading.spill.write(number, parts)
    return Read(
        rows=len(rows),
        rejects=rejects,
        cohorts={claim[_COHORT] for claim in {row[_CLAIM] for row in rows}} - {""},
        synthetic=any(row[0].startswith(SYNTHETIC_MARK) for row in rows),
        read=block.read,
        taken={*reading.watched.intersection(one for row in rows for one in row[_PHONE].split(BETWEEN))}
        if reading.watched
        else set(),
    )


_PHONE = Row._fields.index("phone")
_CLAIM = Row._fields.index("claim")
_COHORT = Claim._fields.index("cohort")


def judged(table: Table, declared: frozenset[str]) -> tuple[list[tuple[Any, ...]], list[Reject]]:
    """Judge what the rows of a block say, and spell it in canonical form: as `Row`, but plain tuples; and what cannot be taken.

    Column by column, since each different cell of one is judged once: what a block's rows have in common is most of them.
    """
    columns = [
        _Column(column, cells, table.piped, declared) for column, cells in zip(COLUMNS, table.columns, strict=True)
    ]
    accounts, recipients, emails, phones, names, addresses, *said = [column.values for column in columns]
    claims = list(zip(*said, strict=True))
    same: dict[tuple[Any, ...], tuple[Any, ...]] = {}
    claims = [*map(same.setdefault, claims, claims)]  # one object for all that are equal: less is put aside
    who = map(messages.references, accounts, recipients)
    rows = list(zip(who, table.lines, emails, phones, names, addresses, claims, strict=True))
    problems: dict[int, Reject] = {}
    for column in columns:
        for place in column.problems():
            problem: Problem = column.values[place]
            problems.setdefault(place, Reject(table.lines[place], column.name, problem.reason))
    if problems:
        rows = [row for place, row in enumerate(rows) if place not in problems]
    return rows, [*table.rejects, *problems.values()]


class _Column:
    """One column of a block, spelled as a `Row` has it."""

    def __init__(self, name: str, cells: Sequence[object], piped: bool, declared: frozenset[str]) -> None:
        self.name = name
        if piped:
            spelled = _Spelled(name, declared)
            at_once = _AT_ONCE.get(name)
            texts = cast("Sequence[str]", cells)
            self.values: list[Any] = (
                [at_once(text) or spelled[text] for text in texts] if at_once else [*map(spelled.__getitem__, texts)]
            )
            self._sound = not any(type(one) is Problem for one in spelled.values())
        else:  # not all of these cells can be told apart by their hash: 1 and True
            self.values = [_spelled(name, False, declared, cell) for cell in cells]
            self._sound = False

    def problems(self) -> Iterator[int]:
        """Tell which of the cells cannot be taken."""
        if not self._sound:
            yield from (place for place, value in enumerate(self.values) if type(value) is Problem)


class _Spelled(dict[str, object]):
    """The different cells of a column, each spelled when it is met first."""

    def __init__(self, column: str, declared: frozenset[str]) -> None:
        self._column, self._declared = column, declared

    def __missing__(self, cell: str) -> object:
        value = self[cell] = _spelled(self._column, True, self._declared, cell)
        return value


_PLAIN = re.compile("[0-9A-Za-z_-]{1,64}").fullmatch


def _plain(cell: str) -> str | None:
    return cell if _PLAIN(cell) else None


_AT_ONCE: Mapping[str, Callable[[str], str | None]] = MappingProxyType({"account_ref": _plain, **COMMON_FORMS})
"""What spells most cells of a column as `_spelled` does, or leaves them to it: no common form has a `|` or a space around it to see to."""


def _spelled(column: str, piped: bool, declared: frozenset[str], cell: object) -> object:
    value: Any = read_cell(column, cell, piped=piped)
    if type(value) is Problem:
        return value
    if column == "items":
        return _mask(value, declared)
    if column == "confidence":
        return CONFIDENCES.index(value)
    if type(value) is not tuple:
        return value
    kind = cast("Kind", column)
    try:
        if len(value) == 1:
            return canonical(kind, value[0])
        return BETWEEN.join(sorted({canonical(kind, text) for text in value}))
    except Malformed as malformed:
        return Problem(malformed.reason)


def _mask(items: Sequence[str], declared: frozenset[str]) -> int | Problem:
    if not declared.issuperset(items):
        return Problem("an item that the incident does not declare")
    return sum(1 << bit for bit, kind in enumerate(ITEM_KINDS) if kind in items)
