"""SQL of the outbox."""

from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, bindparam, delete, insert, select, update
from sqlalchemy.orm import Session

from app.delivery.models import OutboxRow

_OUTBOX = cast("Table", OutboxRow.__table__)
# Below the ORM, whose objects took longer than the database.
_ADD = insert(_OUTBOX)
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
    .values(due_at=bindparam("until"))
    .returning(_OUTBOX.c.id, _OUTBOX.c.sealed)
)
_REMOVE = delete(_OUTBOX).where(_OUTBOX.c.id == bindparam("number"))


def add(db: Session, sealed: bytes, due_at: datetime, expires_at: datetime) -> None:
    """Keep a message."""
    db.connection().execute(_ADD, {"sealed": sealed, "due_at": due_at, "expires_at": expires_at})


def any_due(db: Session, now: datetime) -> bool:
    """Whether a message waits; a read, so that an idle worker takes no lock."""
    return db.scalar(select(OutboxRow.id).where(OutboxRow.due_at <= now).limit(1)) is not None


def claim(db: Session, now: datetime, until: datetime) -> tuple[int, bytes] | None:
    """Take the message that is due longest, out of other workers' sight *until* then; gives its number and what is sealed."""
    row = db.connection().execute(_CLAIM, {"now": now, "until": until}).one_or_none()
    return None if row is None else (row.id, row.sealed)


def remove(db: Session, number: int) -> None:
    """Forget a message that was delivered."""
    db.connection().execute(_REMOVE, {"number": number})


def remove_expired(db: Session, now: datetime) -> Sequence[bytes]:
    """Forget the messages whose code is no longer good; gives what was sealed of them."""
    return db.scalars(delete(OutboxRow).where(OutboxRow.expires_at <= now).returning(OutboxRow.sealed)).all()
