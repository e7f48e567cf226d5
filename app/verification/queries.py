"""SQL of verifications, sessions and opt-outs.

Statements that every verification executes are written in SQLAlchemy Core: the ORM's objects took longer than the database. The rest uses the ORM.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Row, Table, bindparam, delete, exists, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from app.db import Reader, as_utc, fetch, observe_version
from app.verification.models import OptOutRow, SessionRow, VerificationRow

_VERIFICATIONS, _SESSIONS, _OPT_OUTS = (
    cast("Table", model.__table__) for model in (VerificationRow, SessionRow, OptOutRow)
)
_INSERT_VERIFICATION, _INSERT_SESSION = insert(_VERIFICATIONS), insert(_SESSIONS)
_CONSUME_TRY = (
    update(_VERIFICATIONS)
    .where(_VERIFICATIONS.c.locator == bindparam("row_locator"))
    .values(tries_left=_VERIFICATIONS.c.tries_left - 1)
    .returning(_VERIFICATIONS)
)
# Returns one row in either case, so that the response time of a code request does not reveal an opt-out.
_IS_OPTED_OUT = select(
    exists().where(_OPT_OUTS.c.pseudonym == bindparam("pseudonym"), _OPT_OUTS.c.until > bindparam("now"))
)
_END_VERIFICATION = (
    update(_VERIFICATIONS).where(_VERIFICATIONS.c.locator == bindparam("row_locator")).values(ciphertext=None)
)
_DELETE_SESSION = (
    delete(_SESSIONS)
    .where(_SESSIONS.c.locator == bindparam("row_locator"))
    .returning(_SESSIONS.c.ciphertext, _SESSIONS.c.expires_at)
)
_SELECT_SESSION = """
SELECT sessions.ciphertext, sessions.expires_at, catalog_version.version
FROM sessions LEFT JOIN catalog_version ON catalog_version.id = 1 WHERE sessions.locator = %s
"""


def add_verification(db: Session, **columns: object) -> None:
    """Insert a verification."""
    db.connection().execute(_INSERT_VERIFICATION, columns)


def add_session(db: Session, locator: bytes, ciphertext: bytes, expires_at: datetime) -> None:
    """Insert a session."""
    db.connection().execute(_INSERT_SESSION, {"locator": locator, "ciphertext": ciphertext, "expires_at": expires_at})


def get_verification(db: Session, locator: bytes) -> VerificationRow | None:
    """Return a verification."""
    return db.get(VerificationRow, locator)


def get_verification_for_update(db: Session, locator: bytes) -> VerificationRow | None:
    """Return a verification and lock its row, so that concurrent changes are made one after the other."""
    return db.get(VerificationRow, locator, with_for_update=True)


def consume_try(db: Session, locator: bytes) -> Row[Any] | None:
    """Decrement `tries_left` and return the locked row; `tries_left` is negative if no try was left.

    The decrement is made in SQL, so that concurrent tries count separately.
    """
    return db.connection().execute(_CONSUME_TRY, {"row_locator": locator}).one_or_none()


def end_verification(db: Session, locator: bytes) -> None:
    """Erase a verification's destination, which marks it as ended."""
    db.connection().execute(_END_VERIFICATION, {"row_locator": locator})


def get_session(db: Reader, locator: bytes) -> tuple[bytes, datetime] | None:
    """Return a session's ciphertext and expiry. Observes the catalog version, which the caller needs next, in the same query."""
    for ciphertext, expires_at, version in fetch(db, _SELECT_SESSION, [locator]):
        observe_version(db, version)
        return ciphertext, as_utc(expires_at)
    return None


def delete_session(db: Session, locator: bytes) -> tuple[bytes, datetime] | None:
    """Delete a session; return its ciphertext and expiry. Of concurrent transactions that delete it, one gets them."""
    row = db.connection().execute(_DELETE_SESSION, {"row_locator": locator}).one_or_none()
    return None if row is None else (row.ciphertext, row.expires_at)


def is_opted_out(db: Session, pseudonym: bytes, now: datetime) -> bool:
    """Return whether a destination has opted out of codes."""
    return bool(db.connection().execute(_IS_OPTED_OUT, {"pseudonym": pseudonym, "now": now}).scalar_one())


def save_opt_outs(db: Session, pseudonyms: Iterable[bytes], until: datetime) -> None:
    """Store that destinations have opted out, or extend their opt-outs. Concurrent calls wait for each other, in one order so that none deadlocks."""
    insert_on_engine = sqlite.insert if db.get_bind().dialect.name == "sqlite" else postgresql.insert
    statement = insert_on_engine(_OPT_OUTS)
    statement = statement.on_conflict_do_update(index_elements=["pseudonym"], set_={"until": statement.excluded.until})
    for pseudonym in sorted(pseudonyms):
        db.connection().execute(statement, {"pseudonym": pseudonym, "until": until})


def erase_expired(db: Session, now: datetime, retention: timedelta) -> None:
    """Erase expired destinations, and delete expired sessions, opt-outs, and verifications that expired *retention* ago."""
    db.execute(
        update(VerificationRow)
        .where(VerificationRow.expires_at <= now, VerificationRow.ciphertext.is_not(None))
        .values(ciphertext=None)
    )
    db.execute(delete(VerificationRow).where(VerificationRow.expires_at <= now - retention))
    db.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
    db.execute(delete(OptOutRow).where(OptOutRow.until <= now))
