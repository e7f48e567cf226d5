"""SQL of acknowledgements and receipts."""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple, cast
from uuid import UUID

from sqlalchemy import Table, insert
from sqlalchemy.orm import Session

from app.acknowledgements.models import AcknowledgementRow, ReceiptRow
from app.db import Reader, as_utc, fetch, observe_version


class StoredAcknowledgement(NamedTuple):
    """An acknowledgement joined with its receipt."""

    incident: str
    subject: bytes
    notice_version: int
    receipt_id: object
    """In the driver's own type."""
    acknowledged_at: datetime
    kid: str
    payload: bytes
    signature: bytes


class NewReceipt(NamedTuple):
    """A receipt to be inserted."""

    id: UUID
    kid: str
    payload: bytes
    signature: bytes
    acknowledged_at: datetime


_SELECT = """
SELECT a.incident, a.subject, a.notice_version, r.id, r.acknowledged_at, r.kid, r.payload, r.signature,
       (SELECT version FROM catalog_version WHERE id = 1)
FROM acknowledgements AS a JOIN receipts AS r ON r.id = a.receipt
WHERE a.incident IN ({incidents}) AND a.subject IN ({subjects}) ORDER BY r.acknowledged_at, r.id
"""
_INSERT_RECEIPT, _INSERT_ACKNOWLEDGEMENT = (
    insert(cast("Table", model.__table__)) for model in (ReceiptRow, AcknowledgementRow)
)


def list_for_subjects(db: Reader, subjects: Sequence[tuple[str, bytes]]) -> list[StoredAcknowledgement]:
    """Return all acknowledgements of some people, oldest first.

    Args:
        db: the reader.
        subjects: each with its incident, and encrypted. A subject belongs to one incident only.
    """
    if not subjects:
        return []
    incidents, ciphertexts = (sorted(set(column)) for column in zip(*subjects, strict=True))
    query = _SELECT.format(incidents=_placeholders(incidents), subjects=_placeholders(ciphertexts))
    acknowledgements = []
    for incident, subject, notice_version, receipt_id, acknowledged_at, kid, payload, signature, version in fetch(
        db, query, [*incidents, *ciphertexts]
    ):
        observe_version(db, version)
        acknowledgements.append(
            StoredAcknowledgement(
                incident, subject, notice_version, receipt_id, as_utc(acknowledged_at), kid, payload, signature
            )
        )
    return acknowledgements


def _placeholders(values: Sequence[object]) -> str:
    return ", ".join(["%s"] * len(values))


def add_receipt(
    db: Session, receipt: NewReceipt, incident: str, notice_version: int, subjects: Sequence[bytes]
) -> None:
    """Insert a receipt and an acknowledgement for each of its (encrypted) subjects.

    Written in SQLAlchemy Core, since the ORM is slower and this is part of every person's main path.

    Raises:
        IntegrityError: one of the subjects has acknowledged this version concurrently.
    """
    connection = db.connection()
    connection.execute(_INSERT_RECEIPT, receipt._asdict())
    acknowledgement = {"incident": incident, "notice_version": notice_version, "receipt": receipt.id}
    for subject in subjects:
        connection.execute(_INSERT_ACKNOWLEDGEMENT, acknowledgement | {"subject": subject})
