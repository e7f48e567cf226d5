"""The deployment's one scheme: read everywhere, fixed by the first import, together with the mark of the pepper that it was made under.

A digest made under another pepper would find nothing, with every sentinel in order: so none is made before the keyholder has shown the mark.
"""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.crypto import mac_inputs
from app.crypto.stretching import COST_PROFILES, Argon2Cost, KdfParams, parse_cost
from app.datasets import sealed_rows
from app.datasets.errors import StateConflict, PepperMismatch
from app.datasets.models import KdfParamsRow
from app.datasets.sealed_rows import FixedScheme
from app.datasets.argon2_slots import Argon2Slots
from app.db import Reader, VersionedCache
from app.identifiers import IdentifierKind
from app.keyholder import KeyholderClient

_OTHER_PEPPER = "the keyholder holds another pepper than at the first import"
_MEANWHILE = "another import fixed the scheme meanwhile; run this one again"


def current(session: Session) -> KdfParams | None:
    """Read the scheme; none while nothing was ever imported."""
    row = sealed_rows.scheme(session)
    return None if row is None else _scheme(row)


def choose(session: Session, cost: str | None) -> KdfParams:
    """Give the scheme that an import is to use: the deployment's, or for the first one a new one of *cost*.

    Raises:
        InvalidInput: there is no such cost.
        StateConflict: another cost than the deployment's was asked for.
    """
    asked = None if cost is None else parse_cost(cost)
    scheme = current(session)
    if scheme is None:
        return KdfParams.generate(asked or COST_PROFILES["default"])
    if asked not in (None, scheme.cost):
        raise StateConflict(
            f"--cost {cost} is not what the first import fixed ({scheme.cost}): one scheme serves all data sets"
        )
    return scheme


def fix(session: Session, scheme: KdfParams, vouch: bytes, *, now: datetime) -> None:
    """Keep the scheme of the first import, or see that this one is of the same pepper.

    Raises:
        StateConflict: another import fixed another meanwhile.
        PepperMismatch: the keyholder holds another pepper than at the first import.
    """
    fixed = sealed_rows.scheme(session)
    if fixed is None:
        row = KdfParamsRow(
            id=1,
            salt=scheme.salt,
            time_cost=scheme.cost.passes,
            memory_kib=scheme.cost.memory_kib,
            vouch=vouch,
            created_at=now,
        )
        try:
            sealed_rows.add_scheme(session, row)
        except IntegrityError:  # as below, a moment later
            raise StateConflict(_MEANWHILE) from None
    elif _scheme(fixed) != scheme:
        raise StateConflict(_MEANWHILE)
    elif fixed.vouch != vouch:
        raise PepperMismatch(_OTHER_PEPPER)


class IdentifierHasher:
    """Makes the digests of identifiers, at a keyholder that has shown the mark on the same connection."""

    def __init__(self, keyholder: KeyholderClient, turns: Argon2Slots | None = None) -> None:
        """Know whom to ask.

        Args:
            keyholder: answers on identifiers and on the mark.
            turns: at Argon2id; None where nobody else is at it.
        """
        self._keyholder = keyholder
        self._turns = turns or Argon2Slots(1)
        self._scheme = VersionedCache(sealed_rows.scheme)
        self._shown: tuple[int, bytes] | None = None

    def digest(self, session: Reader, kind: IdentifierKind, canonical: str) -> bytes | None:
        """Digest an identifier in its canonical form.

        Returns:
            The digest; None while nothing was ever imported.

        Raises:
            PepperMismatch: the keyholder holds another pepper than at the first import.
            KeyholderUnavailable: it does not answer.
            Crowded: too many digests are being made.
        """
        connection = self._keyholder.connection_id()
        row = self._scheme(session)
        if row is not None:
            self._require_mark(row, connection)
        mac = self._keyholder.mac(mac_inputs.identifier_input(kind, canonical), connection_id=connection)
        if row is None:
            return None
        with self._turns:
            return _scheme(row).stretch(mac)

    def _require_mark(self, row: FixedScheme, connection: int) -> None:
        if self._shown == (connection, row.vouch):
            return
        mac = self._keyholder.mac(mac_inputs.kdf_params_input(row.salt), connection_id=connection)
        with self._turns:
            vouch = _scheme(row).derive_check_value(mac)
        if vouch != row.vouch:
            raise PepperMismatch(_OTHER_PEPPER)
        self._shown = (connection, row.vouch)


def _scheme(row: FixedScheme) -> KdfParams:
    return KdfParams(row.salt, Argon2Cost(passes=row.time_cost, memory_kib=row.memory_kib))
