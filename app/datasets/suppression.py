"""Removes one person from the data sets of an incident. The caller commits the session."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy.orm import Session

from app.crypto.key_files import KeyRing
from app.crypto.row_sealing import RowSealer, derive_row_tag
from app.datasets import catalog_queries, lifecycle, sealed_rows
from app.datasets.errors import AmbiguousIdentifier, UnknownIdentifier
from app.datasets.lifecycle import DataSet
from app.datasets.manifest import StoredRow, read_signed_manifest
from app.datasets.record import Record
from app.datasets.sealed_store import SealedStore
from app.datasets.service import get_for_update


def suppress(
    db: Session, dataset: UUID, digest: bytes, *, sealed_store: SealedStore, keys: KeyRing, entry: int | None = None
) -> dict[UUID, int]:
    """Remove one person from every unretired data set of the incident. Return the number of removed rows by data set.

    The person is found in *dataset* by the digest of an identifier. In the other data sets the person is found by the same digest or, failing that,
    by the row tags, which can be computed from the subject without decrypting the records.

    Raises:
        StateConflict: the data set is retired.
        AmbiguousIdentifier: several people share the identifier, and *entry* does not select one.
        UnknownIdentifier: the data set does not contain the identifier, or too many people share it.
        DependencyUnavailable: something failed; nothing was removed.
    """
    target = get_for_update(db, dataset)
    lifecycle.require_not_retired(target)
    people = find_people(db, target, digest, sealed_store=sealed_store)
    subject = _select_person(people, entry).subject
    removed: dict[UUID, int] = {}
    for candidate in catalog_queries.list_data_sets(db, target.incident):
        if candidate.state == "retired":
            continue
        rows = _find_rows_of_person(db, candidate, subject, digest, sealed_store)
        if rows:
            removed[candidate.id] = len(rows)
            _remove_person(db, candidate, rows, keys)
    return removed


def find_people(db: Session, dataset: DataSet, digest: bytes, *, sealed_store: SealedStore) -> Sequence[Record]:
    """Return the records of one identifier in one data set.

    Raises:
        UnknownIdentifier: the data set does not contain the identifier, or too many people share it.
    """
    (lookup,) = sealed_store.look_up(db, [digest], dataset=dataset)
    (result,) = lookup.results
    if result.is_ambiguous:
        raise UnknownIdentifier("too many people share this identifier to tell them apart")
    if not result.records:
        raise UnknownIdentifier("no one in this data set has this identifier")
    return result.records


def _select_person(people: Sequence[Record], entry: int | None) -> Record:
    if entry is None and len(people) == 1:
        return people[0]
    if entry is None or not 0 <= entry < len(people):
        raise AmbiguousIdentifier(f"{len(people)} people share this identifier: select one with --entry")
    return people[entry]


def _find_rows_of_person(
    db: Session, dataset: DataSet, subject: bytes, digest: bytes, sealed_store: SealedStore
) -> list[StoredRow]:
    sealer = sealed_store.sealer(dataset)
    (lookup,) = sealed_store.look_up(db, [digest], dataset=dataset)
    (result,) = lookup.results
    record = next((record for record in result.records if record.subject == subject), None)
    if record is None:  # in this data set under other identifiers or not at all: check the tag of every row
        candidates = sealed_rows.iterate_rows(db, dataset.id)
    else:
        locators = [sealer.encrypt_locators(locator) for locator in (result.locator, *record.siblings)]
        candidates = (row for _, row in sealed_rows.find_rows(db, [(dataset.id, locators)]))
    return [row for row in candidates if _belongs_to(row, subject, sealer)]


def _belongs_to(row: StoredRow, subject: bytes, sealer: RowSealer) -> bool:
    stored_locator, entry, sealed = row
    locator = sealer.decrypt_locators(stored_locator)
    tag, _ = sealer.open(locator, entry, sealed)
    return tag == derive_row_tag(subject, locator)


def _remove_person(db: Session, dataset: DataSet, rows: list[StoredRow], keys: KeyRing) -> None:
    signing = keys.load_signing_key()
    manifest = read_signed_manifest(*catalog_queries.get_signed_manifest(db, dataset.id), signing)
    sealed_rows.delete_rows(db, dataset.id, [(locator, entry) for locator, entry, _ in rows])
    updated = manifest.without_person(rows, keys.load_store_key(dataset.key_id))
    catalog_queries.update_manifest(db, updated, *updated.sign(signing))
