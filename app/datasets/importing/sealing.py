"""Stage two: people in, rows under their inner seal out.

The result of a person depends on nothing but that person, so neither order nor number of workers shows in it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from operator import add, itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any
from uuid import UUID

from app.crypto import messages
from app.crypto.expansion import LOCATOR_BYTES, expanded_rows
from app.crypto.keyfiles import KeyRing
from app.crypto.scheme import Scheme
from app.crypto.seal import RECORD_AT_MOST, RowSealer, row_tags
from app.datasets.errors import OtherPepper
from app.datasets.files import Reject
from app.datasets.importing.people import gather, parted, sum_up
from app.datasets.importing.reading import BETWEEN_VALUES, PlainRow, Row
from app.datasets.importing.spill import Spill
from app.datasets.ranges import first_of
from app.datasets.record import (
    COMPARED_KINDS,
    CONFIDENCES,
    ROLES,
    encode_each,
    encode_head,
    encode_hints,
    encode_items,
    encode_tags,
)
from app.identifiers import IDENTIFIER_KINDS, VALUE_KINDS, IdentifierKind, Kind, mask
from app.keyholder import Keyholder

HINTS_KEPT = 3
"""Masked hints of one kind that a record keeps."""

BEFORE_INNER = LOCATOR_BYTES + messages.TAG_BYTES
"""Bytes of a row on its way to the load stage: where it is stored and its row tag, and then the inner seal."""

PEOPLE_AT_ONCE = 10_000
"""That the keyholder is asked about together: what is known of them meanwhile stays small."""

IMPORT_TIMEOUT = 30.0
"""Seconds for one batch at the import door."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What all people of one import have in common."""

    dataset: UUID
    incident: str
    scheme: Scheme = field(repr=False)
    hints: bool
    cohorts: Mapping[str, int]
    keys: KeyRing
    key_id: str

    @staticmethod
    def numbers(cohorts: set[str]) -> dict[str, int]:
        """Number the cohorts of a file, as the records refer to them: by name, so that the same file gives the same numbers."""
        return {name: number for number, name in enumerate(sorted(cohorts))}

    def sealer(self) -> RowSealer:
        """Load the store key, and give what cloaks and seals under it.

        Raises:
            MissingKey: it is not there.
        """
        return RowSealer(self.keys.store(self.key_id), self.dataset)


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
    with Keyholder(sealing.door, timeout=IMPORT_TIMEOUT) as keyholder:
        for start in range(0, len(people) or 1, PEOPLE_AT_ONCE):  # nobody, too: it is seen which pepper answers
            some, where, sealed = seal(people[start : start + PEOPLE_AT_ONCE], sealing.plan, sealer, keyholder)
            done.add(some)
            locators += where
            rows += sealed
    places = sealer.cloak(b"".join(locators)) if rows else b""
    stored = [
        places[start : start + LOCATOR_BYTES] + sealed
        for start, sealed in zip(range(0, len(places), LOCATOR_BYTES), rows, strict=True)
    ]
    stored.sort()  # so that what is left behind does not tie a person's rows by their place
    bounds = [bisect_left(stored, first_of(bucket, sealing.partitions)) for bucket in range(sealing.partitions)]
    buckets = [stored[start:end] for start, end in pairwise([*bounds, len(stored)])]
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
    people: Sequence[PlainRow], plan: Plan, sealer: RowSealer, keyholder: Keyholder
) -> tuple[Sealed, list[bytes], list[bytes]]:
    """Seal some people, each one's rows united, asking the keyholder for all of them at once.

    Returns:
        What became of them; each row's locator; and each row's tag and inner seal in one.

    Raises:
        KeyholderUnavailable: it does not answer.
    """
    done = Sealed()
    reachable = [person for person in people if person[_EMAIL] or person[_PHONE]]
    done.unreachable = len(people) - len(reachable)
    asked = _Asked(keyholder, plan)
    done.vouching = asked.vouching
    if not reachable:
        return done, [], []
    whos, lines, emails, phones, names, addresses, claims = zip(*reachable, strict=True)
    subjects = asked.macs(messages.of_subjects(plan.incident), whos, messages.SUBJECT_BYTES)
    heads, items = zip(*map(_Written(plan).__getitem__, claims), strict=True)
    holders = [who.endswith(messages.BETWEEN_REFERENCES) for who in whos]
    hints = [encode_hints(_hints(person)) for person in reachable] if plan.hints else [b""] * len(whos)
    parts = (
        [head[not holder][shown != b""] for head, holder, shown in zip(heads, holders, hints, strict=True)],
        subjects,
        items,
        map(asked.tags("name", names).__getitem__, names),
        map(asked.tags("address", addresses).__getitem__, addresses),
        hints,
    )
    owned = map(
        add,
        map(asked.places("email", emails).__getitem__, emails),
        map(asked.places("phone", phones).__getitem__, phones),
    )
    told: list[str] = []
    places: list[bytes] = []  # this and the next two: of each row
    owners: list[bytes] = []
    records: list[bytes] = []
    commons = map(b"".join, zip(*parts, strict=True))
    for line, claim, subject, common, own in zip(lines, claims, subjects, commons, owned, strict=True):
        if len(common) + LOCATOR_BYTES * (len(own) - 1) > RECORD_AT_MOST:
            reason = "one person has more values or identifiers than a row holds"
            done.rejects.append(Reject(int(line), "account_ref", reason))
            continue
        told.append(claim)
        places += own
        if len(own) == 1:
            owners.append(subject)
            records.append(common)
        else:
            owners += [subject] * len(own)
            records += [common + siblings for siblings in _siblings(own)]
    done.people = len(told)
    for claim, count in Counter(told).items():
        for seen in sum_up(claim).seen:
            done.tallies[seen] += count
    done.rows = len(places)
    locators = [place[:LOCATOR_BYTES] for place in places]
    inner = sealer.records.seal_all(places, records)
    return done, locators, [*map(add, row_tags(owners, locators), inner)]


_CELL: Mapping[str, int] = MappingProxyType({name: place for place, name in enumerate(Row._fields)})
_WHO, _EMAIL, _PHONE = (_CELL[name] for name in ("who", "email", "phone"))


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


class _Asked:
    """The keyholder, asked for some people on one connection: whoever answers has shown which pepper it holds."""

    def __init__(self, keyholder: Keyholder, plan: Plan) -> None:
        self._keyholder = keyholder
        self._plan = plan
        self._on = keyholder.connection()
        sentinel, mark = messages.sentinel(plan.dataset), messages.scheme(plan.scheme.salt)
        self.vouching = (keyholder.mac(sentinel, on=self._on), keyholder.mac(mark, on=self._on))

    def macs(self, heading: bytes, texts: Iterable[str], first: int = messages.MAC_BYTES) -> list[bytes]:
        return self._keyholder.macs(heading, [*map(str.encode, texts)], on=self._on, first=first)

    def places(self, kind: IdentifierKind, cells: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        """Find the places of the identifiers in each of the *cells*, as `expanded_rows` has them."""
        different = _different(cells)
        digests = map(self._plan.scheme.stretch, self.macs(messages.of_identifiers(kind), different))
        found = dict(zip(different, zip(expanded_rows(digests, self._plan.dataset), strict=True), strict=True))
        together = {cell: tuple([found[one][0] for one in parted(cell)]) for cell in _of_several(cells)}
        return {**found, **together, "": ()}

    def tags(self, kind: Kind, cells: Sequence[str]) -> dict[str, bytes]:
        """Write the tags of the values in each of the *cells*."""
        different = _different(cells)
        tags = self.macs(messages.of_values(kind), different, messages.TAG_BYTES)
        found = dict(zip(different, tags, strict=True))
        together = {cell: encode_tags(sorted([found[one] for one in parted(cell)])) for cell in _of_several(cells)}
        return {**dict(zip(different, encode_each(tags), strict=True)), **together, "": encode_tags(())}


def _different(cells: Iterable[str]) -> dict[str, None]:
    different = dict.fromkeys(BETWEEN_VALUES.join(cells).split(BETWEEN_VALUES))
    different.pop("", None)
    return different


def _of_several(cells: Iterable[str]) -> list[str]:
    return [cell for cell in cells if BETWEEN_VALUES in cell]


def _siblings(own: Sequence[bytes]) -> list[bytes]:
    """For each of a person's places, which are several, the locators of the others."""
    locators = [place[:LOCATOR_BYTES] for place in own]
    if len(own) == 2:
        return locators[::-1]
    ordered = sorted(locators)
    return [b"".join([other for other in ordered if other is not locator]) for locator in locators]


def _hints(person: PlainRow) -> dict[Kind, tuple[str, ...]]:
    exposed = sum_up(person[-1]).items
    values = {kind: parted(person[_CELL[kind]]) for kind in VALUE_KINDS}
    return {
        kind: tuple(sorted({mask(kind, text) for text in values[kind]})[:HINTS_KEPT])
        for kind in VALUE_KINDS
        if kind in exposed and values[kind]
    }


def _plain(done: Sealed) -> tuple[Any, ...]:
    rejects = [(one.line, one.column, one.reason) for one in done.rejects]
    return done.rows, done.people, done.unreachable, rejects, dict(done.tallies), done.vouching
