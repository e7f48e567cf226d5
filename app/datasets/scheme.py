"""The deployment's one scheme: read everywhere, fixed by the first import."""

from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.crypto.scheme import PROFILES, Cost, Scheme
from app.datasets import queries
from app.datasets.errors import NotNow
from app.datasets.models import SchemeRow

_MEANWHILE = "another import fixed the scheme meanwhile; run this one again"


def current(session: Session) -> Scheme | None:
    """Read the scheme; none while nothing was ever imported."""
    row = queries.scheme(session)
    return None if row is None else Scheme(row.salt, Cost(time=row.time_cost, memory_kib=row.memory_kib))


def choose(session: Session, profile: str | None) -> Scheme:
    """Give the scheme that an import is to use: the deployment's, or for the first one a new one of *profile*.

    Raises:
        NotNow: another profile than the deployment's was asked for.
    """
    scheme = current(session)
    if scheme is None:
        return Scheme.generate(PROFILES[profile or "default"])
    if profile is not None and PROFILES[profile] != scheme.cost:
        raise NotNow(
            f"--cost {profile} is not what the first import fixed "
            f"(t={scheme.cost.time}, {scheme.cost.memory_kib} KiB): one scheme serves all data sets"
        )
    return scheme


def fix(session: Session, scheme: Scheme, *, now: datetime) -> None:
    """Keep the scheme of the first import.

    Raises:
        NotNow: another import fixed another meanwhile.
    """
    fixed = current(session)
    if fixed is None:
        row = SchemeRow(
            id=1, salt=scheme.salt, time_cost=scheme.cost.time, memory_kib=scheme.cost.memory_kib, created_at=now
        )
        try:
            queries.add_scheme(session, row)
        except IntegrityError:  # as below, a moment later
            raise NotNow(_MEANWHILE) from None
    elif fixed != scheme:
        raise NotNow(_MEANWHILE)
