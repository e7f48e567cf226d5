"""Tables of verifications, sessions and opt-outs. They hold no identifier, code or token in a form that can be tested without its key."""

from datetime import datetime

from sqlalchemy import LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class VerificationRow(Base):
    """A requested one-time code."""

    __tablename__ = "verifications"

    locator: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """Derived from the verification's id and the client secret: a row is found only with both, and a wrong id looks like a wrong secret."""
    ciphertext: Mapped[bytes | None] = mapped_column(LargeBinary)
    """The destination, encrypted under the client secret. Erased when the verification ends: NULL means ended."""
    code_mac: Mapped[bytes] = mapped_column(LargeBinary)
    """MAC of the code under the application key; random bytes if the code was not sent."""
    tries_left: Mapped[int]
    resends_left: Mapped[int]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class SessionRow(Base):
    """A session, encrypted under its own token, so that the table alone reveals nothing."""

    __tablename__ = "sessions"

    locator: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """Derived from the token."""
    ciphertext: Mapped[bytes] = mapped_column(LargeBinary)
    expires_at: Mapped[datetime] = mapped_column(index=True)


class OptOutRow(Base):
    """A destination to which no codes are sent, at its owner's request."""

    __tablename__ = "opt_outs"

    pseudonym: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    """See `app.verification.pseudonyms`: it takes the application key and the pepper to test one."""
    until: Mapped[datetime] = mapped_column(index=True)
