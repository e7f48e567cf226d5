"""Tables of incidents and notices."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base


class IncidentRow(Base):
    """One incident: the document without its notice."""

    __tablename__ = "incidents"

    slug: Mapped[str] = mapped_column(primary_key=True)
    document: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime]


class NoticeRow(Base):
    """One version of an incident's notice, in all languages. Never changed: acknowledgements refer to exactly this text."""

    __tablename__ = "notices"

    incident: Mapped[str] = mapped_column(ForeignKey("incidents.slug"), primary_key=True)
    version: Mapped[int] = mapped_column(primary_key=True)
    texts: Mapped[dict[str, Any]] = mapped_column(JSON)
    published_at: Mapped[datetime]
