"""SQL of acknowledgements and receipts."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.acknowledgements.models import AcknowledgementRow, ReceiptRow


class Kept(NamedTuple):
    """An acknowledgement with its receipt."""

    incident: str
    subject: bytes
    notice_version: int
    receipt: UUID
    at: datetime
    kid: str
    payload: bytes
    signature: bytes


_KEPT = (
    select(
        AcknowledgementRow.incident,
        AcknowledgementRow.subject,
        AcknowledgementRow.notice_version,
        ReceiptRow.id,
        ReceiptRow.acknowledged_at,
        ReceiptRow.kid,
        ReceiptRow.payload,
        ReceiptRow.signature,
    )
    .join(ReceiptRow, ReceiptRow.id == AcknowledgementRow.receipt)
    .where(
        AcknowledgementRow.incident.in_(bindparam("incidents", expanding=True)),
        AcknowledgementRow.subject.in_(bindparam("subjects", expanding=True)),
    )
    .order_by(ReceiptRow.acknowledged_at, ReceiptRow.id)
)


def of_subjects(session: Session, people: Sequence[tuple[str, bytes]]) -> list[Kept]:
    """All acknowledgements of some people (incident, cloaked subject), oldest first. A subject is of one incident only."""
    if not people:
        return []
    incidents, subjects = (sorted(set(column)) for column in zip(*people, strict=True))
    found = session.connection().execute(_KEPT, {"incidents": incidents, "subjects": subjects})
    return [Kept._make(row) for row in found]


def add(session: Session, receipt: ReceiptRow, people: Sequence[AcknowledgementRow]) -> None:
    """Append a receipt and whom it is about.

    Raises:
        IntegrityError: one of them has acknowledged this version meanwhile.
    """
    session.add(receipt)
    session.flush()
    session.add_all(people)
    session.flush()
