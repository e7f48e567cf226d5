"""SQL of acknowledgements and receipts."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.acknowledgements.models import AcknowledgementRow, ReceiptRow


class Kept(NamedTuple):
    """An acknowledgement with its receipt."""

    incident: str
    subject: bytes
    notice_version: int
    receipt: ReceiptRow

    @property
    def at(self) -> datetime:
        """When it was given."""
        return self.receipt.acknowledged_at


def of_subjects(session: Session, people: Sequence[tuple[str, bytes]]) -> list[Kept]:
    """All acknowledgements of some people (incident, cloaked subject), oldest first."""
    if not people:
        return []
    own = or_(
        *(
            and_(AcknowledgementRow.incident == incident, AcknowledgementRow.subject == subject)
            for incident, subject in people
        )
    )
    query = (
        select(AcknowledgementRow, ReceiptRow)
        .join(ReceiptRow, ReceiptRow.id == AcknowledgementRow.receipt)
        .where(own)
        .order_by(ReceiptRow.acknowledged_at, ReceiptRow.id)
    )
    return [Kept(row.incident, row.subject, row.notice_version, receipt) for row, receipt in session.execute(query)]


def add(session: Session, receipt: ReceiptRow, people: Sequence[AcknowledgementRow]) -> None:
    """Append a receipt and whom it is about.

    Raises:
        IntegrityError: one of them has acknowledged this version meanwhile.
    """
    session.add(receipt)
    session.flush()
    session.add_all(people)
    session.flush()
