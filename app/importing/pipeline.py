"""Runs the four stages of an import and commits the data set. An interrupted import leaves no data set behind and can be resumed."""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from operator import attrgetter
from pathlib import Path
from uuid import UUID, uuid4

from app.crypto.key_files import KeyRing, StoreKeyMissing
from app.crypto.keys import StoreKey
from app.crypto.stored_sizes import StoredSizes
from app.datasets import catalog_queries, kdf_params
from app.datasets.destruction import destroy_store_key, drop_uncatalogued_rows
from app.datasets.errors import ImportFailed, PepperMismatch, StillNeeded
from app.datasets.manifest import RowMultisetHash
from app.datasets.shards import open_shards
from app.db import Database
from app.errors import DependencyUnavailable
from app.importing.canary_planter import CanaryPlanter
from app.importing.commit import build_sentinel_rows, commit_data_set
from app.importing.context import ImportContext
from app.importing.merge_guard import require_few_merged
from app.importing.options import ImportOptions, ImportResult, ProgressListener
from app.importing.seal_result import SealResult
from app.importing.source import SourceSummary, enforce_reject_limit, start_source_mac
from app.importing.spill import Spill, SpillCorrupted
from app.importing.stages.load import load_buckets
from app.importing.stages.outer_seal import MIN_ROWS_PER_SIZE, OuterSealStage, seal_bucket
from app.importing.stages.read import ReadStage, read_block
from app.importing.stages.seal import SealStage, load_seal_result, seal_partition
from app.importing.stages.sort import SortResult, SortStage, sort_bucket
from app.importing.workers import WorkerPool
from app.importing.workspace import Journal, Workspace
from app.incidents.schema import Incident
from app.incidents.service import get_incident
from app.source_files import NO_ROWS_REASON, Block, InvalidFile, open_source_file

ROWS_PER_PARTITION = 100_000
MAX_PARTITIONS = 4096
MAX_COHORTS = 256
TOO_MANY_COHORTS = f"column cohort: more than {MAX_COHORTS} distinct values"
NO_IDENTIFIER = "no person in it has a usable email or phone"
MAX_REJECTS = 1_000_000
"""A file with more rejected rows is not a data set file. Applies even if the caller allows more."""


def import_file(
    options: ImportOptions,
    *,
    database: Database,
    keys: KeyRing,
    import_socket: Path,
    work_dir: Path,
    now: datetime,
    listener: ProgressListener,
) -> ImportResult:
    """Import a file as a staged data set.

    An import that is killed leaves no data set behind. The same import can then be resumed, and repeats no partition that is already sealed.

    Args:
        options: what to import, and how.
        database: receives the data set.
        keys: receives the data set's new store key, and signs its manifest.
        import_socket: path of the keyholder's import socket.
        work_dir: folder for temporary files, which take about twice the file's size.
        now: the time of the import.
        listener: receives the progress.

    Raises:
        InvalidFile: the file as a whole cannot be read.
        ImportFailed: too many rows were rejected, or no person is left.
        UnknownIncident: the incident does not exist.
        InvalidInput: the cost is invalid, the canaries cannot be planted as requested, or others can change the work folder.
        StateConflict: the cost differs from the deployment's.
        OperationRefused: the same import is already running.
        DependencyUnavailable: the keyholder, the database or the workers failed.
    """
    with database.read() as db:
        incident = get_incident(db, options.incident)
    store = database.url.render_as_string(hide_password=True)
    journal_key = keys.load_application_key().subkey("import journal")
    import_key = "\n".join((store, options.incident, options.kind, str(options.path.resolve())))
    with (
        Workspace.open(work_dir, import_key, journal_key) as workspace,
        open_shards(database) as servers,
        WorkerPool(options.workers) as workers,
    ):
        return _ImportRun(
            options, incident, database, servers, keys, import_socket, workspace, workers, listener, now
        ).run()


def choose_partition_count(estimated_rows: int) -> int:
    """Return the number of partitions for a file: a power of two, so that each has at most about `ROWS_PER_PARTITION` rows."""
    return min(1 << (estimated_rows // ROWS_PER_PARTITION).bit_length(), MAX_PARTITIONS)


@dataclass(frozen=True, slots=True)
class _ImportRun:
    """One run of an import."""

    options: ImportOptions
    incident: Incident
    database: Database
    servers: Mapping[str, Database]
    keys: KeyRing
    import_socket: Path
    workspace: Workspace
    workers: WorkerPool
    listener: ProgressListener
    now: datetime

    def run(self) -> ImportResult:
        """Import the file, or resume an interrupted import of it."""
        previous = self.workspace.load_journal()
        with self.database.read() as db:
            params = kdf_params.resolve_params(db, self.options.cost)
            is_fixed = kdf_params.load_params(db) is not None
        if previous is not None and not is_fixed and previous.kdf_params.cost == params.cost:
            params = previous.kdf_params  # keeps the random salt of the previous run
        source = self._read_source()
        if previous is not None:
            is_same = previous.matches(source.mac, params, source.partition_count)
            if is_same and previous.key_id in self.keys.list_store_key_ids():
                return self._resume_committed(previous, source) or self._run_stages(previous, source)
            self._clean_up(previous)
        if previous is not None or self.workspace.is_reset:
            self.listener.on_restart()
        key = StoreKey.generate()
        journal = Journal.create(uuid4(), key.id, source.mac, params, source.partition_count)
        self.workspace.save_journal(journal)
        self.keys.save_store_key(key)
        return self._run_stages(journal, source)

    @property
    def _shard_count(self) -> int:
        return max(1, len(self.servers))

    def _read_source(self) -> SourceSummary:
        options, declared_items = self.options, frozenset[str](self.incident.kinds)
        application_key = self.keys.load_application_key()
        mac = start_source_mac(application_key, options, self.incident)
        planter = CanaryPlanter(application_key, options, hints=self.incident.hints)
        with open_source_file(options.path, encoding=options.encoding) as file:
            partitions_per_shard = -(-choose_partition_count(file.estimated_rows) // self._shard_count)
            spill = Spill.with_ephemeral_key(self.workspace.reset_subfolder("read"), "read")
            source = SourceSummary(spill, partitions_per_shard * self._shard_count)

            def numbered_blocks() -> Iterator[tuple[int, Block]]:
                for block in file.blocks:
                    mac.update(block.data)
                    source.block_count += 1
                    yield source.block_count - 1, block

            stage = ReadStage(file.format, declared_items, source.partition_count, spill, planter.candidate_phones())
            for result in self.workers.map(partial(read_block, stage), numbered_blocks()):
                source.add(result)
                self.listener.on_progress("read", result.bytes_read, file.size, source.row_count, len(source.rejects))
                if len(source.rejects) > MAX_REJECTS:
                    raise ImportFailed(f"{options.path}: over {MAX_REJECTS:,} rows were rejected")
        if not source.row_count and not source.rejects:
            raise InvalidFile.at(options.path.name, NO_ROWS_REASON)
        enforce_reject_limit(source.rejects, self.options, self.listener, has_valid_rows=source.row_count > 0)
        if len(source.cohorts) > MAX_COHORTS:
            raise ImportFailed(TOO_MANY_COHORTS)
        source.mac = mac.hexdigest()
        source.canaries = planter.plant(spill, source.block_count, source.partition_count, source.used_phones)
        source.block_count += bool(source.canaries.count)
        return source

    def _create_seal_stage(self, journal: Journal, source: SourceSummary) -> SealStage:
        dataset, has_hints = UUID(journal.dataset), self.incident.hints
        cohort_indexes = ImportContext.index_cohorts(source.cohorts)
        context = ImportContext(
            dataset, self.incident.slug, journal.kdf_params, has_hints, cohort_indexes, self.keys, journal.key_id
        )
        spill_key = self.keys.load_store_key(journal.key_id).subkey("import")
        spill = Spill(self.workspace.subfolder(dataset.hex), "sealed", spill_key)
        return SealStage(context, self.import_socket, source.spill, source.block_count, spill, source.partition_count)

    def _resume_committed(self, journal: Journal, source: SourceSummary) -> ImportResult | None:
        """Return the result of an earlier run that was interrupted after it committed the data set."""
        with self.database.read() as db:
            dataset = catalog_queries.get_data_set(db, UUID(journal.dataset))
        if dataset is None:
            return None
        stage = self._create_seal_stage(journal, source)
        self.listener.on_resume(source.partition_count, source.partition_count)
        sealed = SealResult()
        for partition in range(source.partition_count):
            sealed.add(load_seal_result(stage, partition))
        source.rejects = sorted(source.rejects + sealed.rejects, key=attrgetter("line"))
        self.workspace.clear(journal)
        return source.to_result(sealed, dataset.id, dataset.rows, dataset.people, journal.marker_count)

    def _run_stages(self, journal: Journal, source: SourceSummary) -> ImportResult:
        try:
            stage = self._create_seal_stage(journal, source)
            result = self._sort_and_load(journal, stage, source, self._seal(stage, source))
        except BaseException as error:
            is_interruption = isinstance(error, DependencyUnavailable | KeyboardInterrupt)
            is_final = not is_interruption or isinstance(error, PepperMismatch | SpillCorrupted)
            if is_final or not self._has_sealed_partitions(journal):
                self._try_clean_up(journal)
            raise
        self.workspace.clear(journal)
        return result

    def _seal(self, stage: SealStage, source: SourceSummary) -> SealResult:
        total = SealResult()
        done, remaining = 0, list[int]()
        for partition in range(source.partition_count):
            if stage.sealed_spill.exists(partition):
                total.add(load_seal_result(stage, partition))
                done += 1
            else:
                remaining.append(partition)
        if done:
            self.listener.on_resume(done, source.partition_count)
        for result in self.workers.map(partial(seal_partition, stage), remaining):
            total.add(result)
            done += 1
            self.listener.on_progress("seal", done, source.partition_count, total.people, len(total.rejects))
        source.spill.clear()
        if total.rejects:
            source.rejects += total.rejects
            enforce_reject_limit(source.rejects, self.options, self.listener, has_valid_rows=True)
        source.canaries.subtract_from(total)
        if not total.people:
            raise ImportFailed(f"{self.options.path}: {NO_IDENTIFIER}")
        require_few_merged(
            total.merged_people, total.people, file=self.options.path, accepted=self.options.accept_merged
        )
        return total

    def _sort_and_load(
        self, journal: Journal, seal_stage: SealStage, source: SourceSummary, sealed: SealResult
    ) -> ImportResult:
        context, buckets = seal_stage.context, range(source.partition_count)
        sentinel_rows = build_sentinel_rows(context, sealed.keyholder_check.sentinel_mac, self._shard_count)
        sorted_spill = Spill.with_ephemeral_key(self.workspace.reset_subfolder("sorted"), "sorted")
        sort_stage = SortStage(seal_stage.sealed_spill, source.partition_count, sentinel_rows, sorted_spill)
        total = SortResult()
        for done, result in enumerate(self.workers.map(partial(sort_bucket, sort_stage), buckets), 1):
            total.rows += result.rows
            total.markers += result.markers
            total.size_counts += result.size_counts
            self.listener.on_progress("sort", done, source.partition_count, total.rows, 0)
        self.workspace.save_journal(journal.with_marker_count(total.markers))
        stored_sizes = StoredSizes.choose(total.size_counts, MIN_ROWS_PER_SIZE)
        load_stage = OuterSealStage(
            context, sorted_spill, source.partition_count, stored_sizes, self.database.is_sqlite
        )
        account = RowMultisetHash(self.keys.load_store_key(journal.key_id))
        drop_uncatalogued_rows(self.database, self.servers, context.dataset)  # an earlier run may have loaded some
        load_buckets(
            self.database,
            self.servers,
            load_stage,
            self.workers.map(partial(seal_bucket, load_stage), buckets),
            account=account,
            on_progress=lambda rows: self.listener.on_progress("load", rows, total.rows, rows, 0),
            finish=lambda db: commit_data_set(
                db,
                context,
                account,
                sealed,
                signing=self.keys.load_signing_key(),
                kind=self.options.kind,
                shard_count=self._shard_count,
                synthetic=source.is_synthetic,
                canaries=source.canaries.identifiers,
                now=self.now,
            ),
        )
        return source.to_result(sealed, context.dataset, account.count, sealed.people, total.markers)

    def _has_sealed_partitions(self, journal: Journal) -> bool:
        names = self.workspace.subfolder(UUID(journal.dataset).hex).names()
        return any(name.startswith("sealed-") for name in names)

    def _try_clean_up(self, journal: Journal) -> None:
        """Delete what a run left. If a database is unavailable, the next run does it."""
        with suppress(DependencyUnavailable):
            self._clean_up(journal)

    def _clean_up(self, journal: Journal) -> None:
        with suppress(StillNeeded):  # the import was committed
            drop_uncatalogued_rows(self.database, self.servers, UUID(journal.dataset))
            with suppress(StoreKeyMissing):
                destroy_store_key(self.database, self.keys, journal.key_id)
        self.workspace.clear(journal)
