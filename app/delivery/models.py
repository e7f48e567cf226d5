"""The outbox in the database."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class OutboxRow(Base):
    """A message that waits to be sent; sealed, and deleted once it is delivered or has expired."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    due_at: Mapped[datetime] = mapped_column(index=True)
    expires_at: Mapped[datetime]
