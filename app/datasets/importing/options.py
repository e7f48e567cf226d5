"""What an import is asked, whom it tells how it goes, and what comes of it."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from app.datasets.files import RejectedRow
from app.datasets.lifecycle import DataSetKind

MAX_CANARIES = 10_000
DEFAULT_CANARY_DOMAIN = "mailbox.example"
"""Reserved by RFC 2606, so that nobody ever gets mail there. A company takes one of its own, with a null MX (RFC 7505)."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What is to be imported, and how.

    `cost` is a profile's name or TIME:KIB, or none for the deployment's; `max_rejects` is None where rejected rows are put aside without a bound.
    """

    path: Path
    incident: str
    kind: DataSetKind = "full"
    cost: str | None = None
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    encoding: str = "utf-8"
    max_rejects: int | None = 0
    canaries: int = 0
    """People to plant whom nobody is; up to `MAX_CANARIES`."""
    canary_domain: str = DEFAULT_CANARY_DOMAIN
    """Where their emails stand: one that delivers to nobody."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A data set that was imported and that nobody sees yet."""

    id: UUID
    rows: int
    people: int
    unreachable: int
    ambiguous_identifiers: int
    rejects: Sequence[RejectedRow]
    canaries: int = 0
    """Planted besides, and counted in `rows` only."""


class ProgressListener(Protocol):
    """Is told how an import goes."""

    def on_progress(self, stage: str, done: int, total: int, rows: int, rejected: int) -> None:
        """Say that so much of a stage is done, in a unit of the stage's own; *rows* are what it gave so far."""

    def on_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        """Hand over the rows that cannot be taken, before too many of them end the import."""

    def on_resume(self, done: int, partitions: int) -> None:
        """Say that an import that was cut short goes on: *done* of so many partitions are sealed already."""

    def on_restart(self) -> None:
        """Say that what an earlier import that was cut short left could not be used, and is gone."""


class NullListener:
    """Tells nobody."""

    def on_progress(self, stage: str, done: int, total: int, rows: int, rejected: int) -> None:
        """Say nothing."""

    def on_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        """Say nothing."""

    def on_resume(self, done: int, partitions: int) -> None:
        """Say nothing."""

    def on_restart(self) -> None:
        """Say nothing."""
