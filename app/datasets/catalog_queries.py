"""SQL of the catalogue: the data sets, the key derivation parameters, the signed list, and the servers that hold rows."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.datasets.lifecycle import DataSet
from app.datasets.manifest import Manifest
from app.datasets.models import DataSetRow, KdfParamsRow, SignedCatalogRow
from app.db import Reader, fetch
from app.incidents.models import IncidentRow, NoticeRow

_SHARD_SERVERS = """
SELECT s.srvname, s.srvoptions, m.umoptions FROM pg_foreign_server AS s
JOIN pg_foreign_data_wrapper AS w ON w.oid = s.srvfdw AND w.fdwname = 'postgres_fdw'
LEFT JOIN pg_user_mappings AS m ON m.srvid = s.oid AND m.usename = current_user
WHERE s.srvname ~ '^shard_[0-9]{1,4}$' ORDER BY substr(s.srvname, 7)::int
"""


class StoredKdfParams(NamedTuple):
    """Salt and cost of Argon2id, and the key check value of the pepper; the columns of `KdfParamsRow`."""

    salt: bytes
    time_cost: int
    memory_kib: int
    check_value: bytes


def get_kdf_params(db: Reader) -> StoredKdfParams | None:
    """Return the deployment's key derivation parameters, or None before the first import."""
    rows = fetch(db, "SELECT salt, time_cost, memory_kib, check_value FROM kdf_params WHERE id = 1", [])
    return StoredKdfParams(*rows[0]) if rows else None


def insert_kdf_params(db: Session, row: KdfParamsRow) -> None:
    """Store the key derivation parameters."""
    db.add(row)
    db.flush()


def get_data_set(db: Session, dataset: UUID) -> DataSet | None:
    """Return one data set, read anew from the database."""
    row = db.get(DataSetRow, dataset, populate_existing=True)
    return None if row is None else _to_data_set(row)


def find_user_of_key(db: Session, key_id: str) -> UUID | None:
    """Return a data set that is not retired and whose rows are sealed under a store key, if there is one."""
    return db.scalar(select(DataSetRow.id).where(DataSetRow.key_id == key_id, DataSetRow.state != "retired").limit(1))


def list_data_sets(db: Session, incident: str | None = None) -> list[DataSet]:
    """Return all data sets, or those of one incident, oldest first."""
    query = select(DataSetRow).order_by(DataSetRow.imported_at, DataSetRow.incident, DataSetRow.version)
    if incident is not None:
        query = query.where(DataSetRow.incident == incident)
    return [_to_data_set(row) for row in db.scalars(query)]


def list_answerable(db: Session) -> list[DataSet]:
    """Return the data sets that answers are read from, newest publication first within each incident."""
    query = select(DataSetRow).where(DataSetRow.state.in_(("published", "superseded")))
    return [_to_data_set(row) for row in db.scalars(query.order_by(DataSetRow.incident, DataSetRow.sequence.desc()))]


def get_signed_manifest(db: Session, dataset: UUID) -> tuple[bytes, bytes]:
    """Return the manifest of an existing data set and its signature."""
    row = db.execute(select(DataSetRow.manifest, DataSetRow.signature).where(DataSetRow.id == dataset)).one()
    return row.manifest, row.signature


def update_manifest(db: Session, manifest: Manifest, payload: bytes, signature: bytes) -> None:
    """Store a data set's new manifest and its counts, after a person was removed."""
    db.execute(
        update(DataSetRow)
        .where(DataSetRow.id == UUID(manifest.dataset))
        .values(rows=manifest.rows, people=manifest.people, manifest=payload, signature=signature)
    )


def get_sealed_cohort_counts(db: Session, dataset: UUID) -> bytes | None:
    """Return the encrypted counts of a data set."""
    return db.scalar(select(DataSetRow.cohort_counts).where(DataSetRow.id == dataset))


def get_sealed_canaries(db: Session, dataset: UUID) -> bytes | None:
    """Return the encrypted canary list of a data set."""
    return db.scalar(select(DataSetRow.canaries).where(DataSetRow.id == dataset))


def list_sealed_canaries(db: Session) -> list[tuple[UUID, str, str, bytes]]:
    """Return the encrypted canary lists of all data sets that are not retired: id, incident, store key id, ciphertext."""
    columns = (DataSetRow.id, DataSetRow.incident, DataSetRow.key_id, DataSetRow.canaries)
    query = select(*columns).where(DataSetRow.canaries.is_not(None))
    return [(dataset, incident, key_id, canaries or b"") for dataset, incident, key_id, canaries in db.execute(query)]


def clear_canaries(db: Session, dataset: UUID) -> None:
    """Delete the canary list of a data set."""
    db.execute(update(DataSetRow).where(DataSetRow.id == dataset).values(canaries=None))


def has_synthetic_data(db: Session) -> bool:
    """Return whether any data set that is not retired is synthetic."""
    return (db.scalar(select(func.count()).where(DataSetRow.synthetic, DataSetRow.state != "retired")) or 0) > 0


def next_version_number(db: Session, incident: str) -> int:
    """Return the version number for an incident's next data set."""
    return 1 + (db.scalar(select(func.max(DataSetRow.version)).where(DataSetRow.incident == incident)) or 0)


def insert_data_set(db: Session, row: DataSetRow) -> None:
    """Store a new data set."""
    db.add(row)


def save_states(db: Session, changed: Sequence[DataSet]) -> None:
    """Store the new states of some data sets."""
    for dataset in changed:
        db.execute(
            update(DataSetRow)
            .where(DataSetRow.id == dataset.id)
            .values(
                state=dataset.state,
                published_at=dataset.published_at,
                sequence=dataset.sequence,
                base_id=dataset.base_id,
            )
        )


def get_signed_catalog(db: Session) -> tuple[bytes, bytes] | None:
    """Return the signed list and its signature: both empty before the first one, None if the row is missing."""
    row = db.execute(
        select(SignedCatalogRow.payload, SignedCatalogRow.signature).where(SignedCatalogRow.id == 1)
    ).first()
    return None if row is None else (row.payload, row.signature)


def lock_signed_catalog(db: Session) -> None:
    """Lock the signed list until the end of the transaction: other changes of the catalogue wait."""
    db.execute(select(SignedCatalogRow.id).where(SignedCatalogRow.id == 1).with_for_update())


def save_signed_catalog(db: Session, payload: bytes, signature: bytes) -> None:
    """Store a new signed list."""
    db.merge(SignedCatalogRow(id=1, payload=payload, signature=signature))
    db.flush()


def list_signed_rows(db: Session) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every row that the signed list covers, with all its columns, by the name that it has in messages."""
    for model, name in (
        (IncidentRow, "incident {slug}"),
        (NoticeRow, "notice {version} of incident {incident}"),
        (DataSetRow, "data set {id} of incident {incident}"),
        (KdfParamsRow, "key derivation parameters {id}"),
    ):
        for row in db.execute(select(*model.__table__.columns)).mappings():
            columns = dict(row)
            yield name.format_map(columns), columns


def list_shard_servers(db: Session) -> list[tuple[str, dict[str, str] | None]]:
    """Return the shards by name, in the order of their ranges, each with its connection options (including the password).

    The options come from the foreign server and from our role's user mapping. They are None if our role has no mapping.
    """
    if db.get_bind().dialect.name == "sqlite":
        return []
    return [
        (name, None if mapping is None else dict(option.split("=", 1) for option in [*(server or ()), *mapping]))
        for name, server, mapping in db.connection().exec_driver_sql(_SHARD_SERVERS)
    ]


def _to_data_set(row: DataSetRow) -> DataSet:
    return DataSet(**{field.name: getattr(row, field.name) for field in fields(DataSet)})
