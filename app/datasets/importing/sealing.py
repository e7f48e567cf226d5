"""Stage two: people in, rows under their inner seal out.

The result of a person depends on nothing but that person, so neither order nor number of workers shows in it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import chain, pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

from app.crypto import messages
from app.crypto.expansion import LOCATOR_BYTES, Place, row_places
from app.crypto.keyfiles import KeyRing
from app.crypto.padding import TooLong
from app.crypto.scheme import Scheme
from app.crypto.seal import RowSealer, row_tag
from app.datasets.errors import OtherPepper
from app.datasets.files import Reject
from app.datasets.importing.people import Person, gather, sum_up, unite
from app.datasets.importing.reading import PlainClaim
from app.datasets.importing.spill import Spill
from app.datasets.ranges import first_of
from app.datasets.record import CONFIDENCES, ROLES, encode_head, encode_hints, encode_items, encode_tags
from app.identifiers import VALUE_KINDS, IdentifierKind, Kind, mask
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
    people = [unite(*one) for one in gather(sealing.read.read_all(sealing.blocks, number)).items()]
    sealer = sealing.plan.sealer()
    done, rows = Sealed(), list[tuple[bytes, bytes]]()
    with Keyholder(sealing.door, timeout=IMPORT_TIMEOUT) as keyholder:
        for start in range(0, len(people) or 1, PEOPLE_AT_ONCE):  # nobody, too: it is seen which pepper answers
            some, sealed = seal(people[start : start + PEOPLE_AT_ONCE], sealing.plan, sealer, keyholder)
            done.add(some)
            rows += sealed
    places = sealer.cloak(b"".join([locator for locator, _ in rows])) if rows else b""
    stored = [
        places[start : start + LOCATOR_BYTES] + sealed
        for start, (_, sealed) in zip(range(0, len(places), LOCATOR_BYTES), rows, strict=True)
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
    people: Sequence[Person], plan: Plan, sealer: RowSealer, keyholder: Keyholder
) -> tuple[Sealed, list[tuple[bytes, bytes]]]:
    """Seal some people, asking the keyholder for all of them at once.

    Returns:
        What became of them; and for each row its locator, and its row tag and inner seal in one.

    Raises:
        KeyholderUnavailable: it does not answer.
    """
    done = Sealed()
    reachable = [person for person in people if person.emails or person.phones]
    done.unreachable = len(people) - len(reachable)
    asked = _Asked(keyholder, plan)
    done.vouching = asked.vouching
    subjects = asked.macs(messages.of_subjects(plan.incident), [person.who for person in reachable])
    emails = asked.places("email", [person.emails for person in reachable])
    phones = asked.places("phone", [person.phones for person in reachable])
    names = asked.tags("name", [person.names for person in reachable])
    addresses = asked.tags("address", [person.addresses for person in reachable])
    written = lru_cache(PEOPLE_AT_ONCE)(partial(_written, plan))
    told: list[tuple[PlainClaim, ...]] = []
    rows: list[tuple[bytes, bytes]] = []
    lay = sealer.records.seal
    for person, mac in zip(reachable, subjects, strict=True):
        subject = mac[: messages.SUBJECT_BYTES]
        is_recipient = not person.who.endswith(messages.BETWEEN_REFERENCES)
        hints = hints_of(person) if plan.hints else {}
        head, items = written(person.claims, is_recipient, bool(hints))
        common = b"".join(
            (
                head,
                subject,
                items,
                encode_tags(sorted([names[one] for one in person.names])),
                encode_tags(sorted([addresses[one] for one in person.addresses])),
                encode_hints(hints) if hints else b"",
            )
        )
        places = [emails[one] for one in person.emails] + [phones[one] for one in person.phones]
        try:
            rows += [
                (place.locator, row_tag(subject, place.locator) + lay(place, common + _siblings(place, places)))
                for place in places
            ]
        except TooLong:
            reason = "one person has more values or identifiers than a row holds"
            done.rejects.append(Reject(person.line, "account_ref", reason))
            continue
        told.append(person.claims)
    done.people = len(told)
    for claims, count in Counter(told).items():
        for seen in sum_up(claims).seen:
            done.tallies[seen] += count
    done.rows = len(rows)
    return done, rows


def _written(plan: Plan, claims: tuple[PlainClaim, ...], is_recipient: bool, hinted: bool) -> tuple[bytes, bytes]:
    """Write head and items of a record."""
    person = sum_up(claims)
    head = encode_head(ROLES[is_recipient], CONFIDENCES[person.confidence], hinted=hinted)
    return head, encode_items(person.items, [plan.cohorts[cohort] for cohort in person.cohorts])


class _Asked:
    """The keyholder, asked for some people on one connection: whoever answers has shown which pepper it holds."""

    def __init__(self, keyholder: Keyholder, plan: Plan) -> None:
        self._keyholder = keyholder
        self._plan = plan
        self._on = keyholder.connection()
        sentinel, mark = messages.sentinel(plan.dataset), messages.scheme(plan.scheme.salt)
        self.vouching = (keyholder.mac(sentinel, on=self._on), keyholder.mac(mark, on=self._on))

    def macs(self, heading: bytes, texts: Iterable[str]) -> list[bytes]:
        return self._keyholder.macs(heading, [text.encode() for text in texts], on=self._on)

    def places(self, kind: IdentifierKind, texts: Iterable[Sequence[str]]) -> dict[str, Place]:
        different = dict.fromkeys(chain.from_iterable(texts))
        digests = map(self._plan.scheme.stretch, self.macs(messages.of_identifiers(kind), different))
        return dict(zip(different, row_places(digests, self._plan.dataset), strict=True))

    def tags(self, kind: Kind, texts: Iterable[Sequence[str]]) -> dict[str, bytes]:
        different = dict.fromkeys(chain.from_iterable(texts))
        macs = self.macs(messages.of_values(kind), different)
        return {text: mac[: messages.TAG_BYTES] for text, mac in zip(different, macs, strict=True)}


def _siblings(place: Place, places: Sequence[Place]) -> bytes:
    if len(places) == 1:
        return b""
    return b"".join(sorted([other.locator for other in places if other is not place]))


def hints_of(person: Person) -> dict[Kind, tuple[str, ...]]:
    """Mask what leaked of somebody's values, as its owner may be shown it."""
    exposed = sum_up(person.claims).items
    values: dict[Kind, Sequence[str]] = {
        "name": person.names,
        "address": person.addresses,
        "email": person.emails,
        "phone": person.phones,
    }
    return {
        kind: tuple(sorted({mask(kind, text) for text in values[kind]})[:HINTS_KEPT])
        for kind in VALUE_KINDS
        if kind in exposed and values[kind]
    }


def _plain(done: Sealed) -> tuple[Any, ...]:
    rejects = [(one.line, one.column, one.reason) for one in done.rejects]
    return done.rows, done.people, done.unreachable, rejects, dict(done.tallies), done.vouching
