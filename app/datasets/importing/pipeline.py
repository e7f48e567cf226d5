"""The four stages, and the staged data set that comes out: all of it or nothing, however often it was cut short."""

import hmac
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from operator import attrgetter
from pathlib import Path
from uuid import UUID, uuid4

from app.crypto.framing import frame
from app.crypto.key_files import KeyRing, StoreKeyMissing
from app.crypto.row_sealing import merge_rare_sizes
from app.crypto.keys import StoreKey
from app.datasets import catalog_queries, sealed_rows
from app.datasets import kdf_params
from app.datasets.errors import ImportFailed, PepperMismatch
from app.datasets.files import NO_ROWS_REASON, InvalidFile, Block, RejectedRow, open_source_file
from app.datasets.importing.commit import add_data_set, sentinel_rows
from app.datasets.importing.stages.load import MIN_ROWS_PER_SIZE, Loading, load, seal_bucket
from app.datasets.importing.context import ImportContext
from app.datasets.importing.canary_planter import Planted, CanaryPlanter
from app.datasets.importing.stages.read import Reading, read_block
from app.datasets.importing.options import ProgressListener, ImportOptions, ImportResult
from app.datasets.importing.seal_result import Sealed
from app.datasets.importing.stages.seal import Sealing, read_sealed, seal_partition
from app.datasets.importing.stages.sort import Sorted, Sorting, sort_bucket
from app.datasets.importing.spill import Spill, SpillDamaged
from app.datasets.importing.workers import Workers
from app.datasets.importing.workspace import Journal, Workspace
from app.datasets.manifest import RowMultisetHash
from app.datasets.shards import drop_shard_rows, open_shards
from app.db import Database
from app.errors import DependencyUnavailable
from app.incidents import Incident
from app.incidents import get_incident

ROWS_PER_PARTITION = 100_000
PARTITIONS_AT_MOST = 4096
COHORTS_AT_MOST = 256
ROW_RULES = "items are required"
"""Names the rules by which rows are rejected, so that an import does not resume with what was sealed under other rules."""
REJECTS_AT_MOST = 1_000_000
"""A file with more of them is not what it is taken for, whatever the caller would put up with."""


def import_file(
    request: ImportOptions,
    *,
    database: Database,
    keys: KeyRing,
    import_socket: Path,
    work_dir: Path,
    now: datetime,
    listener: ProgressListener,
) -> ImportResult:
    """Import a file as a staged data set.

    Killed at any moment, it leaves no data set behind, and the same request goes on where it was: what is sealed is not sealed again.

    Args:
        request: what, and how.
        database: where to.
        keys: takes the data set's new store key, and signs its manifest.
        import_door: the keyholder's import door.
        work_dir: for what is put aside meanwhile; about twice the file's size.
        now: the time of the import.
        listener: is told how it goes.

    Raises:
        InvalidFile: the file as a whole cannot be read.
        ImportFailed: too many rows were rejected, or nobody is left.
        UnknownIncident: there is no such incident.
        InvalidInput: there is no such cost, or canaries cannot be planted as they were asked for.
        StateConflict: another cost than the deployment's was asked for.
        OperationRefused: the same import is running.
        DependencyUnavailable: the keyholder, the database or the workers failed.
    """
    with database.read() as session:
        incident = get_incident(session, request.incident)
    store = database.url.render_as_string(hide_password=True)
    place = "\n".join((store, request.incident, request.kind, str(request.path.resolve())))
    with (
        Workspace.of(work_dir, place) as workspace,
        open_shards(database) as servers,
        Workers(request.workers) as workers,
    ):
        return _ImportRun(
            request, incident, database, servers, keys, import_socket, workspace, workers, listener, now
        ).staged()


@dataclass(slots=True)
class _File:
    """The file, once it was read."""

    spill: Spill
    partitions: int
    source: str = ""
    blocks: int = 0
    rows: int = 0
    rejects: list[RejectedRow] = field(default_factory=list)
    cohorts: set[str] = field(default_factory=set)
    synthetic: bool = False
    planted: Planted = field(default_factory=Planted)


@dataclass(frozen=True, slots=True)
class _ImportRun:
    """One run of one request."""

    request: ImportOptions
    incident: Incident
    database: Database
    servers: Mapping[str, Database]
    keys: KeyRing
    import_socket: Path
    workspace: Workspace
    workers: Workers
    listener: ProgressListener
    now: datetime

    def staged(self) -> ImportResult:
        """Import, or go on where an earlier run was cut short."""
        earlier = self.workspace.journal()
        with self.database.read() as session:
            chosen = kdf_params.resolve_params(session, self.request.cost)
            fixed = kdf_params.load_params(session) is not None
        if earlier is not None and not fixed and earlier.scheme.cost == chosen.cost:
            chosen = earlier.scheme  # whose salt the earlier run drew
        file = self._read()
        if earlier is not None:
            if earlier.is_of(file.source, chosen, file.partitions) and earlier.key_id in self.keys.list_store_key_ids():
                return self._complete(earlier, file) or self._made(earlier, file)
            self._take_away(earlier)
            self.listener.on_restart()
        key = StoreKey.generate()
        journal = Journal.of(uuid4(), key.id, file.source, chosen, file.partitions)
        self.workspace.begin(journal)
        self.keys.save_store_key(key)
        return self._made(journal, file)

    @property
    def _shard_count(self) -> int:
        return max(1, len(self.servers))

    def _read(self) -> _File:
        request, kinds = self.request, frozenset[str](self.incident.kinds)
        digest = hmac.new(self.keys.load_application_key().subkey("source of an import"), digestmod="sha256")
        said = (ROW_RULES, request.incident, request.kind, request.encoding, str(self.incident.hints))
        decisive = (*said, str(request.canaries), request.canary_domain, *sorted(kinds))
        planting, taken = CanaryPlanter(self.keys.load_application_key(), request, hints=self.incident.hints), set[str]()
        digest.update(frame(*(part.encode() for part in decisive)))
        with open_source_file(request.path, encoding=request.encoding) as opened_file:
            partitions = 1 << (opened_file.estimated_rows // ROWS_PER_PARTITION).bit_length()
            spill = Spill.in_memory_only(self.workspace.emptied("read"), "read")
            file = _File(spill, -(-min(partitions, PARTITIONS_AT_MOST) // self._shard_count) * self._shard_count)

            def numbered() -> Iterator[tuple[int, Block]]:
                for block in opened_file.blocks:
                    digest.update(block.data)
                    file.blocks += 1
                    yield file.blocks - 1, block

            reading = Reading(opened_file.format, kinds, file.partitions, spill, planting.candidate_phones())
            for one in self.workers.run(partial(read_block, reading), numbered()):
                file.rows += one.rows
                file.rejects += one.rejects
                file.cohorts |= one.cohorts
                file.synthetic = file.synthetic or one.synthetic
                taken |= one.taken
                self.listener.on_progress("read", one.read, opened_file.size, file.rows, len(file.rejects))
                if len(file.rejects) > REJECTS_AT_MOST:
                    raise ImportFailed(f"{request.path}: over {REJECTS_AT_MOST:,} rows cannot be taken")
        if not file.rows and not file.rejects:
            raise InvalidFile.at(request.path.name, NO_ROWS_REASON)
        self._judge(file.rejects, some_left=file.rows > 0)
        if len(file.cohorts) > COHORTS_AT_MOST:
            raise ImportFailed(f"column cohort: more than {COHORTS_AT_MOST} different ones")
        file.source = digest.hexdigest()
        file.planted = planting.plant(spill, file.blocks, file.partitions, taken)
        file.blocks += bool(file.planted.people)
        return file

    def _judge(self, rejects: list[RejectedRow], *, some_left: bool) -> None:
        """Report rejected rows. Fail where there are more than the caller allows, or where every row was rejected."""
        rejects.sort(key=attrgetter("line"))
        self.listener.on_rejects(rejects)
        limit = self.request.max_rejects
        if some_left and (limit is None or len(rejects) <= limit):
            return
        first = rejects[0]
        more = f" (and {len(rejects) - 1} more)" if len(rejects) > 1 else ""
        place = f"line {first.line}, column {first.column}" if first.column else f"line {first.line}"
        raise ImportFailed(f"{self.request.path}: {place}: {first.reason}{more}; nothing was imported")

    def _sealing(self, journal: Journal, file: _File) -> Sealing:
        store_key = self.keys.load_store_key(journal.key_id)
        dataset = UUID(journal.dataset)
        cohorts = ImportContext.index_cohorts(file.cohorts)
        context = ImportContext(
            dataset, self.incident.slug, journal.scheme, self.incident.hints, cohorts, self.keys, journal.key_id
        )
        spill = Spill(self.workspace.folder(dataset.hex), "sealed", store_key.subkey("import"))
        return Sealing(context, self.import_socket, file.spill, file.blocks, spill, file.partitions)

    def _complete(self, journal: Journal, file: _File) -> ImportResult | None:
        """Give the data set, where the earlier run made it be there and was cut short before it could say so."""
        with self.database.read() as session:
            there = catalog_queries.get_data_set(session, UUID(journal.dataset))
        if there is None:
            return None
        sealing = self._sealing(journal, file)
        self.listener.on_resume(file.partitions, file.partitions)
        sealed = Sealed()
        for number in range(file.partitions):
            sealed.add(read_sealed(sealing, number))
        rejects = sorted(file.rejects + sealed.rejects, key=attrgetter("line"))
        self.workspace.clear(journal)
        counts = (there.rows, there.people, sealed.unreachable, journal.markers)
        return ImportResult(there.id, *counts, rejects, file.planted.people)

    def _made(self, journal: Journal, file: _File) -> ImportResult:
        try:
            sealing = self._sealing(journal, file)
            staged = self._load(journal, sealing, file, self._seal(sealing, file))
        except BaseException as error:
            cut_short = isinstance(error, DependencyUnavailable | KeyboardInterrupt)
            if not cut_short or isinstance(error, PepperMismatch | SpillDamaged) or not self._is_worth_keeping(journal):
                self._try_clean_up(journal)
            raise
        self.workspace.clear(journal)
        return staged

    def _seal(self, sealing: Sealing, file: _File) -> Sealed:
        total = Sealed()
        done, left = 0, list[int]()
        for number in range(file.partitions):
            if sealing.spill.holds(number):
                total.add(read_sealed(sealing, number))
                done += 1
            else:
                left.append(number)
        if done:
            self.listener.on_resume(done, file.partitions)
        for one in self.workers.run(partial(seal_partition, sealing), left):
            total.add(one)
            done += 1
            self.listener.on_progress("seal", done, file.partitions, total.people, len(total.rejects))
        file.spill.clear()
        if total.rejects:
            file.rejects += total.rejects
            self._judge(file.rejects, some_left=True)
        file.planted.leave_out(total)
        if not total.people:
            raise ImportFailed(f"{self.request.path}: nobody in it has a usable email or phone")
        return total

    def _load(self, journal: Journal, sealing: Sealing, file: _File, sealed: Sealed) -> ImportResult:
        context, buckets = sealing.context, range(file.partitions)
        sorting = Sorting(
            sealing.spill,
            file.partitions,
            sentinel_rows(context, sealed.vouching[0], self._shard_count),
            Spill.in_memory_only(self.workspace.emptied("sorted"), "sorted"),
        )
        done = Sorted()
        for number, one in enumerate(self.workers.run(partial(sort_bucket, sorting), buckets)):
            done.rows += one.rows
            done.markers += one.markers
            done.sizes += one.sizes
            self.listener.on_progress("sort", number + 1, file.partitions, done.rows, 0)
        self.workspace.begin(journal.with_markers(done.markers))
        sizes = merge_rare_sizes(done.sizes, MIN_ROWS_PER_SIZE)
        loading = Loading(context, sorting.spill, file.partitions, sizes, self.database.is_sqlite)
        account = RowMultisetHash(self.keys.load_store_key(journal.key_id))
        self._drop(context.dataset)  # what an earlier run began to load
        load(
            self.database,
            self.servers,
            loading,
            self.workers.run(partial(seal_bucket, loading), buckets),
            account=account,
            progress=lambda rows: self.listener.on_progress("load", rows, done.rows, rows, 0),
            finish=lambda session: add_data_set(
                session,
                context,
                account,
                sealed,
                signing=self.keys.load_signing_key(),
                kind=self.request.kind,
                shard_count=self._shard_count,
                synthetic=file.synthetic,
                canaries=file.planted.identifiers,
                now=self.now,
            ),
        )
        counts = (account.count, sealed.people, sealed.unreachable, done.markers)
        return ImportResult(context.dataset, *counts, file.rejects, file.planted.people)

    def _is_worth_keeping(self, journal: Journal) -> bool:
        folder = self.workspace.folder(UUID(journal.dataset).hex)
        return any(folder.glob("sealed-*"))

    def _try_clean_up(self, journal: Journal) -> None:
        """Take away what a run left. Where a database is not there to do it, the next run does."""
        with suppress(DependencyUnavailable):
            self._take_away(journal)

    def _take_away(self, journal: Journal) -> None:
        dataset = UUID(journal.dataset)
        with self.database.read() as session:
            there = catalog_queries.get_data_set(session, dataset) is not None
        if not there:
            self._drop(dataset)
            with suppress(StoreKeyMissing):
                self.keys.destroy_store_key(journal.key_id)
        self.workspace.clear(journal)

    def _drop(self, dataset: UUID) -> None:
        with self.database.write() as session:
            sealed_rows.drop_table(session, dataset)
        drop_shard_rows(self.servers, dataset)
