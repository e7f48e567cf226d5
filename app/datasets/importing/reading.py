"""Stage one: the rows of a file, judged, in canonical form, and put aside by person.

Everything that can be refused about a row is refused here, before anything is sealed. Rows of one person, wherever in the file they stand, come to
lie in one partition.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, cast
from zlib import crc32

from app.crypto import messages
from app.datasets.files import COLUMNS, Block, Format, Problem, Reject, Table, read_cell
from app.datasets.importing.spill import Spill
from app.datasets.record import CONFIDENCES
from app.datasets.synthetic import SYNTHETIC_MARK
from app.identifiers import COMMON_FORMS, Kind, Malformed, canonical
from app.incidents import ITEM_KINDS

BETWEEN_VALUES = "\n"
"""Between two values of a kind: no canonical form holds it."""

BETWEEN_CELLS = messages.BETWEEN_REFERENCES
"""Between what stood in two cells, and between two claims: no cell holds it. A person's references are two cells."""


class Claim(NamedTuple):
    """What a row says beside values: few differ."""

    items: int
    """A bit for each of `ITEM_KINDS`."""
    views: int
    confidence: int
    """Its place in `CONFIDENCES`."""
    cohort: str

    def __str__(self) -> str:
        return f"{self.items} {self.views} {self.confidence} {self.cohort}"

    @classmethod
    def parse(cls, text: str) -> "Claim":
        """Read what `__str__` wrote."""
        items, views, confidence, cohort = text.split(" ", 3)
        return cls(int(items), int(views), int(confidence), cohort)


class Row(NamedTuple):
    """A finding in canonical form, all of it text: a plain tuple of this shape, put aside by one join, is the least that a row can cost.

    Several values of a kind stand in order, with `BETWEEN_VALUES` between them. The rows of one person are united to one of the same shape.
    """

    who: str
    """account_ref and recipient_ref, joined by `messages.references`."""
    line: str
    email: str
    phone: str
    name: str
    address: str
    claims: str
    """A `Claim`; several with `BETWEEN_CELLS` between them."""

    def __repr__(self) -> str:
        return f"Row(line={self.line})"


PlainRow = tuple[str, str, str, str, str, str, str]
"""A `Row` without its name, of which there are millions."""


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
    parts: list[list[str]] = [[] for _ in range(reading.partitions)]
    for one, text in zip(map(person_of, rows), map(BETWEEN_CELLS.join, rows), strict=True):
        parts[one % reading.partitions].append(text)
    reading.spill.write(number, [*map(BETWEEN_CELLS.join, parts)])
    return Read(
        rows=len(rows),
        rejects=rejects,
        cohorts=cohorts_of(rows),
        synthetic=any(row[0].startswith(SYNTHETIC_MARK) for row in rows),
        read=block.read,
        taken={*reading.watched.intersection(one for row in rows for one in row[_PHONE].split(BETWEEN_VALUES))}
        if reading.watched
        else set(),
    )


_PHONE = Row._fields.index("phone")


def cohorts_of(rows: Iterable[PlainRow]) -> set[str]:
    """Name the cohorts that *rows* speak of."""
    return {Claim.parse(claim).cohort for claim in {row[-1] for row in rows}} - {""}


def person_of(row: PlainRow) -> int:
    """Give a number that is the same for all rows of one person."""
    return crc32(row[0].encode())


def judged(table: Table, declared: frozenset[str]) -> tuple[list[PlainRow], list[Reject]]:
    """Judge what the rows of a block say, and spell it in canonical form; and what cannot be taken.

    Column by column, since each different cell of one is judged once: what a block's rows have in common is most of them.
    """
    values = [
        _Column(column, cells, table.piped, declared)
        for column, cells in zip(COLUMNS[:_VALUES], table.columns, strict=False)
    ]
    columns = [*values, _Claims(table.columns[_VALUES:], table.piped, declared)]
    accounts, recipients, emails, phones, names, addresses, claims = [column.values for column in columns]
    between = messages.BETWEEN_REFERENCES
    who = [f"{account}{between}{recipient}" for account, recipient in zip(accounts, recipients, strict=True)]
    lines = map(str, table.lines)
    rows: list[PlainRow] = list(zip(who, lines, emails, phones, names, addresses, claims, strict=True))
    problems: dict[int, Reject] = {}
    for column in columns:
        for place, fault in column.faults():
            problems.setdefault(place, Reject(table.lines[place], fault.column, fault.reason))
    if problems:
        rows = [row for place, row in enumerate(rows) if place not in problems]
    return rows, [*table.rejects, *problems.values()]


@dataclass(frozen=True, slots=True)
class _Fault:
    """Why a cell cannot be taken, in the place of its spelling."""

    column: str
    reason: str


class _Judged:
    """One part of each row of a block, as a `Row` has it."""

    values: list[Any]
    sound: bool

    def faults(self) -> Iterator[tuple[int, _Fault]]:
        """Tell which of them cannot be taken."""
        if not self.sound:
            yield from ((place, value) for place, value in enumerate(self.values) if type(value) is _Fault)


class _Column(_Judged):
    """The references or values of one column."""

    def __init__(self, name: str, cells: Sequence[object], piped: bool, declared: frozenset[str]) -> None:
        if not piped:  # not all of these cells can be told apart by their hash: 1 and True
            self.values = [_spelled(name, False, declared, cell) for cell in cells]
            self.sound = False
            return
        texts = cast("Sequence[str]", cells)
        spelled = _Once(lambda cell: _spelled(name, True, declared, cell))
        common = COMMON_FORMS.get(name)
        if common:
            self.values = [text and (common(text) or spelled[text]) for text in texts]
        elif _all_plain(texts):
            self.values = [*texts]
        else:
            self.values = [*map(spelled.__getitem__, texts)]
        self.sound = not any(type(one) is _Fault for one in spelled.values())


class _Claims(_Judged):
    """What the rows say beside values: the cells of several columns, judged together."""

    def __init__(self, columns: Sequence[Sequence[object]], piped: bool, declared: frozenset[str]) -> None:
        said: Iterator[Any] = zip(*columns, strict=True)
        if piped:
            spelled = _Once(lambda cells: _claim(True, declared, cells))
            self.values = [*map(spelled.__getitem__, said)]
            self.sound = not any(type(one) is _Fault for one in spelled.values())
        else:
            self.values = [_claim(False, declared, cells) for cells in said]
            self.sound = False


class _Once(dict[Any, object]):
    """What each different cell comes to, worked out when it is met first."""

    def __init__(self, work: Callable[[Any], object]) -> None:
        self._work = work

    def __missing__(self, cell: Any) -> object:  # noqa: ANN401  of text, one or several
        value = self[cell] = self._work(cell)
        return value


_VALUES = COLUMNS.index("items")
"""So many columns, the first, name a person or hold values; the others make a `Claim`."""

_PLAIN = re.compile(r"(?:[0-9A-Za-z_-]{1,64}+\n)*+").fullmatch


def _all_plain(texts: Sequence[str]) -> bool:
    """Whether all texts are such as stand for themselves in each column that is not spelled otherwise: most accounts' references are."""
    together = "\n".join([*texts, ""])
    return together.count("\n") == len(texts) and _PLAIN(together) is not None


def _claim(piped: bool, declared: frozenset[str], cells: Sequence[object]) -> str | _Fault:
    values: list[Any] = []
    for column, cell in zip(COLUMNS[_VALUES:], cells, strict=True):
        value = _spelled(column, piped, declared, cell)
        if isinstance(value, _Fault):
            return value
        values.append(value)
    items, cohort, views, confidence = values
    return str(Claim(items, views, confidence, cohort))


def _spelled(column: str, piped: bool, declared: frozenset[str], cell: object) -> object:
    value: Any = read_cell(column, cell, piped=piped)
    if type(value) is Problem:
        return _Fault(column, value.reason)
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
        return BETWEEN_VALUES.join(sorted({canonical(kind, text) for text in value}))
    except Malformed as malformed:
        return _Fault(column, malformed.reason)


def _mask(items: Sequence[str], declared: frozenset[str]) -> int | _Fault:
    if not declared.issuperset(items):
        return _Fault("items", "an item that the incident does not declare")
    return sum(1 << bit for bit, kind in enumerate(ITEM_KINDS) if kind in items)
