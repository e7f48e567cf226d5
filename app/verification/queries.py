"""SQL of verifications and sessions."""

from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import delete, update
from sqlalchemy.orm import Session

from app.db import Reader, fetch, moment, note_edition
from app.verification.models import SessionRow, VerificationRow


def add(session: Session, row: VerificationRow | SessionRow) -> None:
    """Keep a new one."""
    session.add(row)


def verification(session: Session, number: UUID) -> VerificationRow | None:
    """Find a verification, and hold it: two parallel tries come one after the other."""
    return session.get(VerificationRow, number, with_for_update=True, populate_existing=True)


def take_try(session: Session, number: UUID) -> int | None:
    """Count one try in SQL, so that no two are one; gives how many are left, or None where there was none."""
    return session.scalar(
        update(VerificationRow)
        .where(VerificationRow.id == number, VerificationRow.tries_left > 0)
        .values(tries_left=VerificationRow.tries_left - 1)
        .returning(VerificationRow.tries_left)
    )


_SESSION = """
SELECT sessions.sealed, sessions.expires_at, edition.name
FROM sessions LEFT JOIN edition ON edition.id = 1 WHERE sessions.locator = %s
"""


def session_row(session: Reader, locator: bytes) -> tuple[bytes, datetime] | None:
    """Find what is sealed of a session, and when it ends. Brings the snapshot's edition along, since the answer asks for it next."""
    for sealed, expires_at, edition in fetch(session, _SESSION, [locator]):
        note_edition(session, edition)
        return sealed, moment(expires_at)
    return None


def locked_session(session: Session, locator: bytes) -> SessionRow | None:
    """Find a session, and hold it."""
    return session.get(SessionRow, locator, with_for_update=True)


def remove_session(session: Session, locator: bytes) -> None:
    """End a session."""
    session.execute(delete(SessionRow).where(SessionRow.locator == locator))


def erase_expired(session: Session, now: datetime, keep: timedelta) -> None:
    """Erase the targets of verifications that expired, and forget those, and the sessions, whose time is long over."""
    session.execute(
        update(VerificationRow)
        .where(VerificationRow.expires_at <= now, VerificationRow.target.is_not(None))
        .values(target=None)
    )
    session.execute(delete(VerificationRow).where(VerificationRow.expires_at <= now - keep))
    session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))
