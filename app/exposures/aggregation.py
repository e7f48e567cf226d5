"""Aggregates records into exposures: one for each holder, and one for all address-book entries of an incident together.

Pure functions: nothing is read here.

1. A person's newest generation decides: data sets that a full set superseded are not read beside it.
2. Within it, the newest set that holds the person decides the confidence. The items of all its sets are united.
3. A person found only in a superseded generation is `under_review`: what was reported once is not silently withdrawn.
4. Entries of a person in others' address books are merged into one exposure. The highest confidence among them applies.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal
from uuid import UUID

from app.datasets.lifecycle import DataSet
from app.datasets.record import Record, Role
from app.datasets.sealed_store import DataSetLookup
from app.identifiers import IdentifierKind, ValueKind
from app.incidents.items import ITEM_KINDS, ItemKind
from app.incidents.schema import Action, Incident

ExposureConfidence = Literal["withdrawn", "under_review", "possible", "confirmed"]
CONFIDENCE_ORDER: tuple[ExposureConfidence, ...] = ("withdrawn", "under_review", "possible", "confirmed")
"""From lowest to highest."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """What of one person's data leaked in one incident."""

    incident: str
    role: Role
    confidence: ExposureConfidence
    items: Mapping[ItemKind, int]
    hints: Mapping[ItemKind, tuple[str, ...]] = field(repr=False)
    cohorts: tuple[str, ...]
    identifiers: tuple[IdentifierKind, ...]
    """Kinds of the verified identifiers that matched."""
    subjects: tuple[bytes, ...] = field(repr=False)
    """The subject of the holder, or of each address-book entry."""
    tags: Mapping[ValueKind, frozenset[bytes]] = field(repr=False)
    """Tags of the names and addresses on record."""
    locators: frozenset[tuple[UUID, bytes]] = field(repr=False)
    """Locators, by data set, of the emails and phones on record."""

    def actions(self, incident: Incident) -> list[Action]:
        """Return what the person can do now; nothing if the exposure is withdrawn."""
        return [] if self.confidence == "withdrawn" else incident.actions_for(self.items)


@dataclass(frozen=True, slots=True)
class _Match:
    """A record that one verified identifier matched in one data set."""

    dataset: DataSet
    cohorts: tuple[str, ...]
    kind: IdentifierKind
    locator: bytes
    record: Record


def build_exposures(lookups: Sequence[DataSetLookup], kinds: Sequence[IdentifierKind]) -> list[Exposure]:
    """Build the exposures of a session.

    Args:
        lookups: of every data set, newest publication first within its incident.
        kinds: of the verified identifiers, in the order of the digests that were looked up.
    """
    matches_by_person: dict[tuple[str, bytes], list[_Match]] = {}
    for lookup in lookups:
        for kind, hit in zip(kinds, lookup.results, strict=True):
            for record in hit.records:
                match = _Match(lookup.dataset, lookup.cohorts, kind, hit.locator, record)
                matches_by_person.setdefault((lookup.dataset.incident, record.subject), []).append(match)
    exposures = [_build_exposure(matches) for matches in matches_by_person.values()]
    holders = [exposure for exposure in exposures if exposure.role == "holder"]
    recipients: dict[str, list[Exposure]] = {}
    for exposure in exposures:
        if exposure.role == "recipient":
            recipients.setdefault(exposure.incident, []).append(exposure)
    return holders + [_merge_recipients(entries) for entries in recipients.values()]


def _build_exposure(matches: Sequence[_Match]) -> Exposure:
    newest = matches[0].dataset  # look-ups come newest first
    current = [match for match in matches if match.dataset.generation_id == newest.generation_id]  # (1)
    record_by_dataset: dict[UUID, Record] = {match.dataset.id: match.record for match in current}
    confidence: ExposureConfidence = current[0].record.confidence  # (2)
    if newest.state == "superseded":  # (3)
        confidence = "under_review"
    items: Counter[ItemKind] = Counter()
    for record in record_by_dataset.values():
        items.update(record.items)
    return Exposure(
        incident=newest.incident,
        role=current[0].record.role,
        confidence=confidence,
        items={kind: items[kind] for kind in ITEM_KINDS if kind in items},
        hints=_merge_hints(record_by_dataset.values()),
        cohorts=tuple(sorted({match.cohorts[index] for match in current for index in match.record.cohorts})),
        identifiers=tuple(sorted({match.kind for match in matches})),
        subjects=(current[0].record.subject,),
        tags=_merge_tags([record.tags for record in record_by_dataset.values()]),
        locators=frozenset(
            (match.dataset.id, locator) for match in current for locator in (match.locator, *match.record.siblings)
        ),
    )


def _merge_recipients(entries: Sequence[Exposure]) -> Exposure:  # (4)
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
        tags=_merge_tags([entry.tags for entry in entries]),
        locators=frozenset(located for entry in entries for located in entry.locators),
    )


def _merge_hints(records: Iterable[Record]) -> dict[ItemKind, tuple[str, ...]]:
    merged: dict[ItemKind, set[str]] = {}
    for record in records:
        for kind, hints in record.hints.items():
            merged.setdefault(kind, set()).update(hints)
    return {kind: tuple(sorted(hints)) for kind, hints in merged.items()}


def _merge_tags(tags_by_kind: Iterable[Mapping[ValueKind, Iterable[bytes]]]) -> dict[ValueKind, frozenset[bytes]]:
    merged: dict[ValueKind, set[bytes]] = {}
    for mapping in tags_by_kind:
        for kind, tags in mapping.items():
            merged.setdefault(kind, set()).update(tags)
    return {kind: frozenset(tags) for kind, tags in merged.items()}
