"""Integrity check of a data set: its rows against the signed manifest, and optionally against its source file."""

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
from app.datasets import catalog_queries, kdf_params, lifecycle, sealed_rows
from app.datasets.errors import ImportFailed, NoKdfParams
from app.datasets.lifecycle import DataSet
from app.datasets.manifest import RowMultisetHash, StoredRow, read_signed_manifest
from app.datasets.sealed_store import SealedStore
from app.importing.context import ImportContext
from app.importing.keyholder_batch import derive_people
from app.importing.merge_people import merge_rows
from app.importing.row_batch import CanonicalRow, collect_cohorts, person_hashes, to_batch, to_rows
from app.importing.row_validation import validate_rows
from app.importing.stages.seal import seal_people
from app.incidents.service import get_incident
from app.keyholder import KeyholderClient
from app.source_files import open_source_file

SAMPLE_SIZE = 500
"""Approximate number of people of the source file that are compared."""
ROWS_BATCH_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class IntegrityReport:
    """Result of an integrity check. An intact data set has no `problems`."""

    rows: int
    sampled: int
    suppressed: int
    problems: tuple[str, ...]


def check_integrity(
    db: Session,
    dataset: DataSet,
    *,
    keys: KeyRing,
    sealed_store: SealedStore,
    source: tuple[Path, str] | None,
    import_keyholder: KeyholderClient,
) -> IntegrityReport:
    """Check a data set.

    1. The manifest's signature is valid.
    2. The sentinels can be decrypted.
    3. Every row can be decrypted under the store key, and the rows' count and digest match the manifest.
    4. The catalogue's entry of the data set matches the manifest.
    5. If the source file is given (with its encoding), a sample of its people is sealed again and compared with the stored rows.

    Raises:
        StateConflict: the data set is retired.
        InvalidManifest: the manifest's signature is invalid.
        InvalidFile: the source file cannot be read.
        DependencyUnavailable: the keyholder, the database, a sentinel or a key failed.
    """
    lifecycle.require_not_retired(dataset)
    key = keys.load_store_key(dataset.key_id)
    manifest = read_signed_manifest(
        *catalog_queries.get_signed_manifest(db, dataset.id), keys.load_signing_key()
    )  # (1)
    sealed_store.look_up(db, [], dataset=dataset)  # (2)
    sealer = sealed_store.sealer(dataset)
    row_hash = RowMultisetHash(key)
    broken = 0
    for batch in batched(sealed_rows.iterate_rows(db, dataset.id), ROWS_BATCH_SIZE):
        intact = [sealed for locator, entry, sealed in batch if _can_open(sealer, locator, entry, sealed)]
        broken += len(batch) - len(intact)
        row_hash.add(intact)
    problems = []
    rows = row_hash.count + broken
    if broken or not manifest.matches_rows(row_hash):  # (3)
        problems.append(
            f"the rows differ from the manifest: {rows:,} rows, the manifest has {manifest.rows:,}; "
            f"{broken:,} of them cannot be decrypted"
        )
    if not manifest.matches_catalog(dataset):  # (4)
        problems.append("the list of data sets differs from the manifest")
    sampled = 0
    if source is not None:  # (5)
        sampled, missing = _compare_sample(db, dataset, source, keys, import_keyholder, manifest.hints)
        if missing > manifest.suppressed:
            problems.append(f"{missing} of {sampled} sampled people of the file are not stored as the file has them")
    return IntegrityReport(rows, sampled, manifest.suppressed, tuple(problems))


def _can_open(sealer: RowSealer, stored_locator: bytes, entry: int, sealed: bytes) -> bool:
    try:
        sealer.open(sealer.decrypt_locators(stored_locator), entry, sealed)
    except DecryptionFailed:
        return False
    return True


def _compare_sample(
    db: Session,
    dataset: DataSet,
    source: tuple[Path, str],
    keys: KeyRing,
    import_keyholder: KeyholderClient,
    hints: bool,
) -> tuple[int, int]:
    """Seal a sample of the file's people again. Return how many people were compared, and how many are not stored like that."""
    params = kdf_params.load_params(db)
    if params is None:
        raise NoKdfParams("no key derivation parameters are stored")
    incident = get_incident(db, dataset.incident)
    path, encoding = source
    people: dict[str, list[CanonicalRow]] = {}
    cohorts: set[str] = set()
    sampling_interval = max(1, dataset.people // SAMPLE_SIZE)
    with open_source_file(path, encoding=encoding) as file:
        for block in file.blocks:
            rows, *_ = validate_rows(file.format.parse(block), frozenset[str](incident.kinds))
            cohorts |= collect_cohorts(rows)
            selected = [person % sampling_interval == 0 for person in person_hashes(rows)]
            for row in to_rows(rows.filter(pa.array(selected, pa.bool_()))):
                people.setdefault(row.person_ref, []).append(row)
    context = ImportContext(
        dataset.id, dataset.incident, params, hints, ImportContext.index_cohorts(cohorts), keys, dataset.key_id
    )
    sealer = context.create_sealer()
    sampled = missing = 0
    for rows_of_person in people.values():
        _, asked = derive_people(to_batch([merge_rows(rows_of_person)]), context, import_keyholder, {})
        sealed = seal_people(asked, sealer)
        if len(sealed):
            sampled += 1
            missing += not all(map(partial(_is_stored, db, sealer), sealed.to_pylist()))
    if not sampled:
        raise ImportFailed(f"{path}: no one in it has a usable email or phone")
    return sampled, missing


def _is_stored(db: Session, sealer: RowSealer, row: bytes) -> bool:
    stored_locator, content = row[:LOCATOR_BYTES], row[LOCATOR_BYTES:]
    for _, (_, entry, sealed) in sealed_rows.find_rows(db, [(sealer.dataset, [stored_locator])]):
        tag, inner = sealer.open(sealer.decrypt_locators(stored_locator), entry, sealed)
        if inner == OVERFLOW_MARKER or tag + inner == content:
            return True
    return False


def batched(rows: Iterable[StoredRow], size: int) -> Iterator[list[StoredRow]]:
    """Split *rows* into lists of *size*; the last may be shorter. As itertools.batched in Python 3.12."""
    iterator = iter(rows)
    while batch := list(islice(iterator, size)):
        yield batch
