"""SQL of verifications and sessions."""

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Row, Table, bindparam, delete, exists, insert, select, update
from sqlalchemy.orm import Session

from app.db import Reader, fetch, as_utc, observe_version
from app.verification.models import SessionRow, OptOutRow, VerificationRow

_VERIFICATIONS, _SESSIONS, _STOPS = (cast("Table", model.__table__) for model in (VerificationRow, SessionRow, OptOutRow))
# What every journey does is written below the ORM, whose objects took longer than the database. The rest is the ORM's.
_ADD, _OPEN = insert(_VERIFICATIONS), insert(_SESSIONS)
_TAKE_TRY = (
    update(_VERIFICATIONS)
    .where(_VERIFICATIONS.c.locator == bindparam("place"))
    .values(tries_left=_VERIFICATIONS.c.tries_left - 1)
    .returning(_VERIFICATIONS)
)
# One row whether it is so or not: who asks for a code must not be told by the time that reading one takes.
_STOPPED = select(exists().where(_STOPS.c.target == bindparam("target"), _STOPS.c.until > bindparam("now")))
_END = update(_VERIFICATIONS).where(_VERIFICATIONS.c.locator == bindparam("place")).values(target=None)


def add(db: Session, **columns: object) -> None:
    """Keep a new verification."""
    db.connection().execute(_ADD, columns)


def add_session(db: Session, locator: bytes, sealed: bytes, expires_at: datetime) -> None:
    """Keep a new session."""
    db.connection().execute(_OPEN, {"locator": locator, "sealed": sealed, "expires_at": expires_at})


def look(db: Session, locator: bytes) -> VerificationRow | None:
    """Find a verification."""
    return db.get(VerificationRow, locator)


def hold(db: Session, locator: bytes) -> VerificationRow | None:
    """Find a verification, and hold it: two parallel tries come one after the other."""
    return db.get(VerificationRow, locator, with_for_update=True)


def take_try(db: Session, locator: bytes) -> Row[Any] | None:
    """Do as `hold`, and count one try in SQL, so that no two are one; `tries_left` is below zero where there was none."""
    return db.connection().execute(_TAKE_TRY, {"place": locator}).one_or_none()


def end(db: Session, locator: bytes) -> None:
    """Erase a verification's target, which ends it."""
    db.connection().execute(_END, {"place": locator})


_SESSION = """
SELECT sessions.sealed, sessions.expires_at, edition.name
FROM sessions LEFT JOIN edition ON edition.id = 1 WHERE sessions.locator = %s
"""


def session_row(db: Reader, locator: bytes) -> tuple[bytes, datetime] | None:
    """Find what is sealed of a session, and when it ends. Brings the snapshot's edition along, since the answer asks for it next."""
    for sealed, expires_at, edition in fetch(db, _SESSION, [locator]):
        observe_version(db, edition)
        return sealed, as_utc(expires_at)
    return None


def locked_session(db: Session, locator: bytes) -> SessionRow | None:
    """Find a session, and hold it."""
    return db.get(SessionRow, locator, with_for_update=True)


def remove_session(db: Session, locator: bytes) -> None:
    """End a session."""
    db.execute(delete(SessionRow).where(SessionRow.locator == locator))


def is_stopped(db: Session, destination: bytes, now: datetime) -> bool:
    """Say whether a target wants no codes."""
    return bool(db.connection().execute(_STOPPED, {"target": destination, "now": now}).scalar_one())


def stop(db: Session, destination: bytes, until: datetime) -> None:
    """Remember that a target wants no codes *until* then."""
    db.merge(OptOutRow(target=destination, until=until))


def erase_expired(db: Session, now: datetime, keep: timedelta) -> None:
    """Erase the targets of verifications that expired, and forget those, and the sessions, whose time is long over."""
    db.execute(
        update(VerificationRow)
        .where(VerificationRow.expires_at <= now, VerificationRow.target.is_not(None))
        .values(target=None)
    )
    db.execute(delete(VerificationRow).where(VerificationRow.expires_at <= now - keep))
    db.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
    db.execute(delete(OptOutRow).where(OptOutRow.until <= now))
