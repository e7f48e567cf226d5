"""Publishing, rolling back, retiring, suppressing and verifying data sets. The session is the face's; nothing is committed here."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.crypto.key_files import KeyRing
from app.crypto.row_sealing import RowSealer, derive_row_tag
from app.datasets import lifecycle
from app.datasets import sealed_rows
from app.datasets.canary_index import open_canaries
from app.datasets.errors import StateConflict, AmbiguousIdentifier, UnknownDataSet, UnknownIdentifier
from app.datasets.sealed_store import SealedStore
from app.datasets.manifest import Row, read_signed_manifest
from app.datasets.record import Record
from app.datasets.cohort_counts import CountDiff, differences, open_cohort_counts
from app.datasets.lifecycle import DataSet
from app.incidents import get_incident
from app.incidents import lock_incident


def get(session: Session, dataset: UUID) -> DataSet:
    """Find one data set.

    Raises:
        UnknownDataSet: there is none of this id.
    """
    found = catalog_queries.data_set(session, dataset)
    if found is None:
        raise UnknownDataSet(f"there is no data set {dataset}")
    return found


def list_all(session: Session) -> list[DataSet]:
    """All data sets, by age."""
    return catalog_queries.data_sets(session)


def has_synthetic_data(session: Session) -> bool:
    """Whether any data set that is not retired was made up: its phone numbers may be somebody's, so nothing may be sent."""
    return sealed_rows.any_synthetic(session)


def publish(session: Session, dataset: UUID, *, now: datetime, accept_loss: int = 0) -> list[DataSet]:
    """Publish a data set, or roll back to it; gives the sets that changed.

    Raises:
        UnknownDataSet: there is none of this id.
        StateConflict: its state does not admit it, or people would be lost.
    """
    target = _locked(session, dataset)
    sets = catalog_queries.data_sets(session, target.incident)
    changed = lifecycle.publish(sets, target, now=now, accept_loss=accept_loss)
    sealed_rows.apply(session, changed)
    return changed


def retire(session: Session, dataset: UUID) -> DataSet:
    """Retire a data set: its rows are dropped. Once this is committed, the caller destroys its store key, and drops its rows on further servers.

    Where there are such servers, doing it once more is no error.

    Raises:
        UnknownDataSet: there is none of this id.
        StateConflict: its state does not admit it.
        InUse: somebody reads it from end to end.
    """
    target = _locked(session, dataset)
    if target.state == "retired" and sealed_rows.open_shards(session):
        return target  # the caller goes on to take away what a server that was down has kept
    closed = get_incident(session, target.incident).status == "closed"
    retired = lifecycle.retire(target, incident_closed=closed)
    sealed_rows.apply(session, [retired])
    sealed_rows.forget_canaries(session, dataset)
    sealed_rows.drop_table(session, dataset)
    return retired


def diff(session: Session, before: UUID, after: UUID, *, keys: KeyRing) -> list[CountDiff]:
    """Compare the counts of two data sets by cohort and item, as they were imported.

    Raises:
        UnknownDataSet: there is none of an id.
        StateConflict: one is retired, or was imported by a version that did not count.
        DependencyUnavailable: a store key is missing, or does not open the counts.
    """
    return differences(_tallies(session, before, keys), _tallies(session, after, keys))


def canaries(session: Session, dataset: UUID, *, keys: KeyRing) -> list[str]:
    """Give the identifiers that an import planted, in canonical form.

    Raises:
        UnknownDataSet: there is none of this id.
        StateConflict: it is retired.
        DependencyUnavailable: the store key is missing, or does not open the note.
    """
    one = get(session, dataset)
    lifecycle.require_rows(one)
    sealed = sealed_rows.canaries(session, dataset)
    return [] if sealed is None else open_canaries(sealed, keys.load_store_key(one.key_id), dataset)


def _tallies(session: Session, dataset: UUID, keys: KeyRing) -> dict[str, dict[str, int]]:
    one = get(session, dataset)
    lifecycle.require_rows(one)
    sealed = sealed_rows.tallies(session, dataset)
    if sealed is None:
        raise StateConflict(f"data set {dataset} was imported before counts were kept")
    return open_cohort_counts(sealed, keys.load_store_key(one.key_id), dataset)


def suppress(
    session: Session, dataset: UUID, digest: bytes, *, register: SealedStore, keys: KeyRing, entry: int | None = None
) -> dict[UUID, int]:
    """Remove one person from every unretired data set of the incident; gives the rows removed, by data set.

    The person is found in *dataset* by an identifier's *digest*; in the other sets by that digest too, or else by the row
    tags, which one who knows the subject can tell without opening a row.

    Raises:
        StateConflict: the data set is retired.
        SeveralPeople: several share the identifier, and no *entry* says which is meant.
        UnknownIdentifier: nobody is found by it, or too many share it.
        DependencyUnavailable: something failed; nothing was removed.
    """
    target = _locked(session, dataset)
    lifecycle.require_rows(target)
    subject = _chosen(people_at(session, target, digest, register=register), entry).subject
    removed: dict[UUID, int] = {}
    for one in catalog_queries.data_sets(session, target.incident):
        if one.state == "retired":
            continue
        own = _rows_of(session, one, subject, digest, register)
        if own:
            removed[one.id] = len(own)
            _remove(session, one, own, keys)
    return removed


def people_at(session: Session, dataset: DataSet, digest: bytes, *, register: SealedStore) -> Sequence[Record]:
    """Open the entries of one identifier in one data set.

    Raises:
        UnknownIdentifier: nobody is found by it, or too many share it.
    """
    (reading,) = register.look_up(session, [digest], dataset=dataset)
    (found,) = reading.found
    if found.shared_by_too_many:
        raise UnknownIdentifier("too many people share this identifier to tell them apart")
    if not found.records:
        raise UnknownIdentifier("nobody in this data set has this identifier")
    return found.records


def _chosen(people: Sequence[Record], entry: int | None) -> Record:
    if entry is None and len(people) == 1:
        return people[0]
    if entry is None or not 0 <= entry < len(people):
        raise AmbiguousIdentifier(f"{len(people)} people share this identifier: say which with --entry")
    return people[entry]


def _rows_of(session: Session, dataset: DataSet, subject: bytes, digest: bytes, register: SealedStore) -> list[Row]:
    sealer = register.sealer(dataset)
    (reading,) = register.look_up(session, [digest], dataset=dataset)
    (found,) = reading.found
    own = next((record for record in found.records if record.subject == subject), None)
    if own is None:  # in this set under other identifiers, or not at all: the tag tells
        candidates = sealed_rows.rows(session, dataset.id)
    else:
        locators = [sealer.encrypt_locators(locator) for locator in (found.locator, *own.siblings)]
        candidates = (row for _, row in sealed_rows.find_rows(session, [(dataset.id, locators)]))
    return [row for row in candidates if _belongs(row, subject, sealer)]


def _belongs(row: Row, subject: bytes, sealer: RowSealer) -> bool:
    stored, entry, sealed = row
    locator = sealer.decrypt_locators(stored)
    tag, _ = sealer.open(locator, entry, sealed)
    return tag == derive_row_tag(subject, locator)


def _remove(session: Session, dataset: DataSet, own: list[Row], keys: KeyRing) -> None:
    signing = keys.load_signing_key()
    manifest = read_signed_manifest(*sealed_rows.manifest(session, dataset.id), signing)
    sealed_rows.delete_rows(session, dataset.id, [(locator, entry) for locator, entry, _ in own])
    left = manifest.without_person(own, keys.load_store_key(dataset.key_id))
    sealed_rows.set_manifest(session, left, *left.sign(signing))


def _locked(session: Session, dataset: UUID) -> DataSet:
    """Find a data set and hold its incident, so that two commands do not change its versions at once."""
    lock_incident(session, get(session, dataset).incident)
    return get(session, dataset)
