"""How `exposure dataset import` tells how it goes: a bar for each stage on standard error, and the rejects' places in a file."""

import csv
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskID,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from app.datasets.files import RejectedRow
from app.errors import InvalidInput
from app.faces.cli.output import emit


class ProgressBars:
    """A bar for each stage: how much is done, rows, rows per second, time left, rejects."""

    def __init__(self, *, as_json: bool) -> None:
        self._bars = Progress(
            TextColumn("{task.description:4}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rows]:>12,} rows {task.fields[rate]:>9,.0f}/s"),
            TextColumn("{task.fields[rejected]:,} rejected"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=as_json,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def show(self, stage: str, done: int, total: int, rows: int, rejected: int) -> None:
        """Draw how far a stage is."""
        if stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, total=total, rows=0, rate=0.0, rejected=0)
        task = self._tasks[stage]
        elapsed = self._bars.tasks[task].elapsed or 0.0
        rate = rows / elapsed if elapsed else 0.0
        self._bars.update(task, completed=done, total=total, rows=rows, rate=rate, rejected=rejected)


class ImportReporter:
    """Tells the operator how an import goes."""

    def __init__(self, bars: ProgressBars, rejects: Path | None, *, as_json: bool) -> None:
        self.on_progress = bars.show
        self._rejects = rejects
        self._as_json = as_json

    def on_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        """Write line, column and reason of each rejected row where they were asked for."""
        if self._rejects is None:
            return
        try:
            with self._rejects.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file)
                writer.writerow(["line", "column", "reason"])
                writer.writerows((one.line, one.column, one.reason) for one in rejects)
        except OSError as error:
            raise InvalidInput(f"--rejects {self._rejects}: cannot be written ({error.strerror})") from None

    def on_resume(self, done: int, partitions: int) -> None:
        """Say that an import goes on."""
        text = f"an import of this file was cut short; it goes on: {done} of {partitions} parts are sealed already"
        emit({"event": "resumed", "done": done, "parts": partitions}, text, as_json=self._as_json)

    def on_restart(self) -> None:
        """Say that an import starts clean."""
        text = "an earlier import was cut short and is of no use to this one: what it left is gone, and this one starts clean"
        emit({"event": "restarted"}, text, as_json=self._as_json)
