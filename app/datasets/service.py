"""Operations on data sets: list, publish, roll back, retire, compare. The caller commits the session."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.orm import Session

from app.crypto.key_files import KeyRing
from app.datasets import catalog_queries, lifecycle, sealed_rows
from app.datasets.canary_index import open_canaries
from app.datasets.cohort_counts import CountDiff, PublishedCounts, diff_counts, open_cohort_counts
from app.datasets.errors import StateConflict, UnknownDataSet
from app.datasets.lifecycle import DataSet
from app.incidents.service import get_incident, lock_incident


def get(db: Session, dataset: UUID) -> DataSet:
    """Return one data set.

    Raises:
        UnknownDataSet: no data set has this id.
    """
    found = catalog_queries.get_data_set(db, dataset)
    if found is None:
        raise UnknownDataSet(f"there is no data set {dataset}")
    return found


def get_for_update(db: Session, dataset: UUID) -> DataSet:
    """Return one data set after locking its incident, so that no other command changes the incident's data sets.

    Raises:
        UnknownDataSet: no data set has this id.
    """
    lock_incident(db, get(db, dataset).incident)
    return get(db, dataset)


def list_all(db: Session) -> list[DataSet]:
    """Return all data sets, oldest first."""
    return catalog_queries.list_data_sets(db)


def has_synthetic_data(db: Session) -> bool:
    """Return whether any data set that is not retired is synthetic.

    Synthetic phone numbers may belong to real people, so no message may be sent then.
    """
    return catalog_queries.has_synthetic_data(db)


def publish(db: Session, dataset: UUID, *, now: datetime, accept_loss: int = 0) -> list[DataSet]:
    """Publish a data set, or roll back to it if it is superseded. Return the data sets that changed.

    Raises:
        UnknownDataSet: no data set has this id.
        StateConflict: its state does not allow it, too many people would be lost, or a server could not read the rows.
    """
    target = get_for_update(db, dataset)
    datasets = catalog_queries.list_data_sets(db, target.incident)
    changed = lifecycle.publish(datasets, target, now=now, accept_loss=accept_loss)
    for published in changed:
        if published.state == "published":
            _require_readable(db, published.id)
    catalog_queries.save_states(db, changed)
    return changed


def retire(db: Session, dataset: UUID) -> DataSet:
    """Retire a data set and drop its rows. After the commit, the caller destroys its store key and drops its rows on the shards.

    With shards, retiring a data set again is not an error, so that the caller can finish on a shard that was down.

    Raises:
        UnknownDataSet: no data set has this id.
        StateConflict: its state does not allow it.
        DataSetBusy: a long-running reader holds its rows.
    """
    target = get_for_update(db, dataset)
    if target.state == "retired" and catalog_queries.list_shard_servers(db):
        return target
    closed = get_incident(db, target.incident).status == "closed"
    retired = lifecycle.retire(target, incident_closed=closed)
    catalog_queries.save_states(db, [retired])
    catalog_queries.clear_canaries(db, dataset)
    sealed_rows.drop_table(db, dataset)
    return retired


def diff(db: Session, before: UUID, after: UUID, *, keys: KeyRing) -> list[CountDiff]:
    """Compare two data sets by their counts of people by cohort and item at the time of import.

    Raises:
        UnknownDataSet: no data set has one of the ids.
        StateConflict: one is retired, or was imported by a version that did not store counts.
        DependencyUnavailable: a store key is missing, or does not decrypt the counts.
    """
    return diff_counts(_load_cohort_counts(db, before, keys), _load_cohort_counts(db, after, keys))


def load_published_counts(db: Session, incident: str, *, keys: KeyRing) -> PublishedCounts | None:
    """Return the counts of the full data set of an incident that is published, at the time of its import; None if there is none.

    Raises:
        StateConflict: it was imported by a version that did not store counts.
        DependencyUnavailable: a store key is missing, or does not decrypt the counts.
    """
    found = catalog_queries.list_data_sets(db, incident)
    published = next((dataset for dataset in found if dataset.state == "published" and dataset.kind == "full"), None)
    if published is None:
        return None
    return PublishedCounts(published.id, published.people, _load_cohort_counts(db, published.id, keys))


def list_canaries(db: Session, dataset: UUID, *, keys: KeyRing) -> list[str]:
    """Return the canary identifiers of a data set, in canonical form.

    Raises:
        UnknownDataSet: no data set has this id.
        StateConflict: it is retired.
        DependencyUnavailable: the store key is missing, or does not decrypt the list.
    """
    found = get(db, dataset)
    lifecycle.require_not_retired(found)
    ciphertext = catalog_queries.get_sealed_canaries(db, dataset)
    return [] if ciphertext is None else open_canaries(ciphertext, keys.load_store_key(found.key_id), dataset)


def _require_readable(db: Session, dataset: UUID) -> None:
    """Check that each role that reads the catalogue can read the rows: otherwise its servers would answer nothing."""
    if excluded := sealed_rows.list_excluded_readers(db, dataset):
        raise StateConflict(
            f"role {excluded[0]} cannot read the rows of data set {dataset}: run `exposure db upgrade` with --server-role "
            "(or --import-role), or create its user mapping for each shard"
        )


def _load_cohort_counts(db: Session, dataset: UUID, keys: KeyRing) -> dict[str, dict[str, int]]:
    found = get(db, dataset)
    lifecycle.require_not_retired(found)
    ciphertext = catalog_queries.get_sealed_cohort_counts(db, dataset)
    if ciphertext is None:
        raise StateConflict(f"data set {dataset} was imported before counts were stored")
    return open_cohort_counts(ciphertext, keys.load_store_key(found.key_id), dataset)
