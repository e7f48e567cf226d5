"""The rows of one person, united."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from app.datasets.errors import ImportFailed
from app.datasets.importing.reading import BETWEEN, Row
from app.incidents import ITEM_KINDS, ItemKind

ROWS_AT_MOST = 100_000
"""Of one person: far more than anybody has, and few enough to hold in memory."""

_KINDS = tuple(
    tuple(kind for bit, kind in enumerate(ITEM_KINDS) if mask >> bit & 1) for mask in range(1 << len(ITEM_KINDS))
)
"""The items that each mask of bits stands for."""


@dataclass(slots=True)
class Person:
    """All that a file says of one person: the holder of an account, or somebody in that account's address book. Values are in canonical form."""

    who: str = field(repr=False)
    line: int
    emails: Sequence[str] = field(repr=False)
    phones: Sequence[str] = field(repr=False)
    names: Sequence[str] = field(repr=False)
    addresses: Sequence[str] = field(repr=False)
    items: Mapping[ItemKind, int]
    cohorts: Sequence[str]
    confidence: int
    seen: Iterable[tuple[str, int]]
    """For each cohort the items, as a mask, that this person has in it."""


def gather(parts: Iterable[list[Row]]) -> dict[str, list[Row]]:
    """Bring the rows of each person together.

    Raises:
        ImportFailed: one person has more of them than `ROWS_AT_MOST`.
    """
    people: dict[str, list[Row]] = {}
    rows = 0
    for part in parts:
        for row in part:
            known = people.get(row[0])
            if known is None:
                people[row[0]] = [row]
            else:
                known.append(row)
        rows += len(part)
        if rows > ROWS_AT_MOST and len(largest := max(people.values(), key=len)) > ROWS_AT_MOST:
            first = min(row[1] for row in largest)
            raise ImportFailed(
                f"line {first}, column account_ref: one person has over {ROWS_AT_MOST:,} rows; nothing was imported"
            )
    return people


def unite(who: str, rows: Sequence[Row]) -> Person:
    """Unite one person's rows: values, items and cohorts add up, and the highest confidence wins."""
    if len(rows) == 1:
        (_, line, email, phone, name, address, mask, cohort, count, confidence) = rows[0]
        return Person(
            who,
            line,
            _parted(email),
            _parted(phone),
            _parted(name),
            _parted(address),
            dict.fromkeys(_KINDS[mask], count),
            (cohort,) if cohort else (),
            confidence,
            ((cohort, mask),),
        )
    items: Counter[ItemKind] = Counter()
    seen: dict[str, int] = {}
    for row in rows:
        mask, cohort, count = row[6:9]
        for kind in _KINDS[mask]:
            items[kind] += count
        seen[cohort] = seen.get(cohort, 0) | mask
    lines, emails, phones, names, addresses = zip(*(row[1:6] for row in rows), strict=True)
    return Person(
        who,
        min(lines),
        _united(emails),
        _united(phones),
        _united(names),
        _united(addresses),
        items,
        sorted(cohort for cohort in seen if cohort),
        max(row[9] for row in rows),
        seen.items(),
    )


def _parted(values: str) -> Sequence[str]:
    if not values:
        return ()
    return values.split(BETWEEN) if BETWEEN in values else (values,)


def _united(several: Iterable[str]) -> Sequence[str]:
    return sorted({value for values in {*several} if values for value in values.split(BETWEEN)})
