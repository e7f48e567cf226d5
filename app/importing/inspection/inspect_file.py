"""Runs the three stages of an inspection."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

from app.datasets.errors import ImportFailed
from app.importing.context import ImportContext
from app.importing.inspection.block_counts import count_block
from app.importing.inspection.people_counts import PeopleStage, count_people
from app.importing.inspection.report import InspectionReport
from app.importing.inspection.sharer_counts import count_sharers
from app.importing.merge_guard import require_few_merged
from app.importing.pipeline import MAX_COHORTS, NO_IDENTIFIER, TOO_MANY_COHORTS, choose_partition_count
from app.importing.spill import Spill
from app.importing.stages.read import ReadStage
from app.importing.workers import WorkerPool
from app.importing.workspace import open_temporary_folder
from app.incidents.items import ITEM_KINDS
from app.private_files import PrivateFolder
from app.source_files import COLUMNS, NO_ROWS_REASON, InvalidFile, SourceFile, open_source_file
from app.source_files.recognition import recognize_file

OnProgress = Callable[[str, int, int, int, int], None]
"""Receives stage, done, total, rows and rejected rows, as `ProgressListener.on_progress` does."""


def inspect_file(
    path: Path,
    *,
    encoding: str = "utf-8",
    declared_items: frozenset[str] = frozenset(ITEM_KINDS),
    has_hints: bool = False,
    workers: int,
    work_dir: Path,
    on_progress: OnProgress = lambda *_: None,
) -> InspectionReport:
    """Read a file as an import does, and report what it holds, without storing anything.

    A file in another encoding than the named one is read in its own, so that everything that is wrong with it is reported together. A file that
    cannot be read further from some line on is reported up to there.

    Args:
        path: the file.
        encoding: the encoding that an import would be told.
        declared_items: the items that the incident declares.
        has_hints: whether the incident allows masked hints, which make records larger.
        workers: number of worker processes.
        work_dir: folder for temporary files, which take about twice the file's size and are deleted.
        on_progress: receives the progress.

    Raises:
        InvalidInput: the encoding does not exist, or the work folder cannot be written or others can change it.
        DependencyUnavailable: the workers failed.
    """
    traits = recognize_file(path, encoding)
    report = InspectionReport(path.name, traits)
    if traits.wrong_encoding is not None:
        report.causes.append(str(traits.wrong_encoding))
    with open_temporary_folder(work_dir, "exposure-inspect-") as folder, WorkerPool(workers) as pool:
        run = _InspectionRun(report, declared_items, has_hints, folder, pool, on_progress)
        try:
            with open_source_file(path, encoding=traits.encoding or encoding) as file:
                report.columns = file.format.columns
                run.count_all(file)
        except (InvalidFile, ImportFailed) as error:
            report.causes.append(str(error))
    return report


@dataclass(slots=True)
class _InspectionRun:
    """One inspection. It writes what it finds into *report*."""

    report: InspectionReport
    declared_items: frozenset[str]
    has_hints: bool
    folder: PrivateFolder
    pool: WorkerPool
    on_progress: OnProgress
    block_count: int = 0

    def count_all(self, file: SourceFile) -> None:
        """Run the stages.

        Raises:
            InvalidFile: the file holds no rows.
            ImportFailed: an import of this file would raise the same error.
        """
        report, partition_count = self.report, choose_partition_count(file.estimated_rows)
        spill = Spill.with_ephemeral_key(self.folder, "read")
        try:
            self._count_blocks(file, spill, partition_count)
        except InvalidFile as error:
            report.causes.append(str(error))
        if len(report.blocks.cohorts) > MAX_COHORTS:
            report.blocks.cohorts.clear()  # these are no cohorts, so their names may be values
            raise ImportFailed(f"{report.file}: {TOO_MANY_COHORTS}")
        if report.blocks.rows:
            self._count_people(spill, partition_count)
        elif not report.rejected and not report.causes:
            raise InvalidFile.at(report.file, NO_ROWS_REASON)
        if report.blocks.rows and not report.people.people:
            raise ImportFailed(f"{report.file}: {NO_IDENTIFIER}")
        require_few_merged(report.people.merged_people, report.people.people, file=report.file)

    def _count_blocks(self, file: SourceFile, spill: Spill, partition_count: int) -> None:
        """Run the first stage.

        Raises:
            InvalidFile: the file cannot be read to its end. What was read before is counted.
        """
        total = self.report.blocks
        stage = ReadStage(file.format, self.declared_items, partition_count, spill)
        try:
            for counts in self.pool.map(partial(count_block, stage), enumerate(file.blocks)):
                self.block_count += 1
                total.add(counts)
                total.cohorts = {*islice(total.cohorts, MAX_COHORTS + 1)}  # of more, an import takes none
                self.on_progress("read", counts.bytes_read, file.size, total.rows, total.rejected)
        finally:
            if total.used_columns:
                self.report.columns = [name for name in COLUMNS if name in total.used_columns]

    def _count_people(self, read_spill: Spill, partition_count: int) -> None:
        """Run the second and the third stage.

        Raises:
            ImportFailed: one person has too many rows.
        """
        report, partitions = self.report, range(partition_count)
        identifiers = Spill.with_ephemeral_key(self.folder, "identifiers")
        indexes = ImportContext.index_cohorts(report.blocks.cohorts)
        stage = PeopleStage(read_spill, self.block_count, partition_count, indexes, self.has_hints, identifiers)
        for done, people in enumerate(self.pool.map(partial(count_people, stage), partitions), 1):
            report.people.add(people)
            self.on_progress("people", done, partition_count, report.people.people, report.rejected)
        count = partial(count_sharers, identifiers, partition_count)
        for done, sharers in enumerate(self.pool.map(count, partitions), 1):
            report.sharers.add(sharers)
            self.on_progress("shared", done, partition_count, report.people.people, report.rejected)
