"""Verifications and sessions in the database. Neither holds an identifier, a code or a token in any form that can be tested without its key."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class VerificationRow(Base):
    """A one-time code that was asked for."""

    __tablename__ = "verifications"

    locator: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """What number and client secret expand to: who does not hold both, holds no verification, and nobody is told which one was wrong."""
    destination: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The identifier, sealed under the client secret. It is erased when the verification ends, which is how one knows that it has."""
    code: Mapped[bytes] = mapped_column(LargeBinary)
    """Keyed by the application secret."""
    tries_left: Mapped[int]
    resends_left: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SessionRow(Base):
    """A session, sealed under its own token: the table opens nothing."""

    __tablename__ = "sessions"

    locator: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    sealed: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class OptOutRow(Base):
    """A target that wants no codes."""

    __tablename__ = "stops"

    destination: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """Its name, keyed by the application secret."""
    until: Mapped[datetime] = mapped_column(index=True)
