"""The rows of one person, united."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from app.datasets.errors import ImportFailed
from app.datasets.importing.reading import BETWEEN, PlainClaim, Row
from app.incidents import ITEM_KINDS, ItemKind

ROWS_AT_MOST = 100_000
"""Of one person: far more than anybody has, and few enough to hold in memory."""


class Person(NamedTuple):
    """All that a file says of one person: the holder of an account, or somebody in that account's address book. Values are in canonical form."""

    who: str
    line: int
    emails: Sequence[str]
    phones: Sequence[str]
    names: Sequence[str]
    addresses: Sequence[str]
    claims: tuple[PlainClaim, ...]
    """One of each row; `sum_up` says what they come to."""

    def __repr__(self) -> str:
        return f"Person(line={self.line})"


@dataclass(frozen=True, slots=True)
class Sum:
    """What the claims of one person come to: items and cohorts add up, and the highest confidence wins."""

    items: Mapping[ItemKind, int]
    cohorts: tuple[str, ...]
    confidence: int
    """Its place in `CONFIDENCES`."""
    seen: tuple[tuple[str, int], ...]
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
    """Unite one person's rows."""
    if len(rows) == 1:
        _, line, email, phone, name, address, claim = rows[0]
        return Person(who, line, _parted(email), _parted(phone), _parted(name), _parted(address), (claim,))
    _, lines, emails, phones, names, addresses, claims = zip(*rows, strict=True)
    return Person(who, min(lines), _united(emails), _united(phones), _united(names), _united(addresses), claims)


@lru_cache(maxsize=1 << 12)
def sum_up(claims: tuple[PlainClaim, ...]) -> Sum:
    """Say what one person's claims come to. Remembered, since most people's are the same as others'."""
    items: Counter[ItemKind] = Counter()
    seen: dict[str, int] = {}
    confidence = 0
    for mask, cohort, views, sure in claims:
        for bit, kind in enumerate(ITEM_KINDS):
            if mask >> bit & 1:
                items[kind] += views
        seen[cohort] = seen.get(cohort, 0) | mask
        confidence = max(confidence, sure)
    return Sum(items, tuple(sorted(cohort for cohort in seen if cohort)), confidence, tuple(seen.items()))


def _parted(values: str) -> Sequence[str]:
    if not values:
        return ()
    return values.split(BETWEEN) if BETWEEN in values else (values,)


def _united(several: Iterable[str]) -> Sequence[str]:
    different = {*several}
    different.discard("")
    together = BETWEEN.join(different)
    return sorted({*together.split(BETWEEN)}) if BETWEEN in together else _parted(together)
