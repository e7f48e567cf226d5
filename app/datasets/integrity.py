"""Holding a data set against its signed manifest, and against the file it came from."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path

import pyarrow as pa
from sqlalchemy.orm import Session

from app.crypto.key_derivation import LOCATOR_BYTES
from app.crypto.key_files import KeyRing
from app.crypto.row_sealing import OVERFLOW_MARKER, DecryptionFailed, RowSealer
from app.datasets import lifecycle
from app.datasets import kdf_params
from app.datasets import sealed_rows
from app.datasets.errors import ImportFailed, NoKdfParams
from app.datasets.files import open_source_file
from app.datasets.importing.keyholder_batch import derive_people
from app.datasets.importing.merge_people import merge_rows
from app.datasets.importing.context import ImportContext
from app.datasets.importing.stages.read import validate_rows
from app.datasets.importing.row_batch import CanonicalRow, to_batch, collect_cohorts, to_rows, person_hashes
from app.datasets.importing.stages.seal import seal_people
from app.datasets.sealed_store import SealedStore
from app.datasets.manifest import RowMultisetHash, read_signed_manifest
from app.datasets.manifest import Row as StoredRow
from app.datasets.lifecycle import DataSet
from app.incidents import get_incident
from app.keyholder import KeyholderClient

SAMPLE = 500
"""People of the source file that are opened, or a few more or less."""
ROWS_AT_ONCE = 10_000


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """What was found; `faults` is empty where all is well."""

    rows: int
    sampled: int
    suppressed: int
    faults: tuple[str, ...]


def verify(
    session: Session,
    dataset: DataSet,
    *,
    keys: KeyRing,
    register: SealedStore,
    source: tuple[Path, str] | None,
    import_keyholder: KeyholderClient,
) -> IntegrityReport:
    """Check a data set.

    1. The manifest's signature holds.
    2. The sentinel opens.
    3. Every row opens under the store key, and their count and digest are the manifest's.
    4. What is kept about the data set is the manifest's.
    5. Where the source file is given (with its encoding), a sample of its people is sealed once more, and lies in the store just so.

    Raises:
        StateConflict: it is retired: there is nothing left to check.
        BadManifest: the signature does not hold.
        InvalidFile: the source file cannot be read.
        DependencyUnavailable: the keyholder, the database, the sentinel or a key failed.
    """
    lifecycle.require_rows(dataset)
    key = keys.load_store_key(dataset.key_id)
    manifest = read_signed_manifest(*sealed_rows.manifest(session, dataset.id), keys.load_signing_key())  # (1)
    register.look_up(session, [], dataset=dataset)  # (2)
    sealer = register.sealer(dataset)
    account = RowMultisetHash(key)
    broken = 0
    for batch in batched(sealed_rows.rows(session, dataset.id), ROWS_AT_ONCE):
        whole = [sealed for locator, entry, sealed in batch if _opens(sealer, locator, entry, sealed)]
        broken += len(batch) - len(whole)
        account.add(whole)
    faults = []
    rows = account.count + broken
    if broken or not manifest.matches(account):  # (3)
        faults.append(
            f"{rows:,} rows where the manifest has {manifest.rows:,}, or other ones; {broken:,} of them do not open"
        )
    if not manifest.describes(dataset):  # (4)
        faults.append("the list of data sets says other than the manifest")
    sampled = 0
    if source is not None:  # (5)
        sampled, missing = _sample(session, dataset, source, keys, import_keyholder, manifest.hints)
        if missing > manifest.suppressed:
            faults.append(
                f"{missing} of {sampled} sampled people of the file are not in the store as the file has them"
            )
    return IntegrityReport(rows, sampled, manifest.suppressed, tuple(faults))


def _opens(sealer: RowSealer, stored: bytes, entry: int, sealed: bytes) -> bool:
    try:
        sealer.open(sealer.decrypt_locators(stored), entry, sealed)
    except DecryptionFailed:
        return False
    return True


def _sample(
    session: Session,
    dataset: DataSet,
    source: tuple[Path, str],
    keys: KeyRing,
    import_keyholder: KeyholderClient,
    hints: bool,
) -> tuple[int, int]:
    """Seal a sample of the file's people again; gives how many, and how many of them are not in the store."""
    current = kdf_params.load_params(session)
    if current is None:
        raise NoKdfParams("there is no scheme")
    incident = get_incident(session, dataset.incident)
    path, encoding = source
    people: dict[str, list[CanonicalRow]] = {}
    cohorts: set[str] = set()
    one_of = max(1, dataset.people // SAMPLE)
    with open_source_file(path, encoding=encoding) as file:
        for block in file.blocks:
            rows, _ = validate_rows(file.format.parse(block), frozenset[str](incident.kinds))
            cohorts |= collect_cohorts(rows)
            for row in to_rows(rows.filter(pa.array([person % one_of == 0 for person in person_hashes(rows)], pa.bool_()))):
                people.setdefault(row.person_ref, []).append(row)
    context = ImportContext(dataset.id, dataset.incident, current, hints, ImportContext.index_cohorts(cohorts), keys, dataset.key_id)
    sealer = context.create_sealer()
    sampled = missing = 0
    for rows in people.values():
        _, known = derive_people(to_batch([merge_rows(rows)]), context, import_keyholder, {})
        sealed = seal_people(known, sealer)
        if len(sealed):
            sampled += 1
            missing += not all(map(partial(_stored, session, sealer), sealed.to_pylist()))
    if not sampled:
        raise ImportFailed(f"{path}: nobody in it has a usable email or phone")
    return sampled, missing


def _stored(session: Session, sealer: RowSealer, row: bytes) -> bool:
    place, content = row[:LOCATOR_BYTES], row[LOCATOR_BYTES:]
    for _, (_, entry, sealed) in sealed_rows.find_rows(session, [(sealer.dataset, [place])]):
        tag, found = sealer.open(sealer.decrypt_locators(place), entry, sealed)
        if found == OVERFLOW_MARKER or tag + found == content:
            return True
    return False


def batched(rows: Iterable[StoredRow], size: int) -> Iterator[list[StoredRow]]:
    """Take *rows* in lists of *size*."""
    ordered = iter(rows)
    while batch := list(islice(ordered, size)):
        yield batch
