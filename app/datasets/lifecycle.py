"""Life cycle of the data sets of one incident: publishing, rolling back, retiring.

Pure decisions: the data sets come in, the changed data sets go out. A generation is a full set with the supplements that were published with it.
Its sets are published, superseded and rolled back together.

    staged ──publish──▶ published ──publish a newer full set──▶ superseded ──publish: roll back──▶ published
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
DataSetState = Literal["staged", "published", "superseded", "retired"]

MAX_LOSS_RATIO = 0.001
"""Share of the published people that a publication may lose without an explicit `accept_loss`."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One import for an incident; a snapshot of its row in the catalogue."""

    id: UUID
    incident: str
    version: int
    kind: DataSetKind
    state: DataSetState
    key_id: str
    synthetic: bool
    rows: int
    people: int
    imported_at: datetime
    published_at: datetime | None
    sequence: int | None
    base_id: UUID | None
    shard_count: int = 1

    @property
    def generation_id(self) -> UUID | None:
        """The id of the full set of its generation; None for a supplement that was never published."""
        return self.id if self.kind == "full" else self.base_id


def publish(datasets: Sequence[DataSet], target: DataSet, *, now: datetime, accept_loss: int = 0) -> list[DataSet]:
    """Publish *target*, or roll back to it if it is superseded.

    Args:
        datasets: all data sets of the incident.
        target: one of them.
        now: time of publication.
        accept_loss: how many fewer people are acceptable.
    Returns:
        The data sets that change, in their new state.

    Raises:
        StateConflict: the state of *target* does not allow it, or too many people would be lost.
    """
    if target.state == "published":
        raise StateConflict(f"data set {target.id} is already published")
    require_not_retired(target)
    if target.kind == "supplement":
        changed = [_publish_supplement(datasets, target, now)]
    elif target.state == "superseded":
        changed = _roll_back(datasets, target)
    else:
        changed = _publish_full(datasets, target, now)
    _require_acceptable_loss(datasets, changed, accept_loss)
    return changed


def retire(target: DataSet, *, incident_closed: bool) -> DataSet:
    """Retire *target*. The caller deletes its rows and its store key, which also makes backups unreadable.

    Raises:
        StateConflict: it is published and the incident is not closed, or it is already retired.
    """
    if target.state == "retired":
        raise StateConflict(f"data set {target.id} is already retired")
    if target.state == "published" and not incident_closed:
        raise StateConflict(
            f"data set {target.id} is published: publish another in its place first, or close the incident"
        )
    return replace(target, state="retired", sequence=None)


def require_not_retired(target: DataSet) -> None:
    """Check that the rows of a data set still exist.

    Raises:
        StateConflict: it is retired.
    """
    if target.state == "retired":
        raise StateConflict(f"data set {target.id} is retired: its rows and its key are deleted")


def _publish_supplement(datasets: Sequence[DataSet], target: DataSet, now: datetime) -> DataSet:
    if target.state == "superseded":
        raise StateConflict(f"data set {target.id} belongs to the full set {target.base_id}: roll back to that one")
    full = next((dataset for dataset in datasets if dataset.kind == "full" and dataset.state == "published"), None)
    if full is None:
        raise StateConflict(f"data set {target.id} is a supplement: publish a full set first")
    return replace(target, state="published", published_at=now, sequence=_next_sequence(datasets), base_id=full.id)


def _publish_full(datasets: Sequence[DataSet], target: DataSet, now: datetime) -> list[DataSet]:
    superseded = [replace(dataset, state="superseded") for dataset in datasets if dataset.state == "published"]
    first = _next_sequence(datasets)
    supplements = [dataset for dataset in datasets if dataset.base_id == target.id and dataset.state == "staged"]
    return superseded + [
        replace(dataset, state="published", published_at=now, sequence=first + offset)
        for offset, dataset in enumerate([target, *supplements])
    ]


def _roll_back(datasets: Sequence[DataSet], target: DataSet) -> list[DataSet]:
    changed = []
    for dataset in datasets:
        if dataset.state not in ("published", "superseded"):
            continue
        if dataset.generation_id == target.id:
            changed.append(replace(dataset, state="published"))
        elif (dataset.sequence or 0) > (target.sequence or 0):  # also if its full set has been retired meanwhile
            changed.append(replace(dataset, state="staged", published_at=None, sequence=None))
    return changed


def _require_acceptable_loss(datasets: Sequence[DataSet], changed: Sequence[DataSet], accept_loss: int) -> None:
    before = sum(dataset.people for dataset in datasets if dataset.state == "published")
    new_states = {dataset.id: dataset.state for dataset in changed}
    after = sum(dataset.people for dataset in datasets if new_states.get(dataset.id, dataset.state) == "published")
    lost = before - after
    if lost > before * MAX_LOSS_RATIO and lost > accept_loss:
        raise StateConflict(
            f"{lost:,} of {before:,} people would no longer be in what is published. Import a supplement with --kind supplement; "
            f"if the loss is intended, use --accept-loss {lost}"
        )


def _next_sequence(datasets: Sequence[DataSet]) -> int:
    return 1 + max((dataset.sequence or 0 for dataset in datasets), default=0)
