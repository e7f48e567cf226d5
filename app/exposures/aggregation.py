"""From the records that were read to exposures: one for each holder, and one for all of an incident's address-book entries together.

Decisions only; nothing is read here.

1. A person's newest generation decides: what a full set took the place of is not read beside it.
2. Within it, the newest set that holds the person decides the confidence, and the items of its sets unite.
3. A person who stands in a superseded generation only is `under_review`: what was said once is not silently taken back.
4. Entries of a person in others' address books fold into one exposure; the firmest of them decides its confidence.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from app.datasets import DataSet, DataSetLookup, Record, Role
from app.identifiers import IdentifierKind, ValueKind
from app.incidents import ITEM_KINDS, Action, Incident, ItemKind

ExposureConfidence = Literal["withdrawn", "under_review", "possible", "confirmed"]
CONFIDENCE_ORDER: tuple[ExposureConfidence, ...] = ("withdrawn", "under_review", "possible", "confirmed")


@dataclass(frozen=True, slots=True)
class Exposure:
    """What of one person's leaked in one incident."""

    incident: str
    role: Role
    confidence: ExposureConfidence
    items: Mapping[ItemKind, int]
    hints: Mapping[ItemKind, tuple[str, ...]] = field(repr=False)
    cohorts: tuple[str, ...]
    identifiers: tuple[IdentifierKind, ...]
    """Kinds of the proven identifiers that it was found by."""
    subjects: tuple[bytes, ...] = field(repr=False)
    """Whom it is about: one holder, or each of the address-book entries."""
    tags: Mapping[ValueKind, frozenset[bytes]] = field(repr=False)
    """Of the names and addresses that are known of them."""
    locators: frozenset[tuple[UUID, bytes]] = field(repr=False)
    """Where, by data set, the emails and phones that are known of them lie."""

    def actions(self, incident: Incident) -> list[Action]:
        """Say what whom it is about can do now; nothing where it is withdrawn."""
        return [] if self.confidence == "withdrawn" else incident.actions_for(self.items)


@dataclass(frozen=True, slots=True)
class _Sighting:
    dataset: DataSet
    cohorts: tuple[str, ...]
    kind: IdentifierKind
    locator: bytes
    record: Record


def build_exposures(readings: Sequence[DataSetLookup], kinds: Sequence[IdentifierKind]) -> list[Exposure]:
    """Make the exposures of a session.

    Args:
        readings: every data set that was read, newest publication first within its incident.
        kinds: of the proven identifiers, in the order of the digests that were read.
    """
    people: dict[tuple[str, bytes], list[_Sighting]] = {}
    for reading in readings:
        for kind, found in zip(kinds, reading.results, strict=True):
            for record in found.records:
                sighting = _Sighting(reading.dataset, reading.cohorts, kind, found.locator, record)
                people.setdefault((reading.dataset.incident, record.subject), []).append(sighting)
    each = [_of_person(sightings) for sightings in people.values()]
    holders = [exposure for exposure in each if exposure.role == "holder"]
    recipients: dict[str, list[Exposure]] = {}
    for exposure in each:
        if exposure.role == "recipient":
            recipients.setdefault(exposure.incident, []).append(exposure)
    return holders + [_together(entries) for entries in recipients.values()]


def _of_person(sightings: Sequence[_Sighting]) -> Exposure:
    newest = sightings[0].dataset  # the readings come newest first
    own = [one for one in sightings if one.dataset.generation_id == newest.generation_id]  # (1)
    by_set: dict[UUID, Record] = {one.dataset.id: one.record for one in own}
    confidence: ExposureConfidence = own[0].record.confidence  # (2)
    if newest.state == "superseded":  # (3)
        confidence = "under_review"
    items: Counter[ItemKind] = Counter()
    for record in by_set.values():
        items.update(record.items)
    return Exposure(
        incident=newest.incident,
        role=own[0].record.role,
        confidence=confidence,
        items={kind: items[kind] for kind in ITEM_KINDS if kind in items},
        hints=_hints(by_set.values()),
        cohorts=tuple(sorted({one.cohorts[index] for one in own for index in one.record.cohorts})),
        identifiers=tuple(sorted({one.kind for one in sightings})),
        subjects=(own[0].record.subject,),
        tags=_united([record.tags for record in by_set.values()]),
        locators=frozenset((one.dataset.id, place) for one in own for place in (one.locator, *one.record.siblings)),
    )


def _together(entries: Sequence[Exposure]) -> Exposure:  # (4)
    items: Counter[ItemKind] = Counter()
    for entry in entries:
        items.update(entry.items)
    return Exposure(
        incident=entries[0].incident,
        role="recipient",
        confidence=max((entry.confidence for entry in entries), key=CONFIDENCE_ORDER.index),
        items={kind: items[kind] for kind in ITEM_KINDS if kind in items},
        hints={
            kind: tuple(sorted({hint for entry in entries for hint in entry.hints.get(kind, ())}))
            for kind in ITEM_KINDS
            if any(kind in entry.hints for entry in entries)
        },
        cohorts=tuple(sorted({cohort for entry in entries for cohort in entry.cohorts})),
        identifiers=tuple(sorted({kind for entry in entries for kind in entry.identifiers})),
        subjects=tuple(sorted(subject for entry in entries for subject in entry.subjects)),
        tags=_united([entry.tags for entry in entries]),
        locators=frozenset(place for entry in entries for place in entry.locators),
    )


def _hints(records: Iterable[Record]) -> dict[ItemKind, tuple[str, ...]]:
    united: dict[ItemKind, set[str]] = {}
    for record in records:
        for kind, hints in record.hints.items():
            united.setdefault(kind, set()).update(hints)
    return {kind: tuple(sorted(hints)) for kind, hints in united.items()}


def _united(tags: Iterable[Mapping[ValueKind, Iterable[bytes]]]) -> dict[ValueKind, frozenset[bytes]]:
    united: dict[ValueKind, set[bytes]] = {}
    for one in tags:
        for kind, found in one.items():
            united.setdefault(kind, set()).update(found)
    return {kind: frozenset(found) for kind, found in united.items()}
