"""Database tables of data sets and of the key derivation parameters. The sealed rows are in one table for each data set: `sealed_rows`."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ForeignKey, LargeBinary, String, UniqueConstraint, Uuid
from sqlalchemy.orm import Mapped, mapped_column

from app.datasets.lifecycle import DataSetKind, DataSetState
from app.db import Base


class KdfParamsRow(Base):
    """Salt and cost of Argon2id. The table has one row, written by the first import."""

    __tablename__ = "kdf_params"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    time_cost: Mapped[int]
    memory_kib: Mapped[int]
    check_value: Mapped[bytes] = mapped_column(LargeBinary)
    """Key check value of the pepper that all data sets are sealed under."""
    created_at: Mapped[datetime]


class DataSetRow(Base):
    """One import for an incident."""

    __tablename__ = "data_sets"
    __table_args__ = (UniqueConstraint("incident", "version"),)

    id: Mapped[UUID] = mapped_column(Uuid, primary_key=True)
    incident: Mapped[str] = mapped_column(ForeignKey("incidents.slug"))
    version: Mapped[int]
    kind: Mapped[DataSetKind] = mapped_column(String)
    state: Mapped[DataSetState] = mapped_column(String)
    key_id: Mapped[str]
    synthetic: Mapped[bool]
    rows: Mapped[int]
    people: Mapped[int]
    manifest: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
    cohort_counts: Mapped[bytes | None] = mapped_column(LargeBinary)
    """Encrypted counts of people by cohort and item. NULL if the data set was imported before counts were stored."""
    imported_at: Mapped[datetime]
    published_at: Mapped[datetime | None]
    sequence: Mapped[int | None]
    """Order of publication within the incident. NULL unless published or superseded."""
    base_id: Mapped[UUID | None] = mapped_column(Uuid)
    """The full set that a supplement was published with."""
    canaries: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    """Encrypted list of the planted canary identifiers. NULL for old imports and for retired data sets."""
    shard_count: Mapped[int] = mapped_column(server_default="1")
    """Number of servers that hold the rows. Each shard has its own sentinel."""


class SignedCatalogRow(Base):
    """The signed list of the catalogue: a table of one row, empty until the first signature."""

    __tablename__ = "signed_catalog"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    payload: Mapped[bytes] = mapped_column(LargeBinary)
    signature: Mapped[bytes] = mapped_column(LargeBinary)
