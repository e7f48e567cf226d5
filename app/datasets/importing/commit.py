"""What makes a loaded data set be there: the rows that vouch for its shards, and the row that says what it is, with its signed manifest."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.crypto.mac_inputs import TAG_BYTES
from app.crypto.keys import SigningKey
from app.datasets import catalog_queries
from app.datasets import kdf_params
from app.datasets.canary_index import seal_canaries
from app.datasets.importing.context import ImportContext
from app.datasets.importing.seal_result import Sealed
from app.datasets.manifest import RowMultisetHash, Manifest
from app.datasets.models import DataSetRow
from app.datasets.shard_ranges import find_sentinels
from app.datasets.record import Sentinel, encode
from app.datasets.cohort_counts import seal_cohort_counts
from app.datasets.lifecycle import DataSetKind
from app.incidents import lock_incident


def sentinel_rows(context: ImportContext, mac: bytes, shard_count: int) -> tuple[bytes, ...]:
    """Make the rows that vouch for the data set's shards, as the seal stage makes those of people.

    Args:
        plan: of the import.
        mac: the keyholder's answer on the data set's sentinel.
        shard_count: how many there are.
    """
    sealer, content = context.create_sealer(), encode(Sentinel(tuple(context.cohorts)))
    places = find_sentinels(context.scheme.stretch(mac), sealer, shard_count)
    return tuple(stored + bytes(TAG_BYTES) + sealer.record_sealer.seal(place, content) for place, stored in places)


def add_data_set(
    session: Session,
    context: ImportContext,
    account: RowMultisetHash,
    sealed: Sealed,
    *,
    signing: SigningKey,
    kind: DataSetKind,
    shard_count: int,
    synthetic: bool,
    canaries: Sequence[str],
    now: datetime,
) -> None:
    """Make the loaded data set be there, and fix the scheme where it is the first.

    Raises:
        StateConflict: another import has fixed another scheme meanwhile.
        PepperMismatch: the scheme was fixed under another.
    """
    lock_incident(session, context.incident)  # so that two imports do not take one version
    kdf_params.persist_or_verify(session, context.scheme, context.scheme.derive_check_value(sealed.vouching[1]), now=now)
    key = context.keys.load_store_key(context.key_id)
    manifest = Manifest.create(
        account,
        key,
        dataset=context.dataset,
        incident=context.incident,
        kind=kind,
        hints=context.hints,
        people=sealed.people,
    )
    payload, signature = manifest.sign(signing)
    catalog_queries.insert_data_set(
        session,
        DataSetRow(
            id=context.dataset,
            incident=context.incident,
            version=catalog_queries.next_version_number(session, context.incident),
            kind=kind,
            state="staged",
            key_id=context.key_id,
            synthetic=synthetic,
            rows=manifest.rows,
            people=manifest.people,
            manifest=payload,
            signature=signature,
            cohort_counts=seal_cohort_counts(sealed.tallies, key, context.dataset),
            imported_at=now,
            published_at=None,
            sequence=None,
            base_id=None,
            shard_count=shard_count,
            canaries=seal_canaries(canaries, key, context.dataset),
        ),
    )
