"""Options, result and progress listener of an import."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from app.datasets.lifecycle import DataSetKind
from app.importing.occurrences import Occurrences
from app.source_files import RejectedRow

MAX_CANARIES = 10_000
DEFAULT_CANARY_DOMAIN = "mailbox.example"
"""Reserved by RFC 2606, so no mail to it is ever delivered. A company uses a domain of its own with a null MX (RFC 7505)."""


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """What to import, and how."""

    path: Path
    incident: str
    kind: DataSetKind = "full"
    cost: str | None = None
    """A cost profile's name or TIME:KIB; None for the deployment's cost."""
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    encoding: str = "utf-8"
    max_rejects: int | None = 0
    """None for no limit."""
    accept_merged: int = 0
    """Number of people who may be merged strangers, besides a small share of all (see `merge_guard`)."""
    canaries: int = 0
    """Number of canaries to plant, up to `MAX_CANARIES`."""
    canary_domain: str = DEFAULT_CANARY_DOMAIN
    """Domain of the canaries' emails. It must not deliver mail."""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """An imported data set, not yet published."""

    id: UUID
    rows: int
    people: int
    unreachable: int
    """People without a usable identifier."""
    phone_only: Mapping[tuple[str, ...], int]
    """People without an email, by the calling codes of their phones. Which of these countries are served can change later; the data set cannot."""
    ambiguous_identifiers: int
    """Identifiers that more people share than can be told apart."""
    rejects: Sequence[RejectedRow]
    canaries: int = 0
    """Planted canaries. `rows` includes their rows; no other count includes them."""
    doubtful_names: int = 0
    """Rows whose only name, such as Null or 없음, may be a marker of nothing."""
    emails_left_out: Occurrences = field(default_factory=Occurrences)
    """Malformed emails that were left out of a row with another identifier."""
    merged_people: Occurrences = field(default_factory=Occurrences)
    """People whose rows contradict each other, by their first lines: strangers may have the same references."""


class ProgressListener(Protocol):
    """Receives the progress of an import."""

    def on_progress(self, stage: str, done: int, total: int, rows: int, rejected: int) -> None:
        """Receive the progress of one stage. The unit of *done* and *total* depends on the stage; *rows* is its output so far."""

    def on_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        """Receive all rejected rows, before the limit on rejects is checked."""

    def on_resume(self, done: int, partitions: int) -> None:
        """Handle the resumption of an interrupted import: *done* of its *partitions* are already sealed."""

    def on_restart(self) -> None:
        """Handle a restart: the data of an interrupted import did not match this one and was deleted."""


class NullListener:
    """Ignores all events."""

    def on_progress(self, stage: str, done: int, total: int, rows: int, rejected: int) -> None:
        """Ignore the progress."""

    def on_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        """Ignore the rejected rows."""

    def on_resume(self, done: int, partitions: int) -> None:
        """Ignore the resumption."""

    def on_restart(self) -> None:
        """Ignore the restart."""
