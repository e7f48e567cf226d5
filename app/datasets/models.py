"""Data sets and the deployment's scheme in the database. The sealed rows themselves lie in one table per data set: see `app.datasets.sealed_rows`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.datasets.lifecycle import DataSetKind, State
from app.db import Base


class KdfParamsRow(Base):
    """Salt and cost of Argon2id: one row, fixed by the first import."""

    __tablename__ = "scheme"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    time_cost: Mapped[int]
    memory_kib: Mapped[int]
    vouch: Mapped[bytes] = mapped_column(LargeBinary)
    """The mark of the pepper under which everything is sealed."""
    created_at: Mapped[datetime]


class DataSetRow(Base):
    """One import for an incident."""

    __tablename__ = "data_sets"
    __table_args__ = (UniqueConstraint("incident", "version"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    incident: Mapped[str] = mapped_column(ForeignKey("incidents.slug"))
    version: Mapped[int]
    kind: Mapped[DataSetKind] = mapped_column(String)
    state: Mapped[State] = mapped_column(String)
    key_id: Mapped[str]
    synthetic: Mapped[bool]
    rows: Mapped[int]
    people: Mapped[int]
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    tallies: Mapped[bytes | None] = mapped_column(LargeBinary)
    """People by cohort and item, sealed; none where the import did not count them yet."""
    imported_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    sequence: Mapped[int | None]
    """Order of publication in the incident; none while nobody may see it."""
    beside: Mapped[UUID | None] = mapped_column(Uuid)
    """The full set that a supplement was published beside."""
    canaries: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """The identifiers that were planted, sealed; none where the import could not plant any yet, or it is retired."""
    ranges: Mapped[int] = mapped_column(server_default="1")
    """Into how many its stored locators are divided, each with a sentinel of its own: as many as servers hold its rows."""
