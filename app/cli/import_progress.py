"""Progress of `exposure dataset import`: a progress bar for each stage on standard error, and the rejected rows in a file."""

import csv
from collections import Counter
from collections.abc import Collection, Sequence
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

from app.cli.output import emit
from app.errors import InvalidInput
from app.importing import ImportResult
from app.private_files import NotPrivate, replace_file
from app.source_files import RejectedRow
from app.source_files.writers import text_of


class ProgressBars:
    """A progress bar for each stage: share done, rows, rows per second, time left, rejected rows."""

    def __init__(self, *, as_json: bool) -> None:
        self._progress = Progress(
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
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, stage: str, done: int, total: int, rows: int, rejected: int) -> None:
        """Update the bar of a stage."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total, rows=0, rate=0.0, rejected=0)
        task = self._tasks[stage]
        elapsed = self._progress.tasks[task].elapsed or 0.0
        rate = rows / elapsed if elapsed else 0.0
        self._progress.update(task, completed=done, total=total, rows=rows, rate=rate, rejected=rejected)


class ImportReporter:
    """Reports the progress of an import to the operator."""

    def __init__(self, bars: ProgressBars, rejects_file: Path | None, *, as_json: bool) -> None:
        self.on_progress = bars.show
        self._rejects_file = rejects_file
        self._as_json = as_json

    def on_rejects(self, rejects: Sequence[RejectedRow]) -> None:
        """Write line, column and reason of each rejected row to the file of `--rejects`, if it was given."""
        if self._rejects_file is None:
            return
        try:
            with replace_file(self._rejects_file) as file, text_of(file) as text:
                writer = csv.writer(text)
                writer.writerow(["line", "column", "reason"])
                writer.writerows((row.line, row.column, row.reason) for row in rejects)
        except NotPrivate as error:
            raise InvalidInput(f"--rejects {error}") from None
        except OSError as error:
            raise InvalidInput(f"--rejects {self._rejects_file}: cannot be written ({error.strerror})") from None

    def on_resume(self, done: int, partitions: int) -> None:
        """Report that an interrupted import resumes."""
        text = f"resuming an interrupted import of this file: {done} of {partitions} parts are sealed already"
        emit({"event": "resumed", "done": done, "parts": partitions}, text, as_json=self._as_json)

    def on_restart(self) -> None:
        """Report that an interrupted import starts from the beginning."""
        text = "an earlier import was interrupted and cannot be resumed: its files are deleted, and this one starts from the beginning"
        emit({"event": "restarted"}, text, as_json=self._as_json)


def print_import_result(staged: ImportResult, seconds: float, sms_countries: Collection[str], *, as_json: bool) -> None:
    """Print what was staged. People who have only phones of countries outside *sms_countries* (calling codes) are counted as not served."""
    not_served = {codes: people for codes, people in staged.phone_only.items() if not {*codes} & {*sms_countries}}
    by_country = Counter[str]()
    for codes, people in not_served.items():
        by_country.update(dict.fromkeys(codes, people))
    fields = {
        "event": "staged",
        "id": staged.id,
        "rows": staged.rows,
        "people": staged.people,
        "rejected": len(staged.rejects),
        "unreachable": staged.unreachable,
        "not_served": sum(not_served.values()),
        "not_served_by_calling_code": dict(sorted(by_country.items())),
        "shared_by_too_many": staged.ambiguous_identifiers,
        "canaries": staged.canaries,
        "doubtful_names": staged.doubtful_names,
        "emails_left_out": staged.emails_left_out.count,
        "merged_people": staged.merged_people.count,
        "seconds": round(seconds, 2),
    }
    text = (
        f"data set {staged.id} is staged: {staged.people:,} people in {staged.rows:,} rows, {len(staged.rejects):,} rows rejected, "
        f"{staged.unreachable:,} people without a usable identifier, {seconds:.1f} s"
    )
    if not_served:
        countries = ", ".join(f"+{code} {people:,}" for code, people in sorted(by_country.items()))
        text += f"; {sum(not_served.values()):,} people with only a phone of a country that is not served ({countries})"
    if staged.doubtful_names:
        text += f"; warning: {staged.doubtful_names:,} rows have a name, such as Null, that may stand for nothing"
    if (left_out := staged.emails_left_out).count:
        text += f"; warning: {left_out.count:,} malformed emails were left out of rows with another identifier ({left_out.place})"
    if (merged := staged.merged_people).count:
        text += f"; warning: {merged.count:,} people have contradictory rows, and may be strangers with the same references ({merged.place})"
    if staged.canaries:
        text += f"; {staged.canaries:,} canaries planted in addition"
    emit(fields, text, as_json=as_json)
