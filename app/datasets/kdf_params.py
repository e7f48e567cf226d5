"""Key derivation parameters of the deployment, and the hasher of identifiers.

The first import stores the parameters together with a key check value of the pepper. Every later import and look-up uses them. A digest made with
another pepper would find nothing although every sentinel is intact, so no digest is made before the keyholder's pepper has been checked.
"""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.crypto import mac_inputs
from app.crypto.stretching import COST_PROFILES, Argon2Cost, KdfParams, parse_cost
from app.datasets import catalog_queries
from app.datasets.argon2_slots import Argon2Slots
from app.datasets.catalog_queries import StoredKdfParams
from app.datasets.errors import PepperMismatch, StateConflict
from app.datasets.models import KdfParamsRow
from app.db import Reader, VersionedCache
from app.identifiers import IdentifierKind
from app.keyholder import KeyholderClient

_WRONG_PEPPER = "the keyholder holds another pepper than at the first import"
_CONCURRENT_IMPORT = "another import stored different parameters meanwhile; run this one again"


def load_params(db: Session) -> KdfParams | None:
    """Return the stored parameters, or None if nothing was ever imported."""
    stored = catalog_queries.get_kdf_params(db)
    return None if stored is None else _to_params(stored)


def resolve_params(db: Session, cost: str | None) -> KdfParams:
    """Return the parameters for an import: the stored ones, or new ones of *cost* for the first import.

    Raises:
        InvalidInput: *cost* is not a valid cost.
        StateConflict: *cost* differs from the stored cost.
    """
    requested = None if cost is None else parse_cost(cost)
    params = load_params(db)
    if params is None:
        return KdfParams.generate(requested or COST_PROFILES["default"])
    if requested not in (None, params.cost):
        raise StateConflict(
            f"--cost {cost} is not what the first import fixed ({params.cost}): all data sets share one cost"
        )
    return params


def persist_or_verify(db: Session, params: KdfParams, check_value: bytes, *, now: datetime) -> None:
    """Store the parameters of the first import, or verify that a later import used the stored ones and the same pepper.

    Raises:
        StateConflict: a concurrent import stored different parameters.
        PepperMismatch: the keyholder holds another pepper than at the first import.
    """
    stored = catalog_queries.get_kdf_params(db)
    if stored is None:
        row = KdfParamsRow(
            id=1,
            salt=params.salt,
            time_cost=params.cost.passes,
            memory_kib=params.cost.memory_kib,
            check_value=check_value,
            created_at=now,
        )
        try:
            catalog_queries.insert_kdf_params(db, row)
        except IntegrityError:  # a concurrent import committed between the query and the insert
            raise StateConflict(_CONCURRENT_IMPORT) from None
    elif _to_params(stored) != params:
        raise StateConflict(_CONCURRENT_IMPORT)
    elif stored.check_value != check_value:
        raise PepperMismatch(_WRONG_PEPPER)


class IdentifierHasher:
    """Computes the digests of identifiers. Checks the pepper of each keyholder connection before it trusts a digest made with it.

    Args:
        keyholder: computes the MACs.
        slots: limit for concurrent Argon2id computations; None for a single-threaded caller.
    """

    def __init__(self, keyholder: KeyholderClient, slots: Argon2Slots | None = None) -> None:
        self._keyholder = keyholder
        self._slots = slots or Argon2Slots(1)
        self._params_cache = VersionedCache(catalog_queries.get_kdf_params)
        self._verified_connection: tuple[int, bytes] | None = None

    def digest(self, db: Reader, kind: IdentifierKind, canonical: str) -> bytes | None:
        """Compute the digest of an identifier in its canonical form.

        Returns:
            The digest; None if nothing was ever imported.

        Raises:
            PepperMismatch: the keyholder holds another pepper than at the first import.
            KeyholderUnavailable: the keyholder does not answer.
            HashingOverloaded: too many digests are being computed.
        """
        connection = self._keyholder.connection_id()
        stored = self._params_cache(db)
        if stored is not None:
            self._require_same_pepper(stored, connection)
        mac = self._keyholder.mac(mac_inputs.identifier_input(kind, canonical), connection_id=connection)
        if stored is None:
            return None
        with self._slots:
            return _to_params(stored).stretch(mac)

    def _require_same_pepper(self, stored: StoredKdfParams, connection: int) -> None:
        if self._verified_connection == (connection, stored.check_value):
            return
        mac = self._keyholder.mac(mac_inputs.kdf_params_input(stored.salt), connection_id=connection)
        with self._slots:
            check_value = _to_params(stored).derive_check_value(mac)
        if check_value != stored.check_value:
            raise PepperMismatch(_WRONG_PEPPER)
        self._verified_connection = (connection, stored.check_value)


def _to_params(stored: StoredKdfParams) -> KdfParams:
    return KdfParams(stored.salt, Argon2Cost(passes=stored.time_cost, memory_kib=stored.memory_kib))
