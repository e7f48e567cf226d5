"""Tables of acknowledgements and receipts. Subjects are stored encrypted only, under a subkey of the application key."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, ForeignKeyConstraint, LargeBinary, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class ReceiptRow(Base):
    """A receipt as issued; never changed."""

    __tablename__ = "receipts"

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    kid: Mapped[str]
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    acknowledged_at: Mapped[datetime]


class AcknowledgementRow(Base):
    """One person has read one version of one notice."""

    __tablename__ = "acknowledgements"
    __table_args__ = (ForeignKeyConstraint(["incident", "notice_version"], ["notices.incident", "notices.version"]),)

    incident: Mapped[str] = mapped_column(primary_key=True)
    subject: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """Encrypted."""
    notice_version: Mapped[int] = mapped_column(primary_key=True)
    receipt: Mapped[UUID] = mapped_column(Uuid, ForeignKey("receipts.id"))
