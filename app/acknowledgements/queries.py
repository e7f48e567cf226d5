"""SQL of acknowledgements and receipts."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from app.acknowledgements.models import AcknowledgementRow, ReceiptRow
from app.db import Reader, fetch, as_utc, observe_version


class StoredAcknowledgement(NamedTuple):
    """An acknowledgement with its receipt."""

    incident: str
    subject: bytes
    notice_version: int
    receipt: object
    """The receipt's id, as the driver has it."""
    at: datetime
    kid: str
    payload: bytes
    signature: bytes


class NewReceipt(NamedTuple):
    """A receipt that is handed out now."""

    id: UUID
    kid: str
    payload: bytes
    signature: bytes
    acknowledged_at: datetime


_KEPT = """
SELECT a.incident, a.subject, a.notice_version, r.id, r.acknowledged_at, r.kid, r.payload, r.signature,
       (SELECT name FROM edition WHERE id = 1)
FROM acknowledgements AS a JOIN receipts AS r ON r.id = a.receipt
WHERE a.incident IN ({incidents}) AND a.subject IN ({subjects}) ORDER BY r.acknowledged_at, r.id
"""


def of_subjects(db: Reader, people: Sequence[tuple[str, bytes]]) -> list[StoredAcknowledgement]:
    """All acknowledgements of some people (incident, cloaked subject), oldest first. A subject is of one incident only."""
    if not people:
        return []
    incidents, subjects = (sorted(set(column)) for column in zip(*people, strict=True))
    query = _KEPT.format(incidents=_places(incidents), subjects=_places(subjects))
    kept = []
    for incident, subject, version, receipt, at, kid, payload, signature, edition in fetch(
        db, query, [*incidents, *subjects]
    ):
        observe_version(db, edition)
        kept.append(StoredAcknowledgement(incident, subject, version, receipt, as_utc(at), kid, payload, signature))
    return kept


def _places(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


_RECEIPT, _ACKNOWLEDGEMENT = (insert(cast("Table", model.__table__)) for model in (ReceiptRow, AcknowledgementRow))


def add(db: Session, receipt: NewReceipt, incident: str, notice_version: int, subjects: Sequence[bytes]) -> None:
    """Append a receipt and whom it is about (cloaked); below the ORM, as what every journey does.

    Raises:
        IntegrityError: one of them has acknowledged this version meanwhile.
    """
    connection = db.connection()
    connection.execute(_RECEIPT, receipt._asdict())
    about = {"incident": incident, "notice_version": notice_version, "receipt": receipt.id}
    for subject in subjects:
        connection.execute(_ACKNOWLEDGEMENT, about | {"subject": subject})
