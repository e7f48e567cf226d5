"""SQL of the outbox.

Frequent statements are written in SQLAlchemy Core: the ORM's objects took longer than the database.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from app.delivery.models import OutboxRow

_OUTBOX = cast("Table", OutboxRow.__table__)
_INSERT = insert(_OUTBOX)
_CLAIM = (
    update(_OUTBOX)
    .where(
        _OUTBOX.c.id
        == select(_OUTBOX.c.id)
        .where(_OUTBOX.c.due_at <= bindparam("now"), _OUTBOX.c.expires_at > bindparam("now"))
        .order_by(_OUTBOX.c.due_at, _OUTBOX.c.id)
        .limit(1)
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    .values(due_at=bindparam("lease_until"))
    .returning(_OUTBOX.c.id, _OUTBOX.c.ciphertext)
)
_DELETE = delete(_OUTBOX).where(_OUTBOX.c.id == bindparam("message_id"))


def add_message(db: Session, ciphertext: bytes, due_at: datetime, expires_at: datetime) -> None:
    """Insert a message."""
    db.connection().execute(_INSERT, {"ciphertext": ciphertext, "due_at": due_at, "expires_at": expires_at})


def has_due(db: Session, now: datetime) -> bool:
    """Return whether a message is due. A read, so that idle workers take no lock."""
    return db.scalar(select(OutboxRow.id).where(OutboxRow.due_at <= now).limit(1)) is not None


def claim_due(db: Session, now: datetime, lease_until: datetime) -> tuple[int, bytes] | None:
    """Lease the message that has been due longest, hiding it from other workers until *lease_until*; return its id and ciphertext."""
    row = db.connection().execute(_CLAIM, {"now": now, "lease_until": lease_until}).one_or_none()
    return None if row is None else (row.id, row.ciphertext)


def delete_message(db: Session, message_id: int) -> None:
    """Delete a delivered message."""
    db.connection().execute(_DELETE, {"message_id": message_id})


def delete_expired(db: Session, now: datetime) -> Sequence[bytes]:
    """Delete the messages whose code has expired; return their ciphertexts."""
    return db.scalars(delete(OutboxRow).where(OutboxRow.expires_at <= now).returning(OutboxRow.ciphertext)).all()
