"""The rows of one person, united."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from app.datasets.errors import ImportFailed
from app.datasets.importing.reading import BETWEEN_CELLS, BETWEEN_VALUES, Claim, PlainRow, Row
from app.incidents import ITEM_KINDS, ItemKind

ROWS_AT_MOST = 100_000
"""Of one person: far more than anybody has, and few enough to hold in memory."""


@dataclass(frozen=True, slots=True)
class Sum:
    """What the claims of one person come to: items and cohorts add up, and the highest confidence wins."""

    items: Mapping[ItemKind, int]
    cohorts: tuple[str, ...]
    confidence: int
    """Its place in `CONFIDENCES`."""
    seen: tuple[tuple[str, int], ...]
    """For each cohort the items, as a mask, that this person has in it."""


def gather(parts: Iterable[str]) -> list[PlainRow]:
    """Bring the rows of each person together and unite them; *parts* are as `reading.read_block` puts them aside.

    Raises:
        ImportFailed: one person has more of them than `ROWS_AT_MOST`.
    """
    people: dict[str, PlainRow] = {}
    several: dict[str, list[PlainRow]] = {}
    for part in filter(None, parts):
        cells = iter(part.split(BETWEEN_CELLS))
        for account, recipient, line, email, phone, name, address, claim in zip(*[cells] * _CELLS, strict=True):
            who = f"{account}{BETWEEN_CELLS}{recipient}"
            row = (who, line, email, phone, name, address, claim)
            first = people.setdefault(who, row)
            if first is not row:
                rows = several.setdefault(who, [first])
                rows.append(row)
                if len(rows) > ROWS_AT_MOST:
                    raise _too_many(rows)
    people |= {who: unite(rows) for who, rows in several.items()}
    return [*people.values()]


def _too_many(rows: Iterable[PlainRow]) -> ImportFailed:
    first = min(int(row[1]) for row in rows)
    return ImportFailed(
        f"line {first}, column account_ref: one person has over {ROWS_AT_MOST:,} rows; nothing was imported"
    )


_CELLS = len(Row._fields) + 1
"""Of a row, between which `BETWEEN_CELLS` stands: the two references are a cell each."""


def unite(rows: Sequence[PlainRow]) -> PlainRow:
    """Unite one person's rows."""
    if len(rows) == 1:
        return rows[0]
    if len(rows) == 2:  # of those who have several, nearly all
        return _both(*rows)
    whos, lines, emails, phones, names, addresses, claims = zip(*rows, strict=True)
    return (
        whos[0],
        min(lines, key=int),
        _united(emails),
        _united(phones),
        _united(names),
        _united(addresses),
        BETWEEN_CELLS.join(sorted(claims)),
    )


@lru_cache(maxsize=1 << 12)
def sum_up(claims: str) -> Sum:
    """Say what one person's claims come to. Remembered, since most people's are the same as others'."""
    items: Counter[ItemKind] = Counter()
    seen: dict[str, int] = {}
    confidence = 0
    for mask, views, sure, cohort in map(Claim.parse, claims.split(BETWEEN_CELLS)):
        for bit, kind in enumerate(ITEM_KINDS):
            if mask >> bit & 1:
                items[kind] += views
        seen[cohort] = seen.get(cohort, 0) | mask
        confidence = max(confidence, sure)
    return Sum(items, tuple(sorted(cohort for cohort in seen if cohort)), confidence, tuple(seen.items()))


def _both(one: PlainRow, other: PlainRow) -> PlainRow:
    who, line, email, phone, name, address, claim = one
    _, line2, email2, phone2, name2, address2, claim2 = other
    return (
        who,
        line if int(line) <= int(line2) else line2,
        email if email == email2 or not email2 else _united((email, email2)),
        phone if phone == phone2 or not phone2 else _united((phone, phone2)),
        name if name == name2 or not name2 else _united((name, name2)),
        address if address == address2 or not address2 else _united((address, address2)),
        f"{claim}{BETWEEN_CELLS}{claim2}" if claim <= claim2 else f"{claim2}{BETWEEN_CELLS}{claim}",
    )


def parted(values: str) -> list[str]:
    """Take the values of one kind apart."""
    return values.split(BETWEEN_VALUES) if values else []


def _united(several: Iterable[str]) -> str:
    different = {*several}
    different.discard("")
    if len(different) < 2:
        return different.pop() if different else ""
    return BETWEEN_VALUES.join(sorted({*BETWEEN_VALUES.join(different).split(BETWEEN_VALUES)}))
