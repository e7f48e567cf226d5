"""What publishing, rolling back and retiring do to the data sets of one incident.

Decisions only: the sets as they stand come in, what changes goes out. A generation is a full set with the supplements that were published beside it;
its sets are published, superseded and rolled back together.

    staged ──publish──▶ published ──a newer full set──▶ superseded ──publish: roll back──▶ published
       ▲                    └──────── undone by that roll-back ────────┐        └──retire──▶ retired
       └───────────────────────────────────────────────────────────────┘
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.datasets.errors import StateConflict

DataSetKind = Literal["full", "supplement"]
State = Literal["staged", "published", "superseded", "retired"]

SHRINKING_TOLERATED = 0.001
"""Share of the published people that a publication may lose without being told that it is meant."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One import for an incident, as it stands."""

    id: UUID
    incident: str
    version: int
    kind: DataSetKind
    state: State
    key_id: str
    synthetic: bool
    rows: int
    people: int
    imported_at: datetime
    published_at: datetime | None
    sequence: int | None
    beside: UUID | None
    ranges: int = 1

    @property
    def generation(self) -> UUID | None:
        """The full set that this one stands or falls with."""
        return self.id if self.kind == "full" else self.beside


def publish(sets: Sequence[DataSet], target: DataSet, *, now: datetime, accept_loss: int = 0) -> list[DataSet]:
    """Publish *target*, or roll back to it where it is superseded; gives the sets that change, as they stand afterwards.

    Args:
        sets: all of the incident.
        target: one of them.
        now: when.
        accept_loss: how many people fewer than before are meant.
    Raises:
        StateConflict: its state does not admit it, or people would be lost.
    """
    if target.state == "published":
        raise StateConflict(f"data set {target.id} is published already")
    require_rows(target)
    if target.kind == "supplement":
        changed = [_supplement_published(sets, target, now)]
    elif target.state == "superseded":
        changed = _rolled_back(sets, target)
    else:
        changed = _full_published(sets, target, now)
    _refuse_loss(sets, changed, accept_loss)
    return changed


def retire(target: DataSet, *, incident_closed: bool) -> DataSet:
    """Retire *target*: its rows and its store key go, so that no backup can be read either.

    Raises:
        StateConflict: it is what people are answered from, and the incident is not closed; or it is retired already.
    """
    if target.state == "retired":
        raise StateConflict(f"data set {target.id} is retired already")
    if target.state == "published" and not incident_closed:
        raise StateConflict(f"data set {target.id} is published: publish another in its place first, or close the incident")
    return replace(target, state="retired", sequence=None)


def require_rows(target: DataSet) -> None:
    """Refuse a data set whose rows are gone.

    Raises:
        StateConflict: it is retired.
    """
    if target.state == "retired":
        raise StateConflict(f"data set {target.id} is retired: its rows and its key are gone")


def _supplement_published(sets: Sequence[DataSet], target: DataSet, now: datetime) -> DataSet:
    if target.state == "superseded":
        raise StateConflict(f"data set {target.id} belongs to the full set {target.beside}: roll back to that")
    full = next((one for one in sets if one.kind == "full" and one.state == "published"), None)
    if full is None:
        raise StateConflict(f"data set {target.id} is a supplement, and no full set is published for it to stand beside")
    return replace(target, state="published", published_at=now, sequence=_next_sequence(sets), beside=full.id)


def _full_published(sets: Sequence[DataSet], target: DataSet, now: datetime) -> list[DataSet]:
    superseded = [replace(one, state="superseded") for one in sets if one.state == "published"]
    first = _next_sequence(sets)
    generation = [target, *(one for one in sets if one.beside == target.id and one.state == "staged")]
    return superseded + [
        replace(one, state="published", published_at=now, sequence=first + place)
        for place, one in enumerate(generation)
    ]


def _rolled_back(sets: Sequence[DataSet], target: DataSet) -> list[DataSet]:
    changed = []
    for one in sets:
        if one.state not in ("published", "superseded"):
            continue
        if one.generation == target.id:
            changed.append(replace(one, state="published"))
        elif (one.sequence or 0) > (target.sequence or 0):  # even where its full set is retired meanwhile
            changed.append(replace(one, state="staged", published_at=None, sequence=None))
    return changed


def _refuse_loss(sets: Sequence[DataSet], changed: Sequence[DataSet], accept_loss: int) -> None:
    before = sum(one.people for one in sets if one.state == "published")
    states = {one.id: one.state for one in changed}
    after = sum(one.people for one in sets if states.get(one.id, one.state) == "published")
    lost = before - after
    if lost > before * SHRINKING_TOLERATED and lost > accept_loss:
        raise StateConflict(
            f"{lost:,} of {before:,} people would no longer be in what is published. A supplement is imported with --kind supplement; "
            f"where the loss is meant, say --accept-loss {lost}"
        )


def _next_sequence(sets: Sequence[DataSet]) -> int:
    return 1 + max((one.sequence or 0 for one in sets), default=0)
