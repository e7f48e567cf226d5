"""What makes a loaded data set be there: the rows that vouch for its ranges, and the row that says what it is, with its signed manifest."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.crypto.mac_inputs import TAG_BYTES
from app.crypto.keys import SigningKey
from app.datasets import queries, scheme
from app.datasets.canaries import seal_note
from app.datasets.importing.plan import Plan
from app.datasets.importing.sealed import Sealed
from app.datasets.manifest import Account, Manifest
from app.datasets.models import DataSetRow
from app.datasets.ranges import sentinels
from app.datasets.record import Sentinel, encode
from app.datasets.tallies import seal_tallies
from app.datasets.versions import SetKind
from app.incidents import lock_incident


def sentinel_rows(plan: Plan, mac: bytes, ranges: int) -> tuple[bytes, ...]:
    """Make the rows that vouch for the data set's ranges, as the seal stage makes those of people.

    Args:
        plan: of the import.
        mac: the keyholder's answer on the data set's sentinel.
        ranges: how many there are.
    """
    sealer, content = plan.sealer(), encode(Sentinel(tuple(plan.cohorts)))
    places = sentinels(plan.scheme.stretch(mac), sealer, ranges)
    return tuple(stored + bytes(TAG_BYTES) + sealer.record_sealer.seal(place, content) for place, stored in places)


def add_data_set(
    session: Session,
    plan: Plan,
    account: Account,
    sealed: Sealed,
    *,
    signing: SigningKey,
    kind: SetKind,
    ranges: int,
    synthetic: bool,
    canaries: Sequence[str],
    now: datetime,
) -> None:
    """Make the loaded data set be there, and fix the scheme where it is the first.

    Raises:
        NotNow: another import has fixed another scheme meanwhile.
        OtherPepper: the scheme was fixed under another.
    """
    lock_incident(session, plan.incident)  # so that two imports do not take one version
    scheme.fix(session, plan.scheme, plan.scheme.derive_check_value(sealed.vouching[1]), now=now)
    key = plan.keys.load_store_key(plan.key_id)
    manifest = Manifest.of(
        account,
        key,
        dataset=plan.dataset,
        incident=plan.incident,
        kind=kind,
        hints=plan.hints,
        people=sealed.people,
    )
    payload, signature = manifest.sign(signing)
    queries.add_data_set(
        session,
        DataSetRow(
            id=plan.dataset,
            incident=plan.incident,
            version=queries.next_version(session, plan.incident),
            kind=kind,
            state="staged",
            key_id=plan.key_id,
            synthetic=synthetic,
            rows=manifest.rows,
            people=manifest.people,
            manifest=payload,
            signature=signature,
            tallies=seal_tallies(sealed.tallies, key, plan.dataset),
            imported_at=now,
            published_at=None,
            sequence=None,
            beside=None,
            ranges=ranges,
            canaries=seal_note(canaries, key, plan.dataset),
        ),
    )
