"""The table of the outbox."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class OutboxRow(Base):
    """An encrypted message waiting to be sent. Deleted once delivered or expired."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    due_at: Mapped[datetime] = mapped_column(index=True)
    """When to send it. Moved into the future while a worker holds the lease."""
    expires_at: Mapped[datetime]
