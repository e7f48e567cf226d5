"""SQL of the outbox."""

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.delivery.models import OutboxRow


def add(session: Session, row: OutboxRow) -> None:
    """Keep a message."""
    session.add(row)


def any_due(session: Session, now: datetime) -> bool:
    """Whether a message waits; a read, so that an idle worker takes no lock."""
    return session.scalar(select(OutboxRow.id).where(OutboxRow.due_at <= now).limit(1)) is not None


def claim(session: Session, now: datetime, until: datetime) -> OutboxRow | None:
    """Take the message that is due longest, out of other workers' sight *until* then."""
    row = session.scalars(
        select(OutboxRow)
        .where(OutboxRow.due_at <= now)
        .order_by(OutboxRow.due_at, OutboxRow.id)
        .limit(1)
        .with_for_update(skip_locked=True)
    ).one_or_none()
    if row is not None:
        row.due_at = until
    return row


def remove(session: Session, number: int) -> None:
    """Forget a message that was delivered."""
    session.execute(delete(OutboxRow).where(OutboxRow.id == number))


def remove_expired(session: Session, now: datetime) -> None:
    """Forget the messages whose code is no longer good."""
    session.execute(delete(OutboxRow).where(OutboxRow.expires_at <= now))
