"""The four stages, one after the other, and the staged data set that comes out: all of it or nothing."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing import get_context
from pathlib import Path
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from app.crypto.expansion import row_place
from app.crypto.keyfiles import KeyRing
from app.crypto.seal import RowSealer
from app.datasets import queries, scheme
from app.datasets.errors import ImportFailed, OtherPepper, WorkerDied
from app.datasets.files import Reject
from app.datasets.importing.reading import Grouped, Person, group
from app.datasets.importing.sealing import IMPORT_TIMEOUT, Batch, Plan, seal, seal_in_worker
from app.datasets.importing.sorting import sort
from app.datasets.manifest import Manifest, Row
from app.datasets.models import DataSetRow
from app.datasets.synthetic import SYNTHETIC_MARK
from app.datasets.versions import SetKind
from app.db import Database
from app.incidents import get as get_incident
from app.incidents import lock as lock_incident
from app.keyholder import Keyholder

PEOPLE_PER_BATCH = 500

Progress = Callable[[str, int, int | None], None]
"""Told the stage, what is done of it, and how much there is, where that is known."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be imported, and how.

    `cost` is a profile's name, or none for the deployment's; `rejects_at_most` is None where rejected rows are put aside without a bound.
    """

    path: Path
    incident: str
    kind: SetKind = "full"
    cost: str | None = None
    workers: int = field(default_factory=lambda: os.cpu_count() or 1)
    encoding: str = "utf-8"
    rejects_at_most: int | None = 0


@dataclass(frozen=True, slots=True)
class Staged:
    """A data set that was imported and that nobody sees yet."""

    id: UUID
    rows: int
    people: int
    unreachable: int
    shared_by_too_many: int
    rejects: Sequence[Reject]


def import_file(
    request: Request,
    *,
    database: Database,
    keys: KeyRing,
    import_door: Path,
    now: datetime,
    progress: Progress = lambda *_: None,
    keep_rejects: Callable[[Sequence[Reject]], object] = lambda _: None,
) -> Staged:
    """Import a file as a staged data set.

    Args:
        request: what, and how.
        database: where to.
        keys: takes the data set's new store key, and signs its manifest.
        import_door: the keyholder's import door.
        now: the time of the import.
        progress: is told how far each stage is.
        keep_rejects: is handed the rejected rows' places, before too many of them end the import.

    Raises:
        BadFile: the file as a whole cannot be read.
        ImportFailed: too many rows were rejected, or nobody is left.
        UnknownIncident: there is no such incident.
        NotNow: another cost than the deployment's was asked for.
        Unavailable: the keyholder, the database or a worker failed.
    """
    with database.read() as session:
        incident = get_incident(session, request.incident)
        chosen = scheme.choose(session, request.cost)
    grouped = Grouped()
    for row in group(request.path, request.encoding, mark=SYNTHETIC_MARK, grouped=grouped):
        progress("read", row, None)
    plan = Plan.of(incident, chosen, grouped, dataset=uuid4(), hints=incident.hints)
    sealed = _seal_all(list(grouped.people.values()), plan, import_door, request.workers, progress)
    rejects = sorted(grouped.rejects + sealed.rejects, key=lambda reject: reject.line)
    keep_rejects(rejects)
    _refuse_rejects(request, rejects)
    if not sealed.people or sealed.vouching is None:
        raise ImportFailed(f"{request.path}: nobody in it has a usable email or phone")
    progress("sort", 0, len(sealed.rows))
    on_sentinel, on_scheme = sealed.vouching
    sentinel = row_place(chosen.stretch(on_sentinel), plan.dataset)
    key = keys.new_store_key()
    try:
        stored, markers = sort(sealed.rows, sentinel, plan.cohorts, RowSealer(key, plan.dataset))
        manifest = Manifest.of(
            stored,
            key,
            dataset=plan.dataset,
            incident=plan.incident,
            kind=request.kind,
            hints=plan.hints,
            people=sealed.people,
        )
        with database.write() as session:
            scheme.fix(session, chosen, chosen.vouch(on_scheme), now=now)
            for done in _load(session, plan.dataset, stored):
                progress("load", done, len(stored))
            _add(session, manifest, keys, request.kind, synthetic=grouped.synthetic, now=now)
    except BaseException:
        keys.destroy_store(key.id)
        raise
    return Staged(plan.dataset, len(stored), sealed.people, sealed.unreachable, markers, rejects)


def _seal_all(people: list[Person], plan: Plan, door: Path, workers: int, progress: Progress) -> Batch:
    batches = [people[start : start + PEOPLE_PER_BATCH] for start in range(0, len(people), PEOPLE_PER_BATCH)]
    total = Batch()
    done = 0
    for people_in, batch in zip(batches, _sealed(batches, plan, door, workers), strict=True):
        total.rows += batch.rows
        total.people += batch.people
        total.unreachable += batch.unreachable
        total.rejects += batch.rejects
        if total.vouching not in (None, batch.vouching):
            raise OtherPepper("the keyholder came back with another pepper")
        total.vouching = batch.vouching
        done += len(people_in)
        progress("seal", done, len(people))
    return total


def _sealed(batches: list[list[Person]], plan: Plan, door: Path, workers: int) -> Iterator[Batch]:
    if workers <= 1 or len(batches) == 1:
        with Keyholder(door, timeout=IMPORT_TIMEOUT) as keyholder:
            for batch in batches:
                yield seal(batch, plan, keyholder)
        return
    count = len(batches)
    try:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            yield from pool.map(seal_in_worker, batches, [plan] * count, [door] * count)
    except BrokenProcessPool:
        raise WorkerDied("a process that seals died; nothing was imported") from None


def _refuse_rejects(request: Request, rejects: Sequence[Reject]) -> None:
    if request.rejects_at_most is None or len(rejects) <= request.rejects_at_most:
        return
    first = rejects[0]
    more = f" (and {len(rejects) - 1} more)" if len(rejects) > 1 else ""
    place = f"line {first.line}, column {first.column}" if first.column else f"line {first.line}"
    raise ImportFailed(f"{request.path}: {place}: {first.reason}{more}; nothing was imported")


def _load(session: Session, dataset: UUID, stored: list[Row]) -> Iterator[int]:
    queries.create_partition(session, dataset)
    yield from queries.load(session, dataset, stored)


def _add(session: Session, manifest: Manifest, keys: KeyRing, kind: SetKind, *, synthetic: bool, now: datetime) -> None:
    lock_incident(session, manifest.incident)  # so that two imports do not take one version
    payload, signature = manifest.sign(keys.signing())
    queries.add_data_set(
        session,
        DataSetRow(
            id=UUID(manifest.dataset),
            incident=manifest.incident,
            version=queries.next_version(session, manifest.incident),
            kind=kind,
            state="staged",
            key_id=manifest.key_id,
            synthetic=synthetic,
            rows=manifest.rows,
            people=manifest.people,
            manifest=payload,
            signature=signature,
            imported_at=now,
            published_at=None,
            sequence=None,
            beside=None,
        ),
    )
