"""The rows that complete a loaded data set: the sentinels of its shards, and its catalogue row with the signed manifest."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.crypto.keys import SigningKey
from app.crypto.mac_inputs import TAG_BYTES
from app.datasets import catalog_queries, kdf_params
from app.datasets.canary_index import seal_canaries
from app.datasets.cohort_counts import seal_cohort_counts
from app.datasets.lifecycle import DataSetKind
from app.datasets.manifest import Manifest, RowMultisetHash
from app.datasets.models import DataSetRow
from app.datasets.record import Sentinel, encode
from app.datasets.shard_ranges import find_sentinels
from app.datasets.signed_catalog import signed_change
from app.importing.context import ImportContext
from app.importing.seal_result import SealResult
from app.incidents.service import lock_incident


def build_sentinel_rows(context: ImportContext, sentinel_mac: bytes, shard_count: int) -> tuple[bytes, ...]:
    """Build the sentinel row of each shard, in the form that the seal stage gives to people's rows.

    Args:
        context: of the import.
        sentinel_mac: the keyholder's MAC of the data set's sentinel.
        shard_count: number of shards.
    """
    sealer, content = context.create_sealer(), encode(Sentinel(tuple(context.cohort_indexes)))
    places = find_sentinels(context.kdf_params.stretch(sentinel_mac), sealer, shard_count)
    return tuple(stored + bytes(TAG_BYTES) + sealer.record_sealer.seal(keys, content) for keys, stored in places)


def commit_data_set(
    db: Session,
    context: ImportContext,
    account: RowMultisetHash,
    result: SealResult,
    *,
    signing: SigningKey,
    kind: DataSetKind,
    shard_count: int,
    synthetic: bool,
    canaries: Sequence[str],
    now: datetime,
) -> None:
    """Add the loaded data set to the catalogue, and sign the catalogue. The first import also fixes the deployment's KDF parameters.

    Raises:
        StateConflict: the catalogue was changed without the signing key.
        StateConflict: another import fixed other KDF parameters in the meantime.
        PepperMismatch: the KDF parameters were fixed under another pepper.
    """
    with signed_change(db, signing, now=now):
        lock_incident(db, context.incident)  # two imports must not get the same version
        check_value = context.kdf_params.derive_check_value(result.keyholder_check.kdf_params_mac)
        kdf_params.persist_or_verify(db, context.kdf_params, check_value, now=now)
        key = context.keys.load_store_key(context.key_id)
        manifest = Manifest.create(
            account,
            key,
            dataset=context.dataset,
            incident=context.incident,
            kind=kind,
            hints=context.has_hints,
            people=result.people,
        )
        payload, signature = manifest.sign(signing)
        catalog_queries.insert_data_set(
            db,
            DataSetRow(
                id=context.dataset,
                incident=context.incident,
                version=catalog_queries.next_version_number(db, context.incident),
                kind=kind,
                state="staged",
                key_id=context.key_id,
                synthetic=synthetic,
                rows=manifest.rows,
                people=manifest.people,
                manifest=payload,
                signature=signature,
                cohort_counts=seal_cohort_counts(result.cohort_counts, key, context.dataset),
                imported_at=now,
                published_at=None,
                sequence=None,
                base_id=None,
                shard_count=shard_count,
                canaries=seal_canaries(canaries, key, context.dataset),
            ),
        )
