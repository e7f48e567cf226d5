"""Stage two: people in, sealed rows out. Runs in worker processes, which hold no key but a connection to the import door.

The result of a person depends on nothing but that person, so neither order nor number of workers shows in it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from app.crypto import messages
from app.crypto.expansion import Place, row_place
from app.crypto.padding import TooLong
from app.crypto.scheme import Scheme
from app.crypto.seal import row_tag, seal_record
from app.datasets.errors import ImportFailed
from app.datasets.files import Confidence, Finding, Reject
from app.datasets.importing.reading import Grouped, Person
from app.datasets.record import CONFIDENCES, Record, encode
from app.identifiers import IDENTIFIER_KINDS, VALUE_KINDS, Kind, Malformed, canonical, mask
from app.incidents import ITEM_KINDS, Incident, ItemKind
from app.keyholder import Keyholder

COHORTS_AT_MOST = 256
HINTS_KEPT = 3
"""Masked hints of one kind that a record keeps."""


class SealedRow(NamedTuple):
    """A row under its inner seal; the place is still in clear, so it is never stored like this."""

    locator: bytes
    tag: bytes
    inner: bytes

    def __repr__(self) -> str:
        return "SealedRow(…)"


@dataclass(frozen=True, slots=True)
class Plan:
    """What all people of one import have in common."""

    dataset: UUID
    incident: str
    scheme: Scheme = field(repr=False)
    items: frozenset[ItemKind]
    hints: bool
    cohorts: Mapping[str, int]

    @classmethod
    def of(cls, incident: Incident, scheme: Scheme, grouped: Grouped, *, dataset: UUID, hints: bool) -> "Plan":
        """Plan for a whole file.

        Raises:
            ImportFailed: it has more cohorts than an incident can sensibly have.
        """
        if len(grouped.cohorts) > COHORTS_AT_MOST:
            raise ImportFailed(f"column cohort: more than {COHORTS_AT_MOST} different ones")
        cohorts = {name: index for index, name in enumerate(sorted(grouped.cohorts))}
        return cls(dataset, incident.slug, scheme, frozenset(incident.kinds), hints, cohorts)


@dataclass(slots=True)
class Batch:
    """What became of some people."""

    rows: list[SealedRow] = field(default_factory=list)
    people: int = 0
    unreachable: int = 0
    rejects: list[Reject] = field(default_factory=list)
    vouching: tuple[bytes, bytes] | None = field(default=None, repr=False)
    """The keyholder's answers on the data set's sentinel and on the scheme, given together with all others: another pepper gives others."""


@dataclass(slots=True)
class _Merged:
    """One person's findings, united, in canonical form."""

    values: dict[Kind, set[str]]
    items: Counter[ItemKind]
    cohorts: set[int]
    confidence: Confidence


def seal(people: Sequence[Person], plan: Plan, keyholder: Keyholder) -> Batch:
    """Seal some people, asking the keyholder once for all of them.

    Raises:
        KeyholderUnavailable: it does not answer.
    """
    batch = Batch()
    merged: list[tuple[Person, _Merged]] = []
    for person in people:
        one = _merge(person, plan, batch.rejects)
        if one is None:
            continue
        if not any(one.values[kind] for kind in IDENTIFIER_KINDS):
            batch.unreachable += 1
            continue
        merged.append((person, one))
    macs = _ask(keyholder, merged, plan)
    batch.vouching = (macs[messages.sentinel(plan.dataset)], macs[messages.scheme(plan.scheme.salt)])
    for person, one in merged:
        try:
            batch.rows += _rows(person, one, plan, macs.__getitem__)
            batch.people += 1
        except TooLong:
            reason = "one person has more values or identifiers than a row holds"
            batch.rejects.append(Reject(person.findings[0].line, "account_ref", reason))
    return batch


def seal_in_worker(people: Sequence[Person], plan: Plan, door: Path) -> Batch:
    """Seal some people in a process of its own."""
    keyholder = _workers_keyholder.get(door)
    if keyholder is None:
        keyholder = _workers_keyholder[door] = Keyholder(door, timeout=IMPORT_TIMEOUT)
    return seal(people, plan, keyholder)


IMPORT_TIMEOUT = 30.0
"""Seconds for one batch at the import door."""

_workers_keyholder: dict[Path, Keyholder] = {}


def _merge(person: Person, plan: Plan, rejects: list[Reject]) -> _Merged | None:
    values: dict[Kind, set[str]] = {kind: set() for kind in VALUE_KINDS}
    items: Counter[ItemKind] = Counter()
    cohorts: set[int] = set()
    confidences: list[Confidence] = []
    for finding in person.findings:
        try:
            own = _canonical_values(finding)
            kinds = _declared_items(finding, plan)
        except _Rejected as rejected:
            rejects.append(Reject(finding.line, rejected.column, rejected.reason))
            continue
        for kind in VALUE_KINDS:
            values[kind] |= own[kind]
        for item in kinds:
            items[item] += finding.count
        if finding.cohort:
            cohorts.add(plan.cohorts[finding.cohort])
        confidences.append(finding.confidence)
    if not confidences:
        return None
    return _Merged(values, items, cohorts, max(confidences, key=CONFIDENCES.index))


class _Rejected(Exception):  # it never leaves this file
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(column, reason)
        self.column, self.reason = column, reason


def _canonical_values(finding: Finding) -> dict[Kind, set[str]]:
    written: dict[Kind, tuple[str, ...]] = {
        "name": finding.names,
        "address": finding.addresses,
        "email": finding.emails,
        "phone": finding.phones,
    }
    own: dict[Kind, set[str]] = {}
    for kind, texts in written.items():
        try:
            own[kind] = {canonical(kind, text) for text in texts}
        except Malformed as malformed:
            raise _Rejected(kind, malformed.reason) from None
    return own


def _declared_items(finding: Finding, plan: Plan) -> list[ItemKind]:
    named = set(finding.items)
    known = [kind for kind in ITEM_KINDS if kind in named and kind in plan.items]
    if len(known) != len(named):
        raise _Rejected("items", "an item that the incident does not declare")
    return known


def _ask(keyholder: Keyholder, merged: Iterable[tuple[Person, _Merged]], plan: Plan) -> dict[bytes, bytes]:
    asked = {
        message: None
        for person, one in merged
        for message in (
            _subject(person, plan),
            *(messages.identifier(kind, text) for kind in IDENTIFIER_KINDS for text in one.values[kind]),
            *(messages.value(kind, text) for kind in VALUE_KINDS for text in one.values[kind]),
        )
    }
    asked |= dict.fromkeys((messages.sentinel(plan.dataset), messages.scheme(plan.scheme.salt)))
    return dict(zip(asked, keyholder.macs(list(asked)), strict=True))


def _rows(person: Person, one: _Merged, plan: Plan, mac: Callable[[bytes], bytes]) -> list[SealedRow]:
    subject = mac(_subject(person, plan))[: messages.SUBJECT_BYTES]
    places: list[Place] = [
        row_place(plan.scheme.stretch(mac(messages.identifier(kind, text))), plan.dataset)
        for kind in IDENTIFIER_KINDS
        for text in one.values[kind]
    ]
    tags = {
        kind: tuple(sorted(mac(messages.value(kind, text))[: messages.TAG_BYTES] for text in one.values[kind]))
        for kind in VALUE_KINDS
    }
    rows = []
    for place in places:
        record = Record(
            subject=subject,
            role="recipient" if person.recipient_ref else "holder",
            confidence=one.confidence,
            items=one.items,
            cohorts=tuple(sorted(one.cohorts)),
            tags=tags,
            siblings=tuple(sorted(other.locator for other in places if other is not place)),
            hints=_hints(one) if plan.hints else {},
        )
        inner = seal_record(place, plan.dataset, encode(record))
        rows.append(SealedRow(place.locator, row_tag(subject, place.locator), inner))
    return rows


def _hints(one: _Merged) -> dict[Kind, tuple[str, ...]]:
    leaked: set[str] = set(one.items)
    return {
        kind: tuple(sorted({mask(kind, text) for text in one.values[kind]})[:HINTS_KEPT])
        for kind in VALUE_KINDS
        if kind in leaked
    }


def _subject(person: Person, plan: Plan) -> bytes:
    return messages.subject(plan.incident, person.account_ref, person.recipient_ref)
