"""Stage two: people in, rows under their inner seal out.

The result of a person depends on nothing but that person, so neither order nor number of workers shows in it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, compress, pairwise, repeat
from operator import add, not_
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto import messages
from app.crypto.expansion import LOCATOR_BYTES
from app.crypto.seal import RECORD_AT_MOST, RowSealer, row_tags
from app.datasets.errors import OtherPepper
from app.datasets.files import Reject
from app.datasets.importing.asking import Asked
from app.datasets.importing.people import gather, parted, sum_up
from app.datasets.importing.plan import Plan
from app.datasets.importing.rows import Row, listed
from app.datasets.importing.spill import Spill
from app.datasets.importing.stored import brought_together, pack
from app.datasets.ranges import first_of
from app.datasets.record import (
    CONFIDENCES,
    ROLES,
    encode_head,
    encode_hints,
    encode_items,
)
from app.identifiers import VALUE_KINDS, Kind, mask
from app.keyholder import Keyholder

HINTS_KEPT = 3
"""Masked hints of one kind that a record keeps."""

PEOPLE_AT_ONCE = 10_000
"""That the keyholder is asked about together: what is known of them meanwhile stays small."""

IMPORT_TIMEOUT = 30.0
"""Seconds for one batch at the import door."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """What sealing the partitions takes: the rows of stage one come in, sealed ones go out in as many buckets as there are partitions."""

    plan: Plan
    door: Path
    read: Spill
    blocks: int
    spill: Spill
    partitions: int


@dataclass(slots=True)
class Sealed:
    """What became of a partition."""

    rows: int = 0
    people: int = 0
    unreachable: int = 0
    rejects: list[Reject] = field(default_factory=list)
    tallies: Counter[tuple[str, int]] = field(default_factory=Counter)
    """People of each cohort that have just these items in it, as a mask."""
    vouching: tuple[bytes, bytes] = field(default=(b"", b""), repr=False)
    """The keyholder's answers on the data set's sentinel and on the scheme, on the connection of all others: another pepper gives others."""

    def add(self, other: "Sealed") -> None:
        """Add up what became of another partition.

        Raises:
            OtherPepper: it was sealed under another.
        """
        if self.vouching not in ((b"", b""), other.vouching):
            raise OtherPepper("the keyholder came back with another pepper")
        self.rows += other.rows
        self.people += other.people
        self.unreachable += other.unreachable
        self.rejects += other.rejects
        self.tallies.update(other.tallies)
        self.vouching = other.vouching


def seal_partition(sealing: Sealing, number: int) -> Sealed:
    """Seal the people of one partition and put them aside, in a file of its number; what became of them is its last chunk.

    Raises:
        ImportFailed: one person has too many rows.
        Unavailable: the keyholder, a key or the spill failed.
    """
    people = gather(sealing.read.read_all(sealing.blocks, number))
    sealer = sealing.plan.sealer()
    done, locators, rows = Sealed(), list[bytes](), list[bytes]()
    names: dict[str, bytes] = {}
    with Keyholder(sealing.door, timeout=IMPORT_TIMEOUT) as keyholder:
        for start in range(0, people.num_rows or 1, PEOPLE_AT_ONCE):  # nobody, too: it is seen which pepper answers
            some, where, sealed = seal(people.slice(start, PEOPLE_AT_ONCE), sealing.plan, sealer, keyholder, names)
            done.add(some)
            locators += where
            rows += sealed
    stored = brought_together(sealer.cloak(b"".join(locators)) if rows else b"", rows)
    firsts = (first_of(bucket, sealing.partitions) for bucket in range(sealing.partitions))
    bounds = [bisect_left(range(len(stored)), first, key=lambda at: stored[at].as_py()) for first in firsts]
    buckets = [pack(stored.slice(start, end - start)) for start, end in pairwise([*bounds, len(stored)])]
    sealing.spill.write(number, [*buckets, _plain(done)])
    return done


def read_sealed(sealing: Sealing, number: int) -> Sealed:
    """Read what became of a partition that was sealed before.

    Raises:
        SpillDamaged: the file is not what was written.
    """
    rows, people, unreachable, rejects, tallies, vouching = sealing.spill.read(number, sealing.partitions)
    return Sealed(rows, people, unreachable, [Reject(*one) for one in rejects], Counter(tallies), vouching)


def seal(
    people: pa.RecordBatch, plan: Plan, sealer: RowSealer, keyholder: Keyholder, named: dict[str, bytes]
) -> tuple[Sealed, list[bytes], list[bytes]]:
    """Seal some people, each one's rows united, asking the keyholder for all of them at once.

    Args:
        people: rows, each of another person; none, too.
        plan: of the import.
        sealer: of the plan.
        keyholder: at its import door.
        named: the tags of names that it was asked for already, to which these people's are added: most names are many people's.

    Returns:
        What became of them; each row's locator; and each row's tag and inner seal in one.

    Raises:
        KeyholderUnavailable: it does not answer.
    """
    done = Sealed()
    reachable = people.filter(pc.or_(pc.not_equal(people["email"], ""), pc.not_equal(people["phone"], "")))
    done.unreachable = people.num_rows - reachable.num_rows
    asked = Asked(keyholder, plan)
    done.vouching = asked.vouching
    if not reachable.num_rows:
        return done, [], []
    whos, lines, emails, phones, names, addresses, claims = (column.to_pylist() for column in reachable.columns)
    subjects = asked.subjects(whos)
    asked.tags("name", names, named)
    located: dict[str, bytes] = {}
    asked.tags("address", addresses, located)
    heads, items = zip(*map(_Written(plan).__getitem__, claims), strict=True)
    holders = [who.endswith(messages.BETWEEN_REFERENCES) for who in whos]
    hints = [encode_hints(hints_of(person)) for person in listed(reachable)] if plan.hints else [b""] * len(whos)
    parts = (
        [head[not holder][shown != b""] for head, holder, shown in zip(heads, holders, hints, strict=True)],
        subjects,
        items,
        map(named.__getitem__, names),
        map(located.__getitem__, addresses),
        hints,
    )
    owned = [
        *map(
            add,
            map(asked.places("email", emails).__getitem__, emails),
            map(asked.places("phone", phones).__getitem__, phones),
        )
    ]
    commons = [*map(b"".join, zip(*parts, strict=True))]
    if _length(max(map(len, commons)), max(map(len, owned))) > RECORD_AT_MOST:  # of most batches none is near it
        fits = [_length(len(one), len(own)) <= RECORD_AT_MOST for one, own in zip(commons, owned, strict=True)]
        reason = "one person has more values or identifiers than a row holds"
        done.rejects = [Reject(line, "account_ref", reason) for line in compress(lines, map(not_, fits))]
        claims, subjects, commons, owned = ([*compress(each, fits)] for each in (claims, subjects, commons, owned))
    done.people = len(claims)
    for claim, count in Counter(claims).items():
        for seen in sum_up(claim).seen:
            done.tallies[seen] += count
    places = [*chain.from_iterable(owned)]
    owners = [*chain.from_iterable(map(repeat, subjects, map(len, owned)))]
    records: list[bytes] = []
    for common, own in zip(commons, owned, strict=True):
        if len(own) == 1:
            records.append(common)
        else:
            records += _records(common, own)
    done.rows = len(places)
    locators = [place[:LOCATOR_BYTES] for place in places]
    inner = sealer.records.seal_all(places, records)
    return done, locators, [*map(add, row_tags(owners, locators), inner)]


class _Written(dict[str, tuple[tuple[tuple[bytes, bytes], ...], bytes]]):
    """For claims the heads of a record (for each of `ROLES`, without hints and with) and its items. Most people's are the same as others'."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def __missing__(self, claims: str) -> tuple[tuple[tuple[bytes, bytes], ...], bytes]:
        person = sum_up(claims)
        confidence = CONFIDENCES[person.confidence]
        plain, hinted = ([encode_head(role, confidence, hinted=has) for role in ROLES] for has in (False, True))
        items = encode_items(person.items, [self._plan.cohorts[cohort] for cohort in person.cohorts])
        written = self[claims] = tuple(zip(plain, hinted, strict=True)), items
        return written


def _length(common: int, identifiers: int) -> int:
    """Say how long a person's records are, of whose bytes so many are *common* to all."""
    return common + LOCATOR_BYTES * (identifiers - 1)


def _records(common: bytes, own: Sequence[bytes]) -> list[bytes]:
    """Write the record of each of a person's places, which are several: what is *common* to them, and the locators of the others."""
    locators = [place[:LOCATOR_BYTES] for place in own]
    ordered = sorted(locators)
    return [common + b"".join([other for other in ordered if other is not locator]) for locator in locators]


def hints_of(person: Row) -> dict[Kind, tuple[str, ...]]:
    """Mask what leaked of somebody's values, as its owner may be shown it."""
    exposed = sum_up(person.claims).items
    values = {kind: parted(getattr(person, kind)) for kind in VALUE_KINDS}
    return {
        kind: tuple(sorted({mask(kind, text) for text in values[kind]})[:HINTS_KEPT])
        for kind in VALUE_KINDS
        if kind in exposed and values[kind]
    }


def _plain(done: Sealed) -> tuple[Any, ...]:
    rejects = [(one.line, one.column, one.reason) for one in done.rejects]
    return done.rows, done.people, done.unreachable, rejects, dict(done.tallies), done.vouching
