"""The declarative base of all models, and the column type for times."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import DateTime, Dialect, MetaData, types
from sqlalchemy.orm import DeclarativeBase


def as_utc(stored: datetime | str) -> datetime:
    """Convert a time as the driver returns it to an aware one in UTC. SQLite returns text without a time zone."""
    value = datetime.fromisoformat(stored) if isinstance(stored, str) else stored
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class UtcDateTime(types.TypeDecorator[datetime]):
    """An aware time, in UTC on both engines. SQLite does not store the time zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Convert to UTC; reject naive times."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise TypeError("a stored time must be aware")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Restore the time zone."""
        return None if value is None else as_utc(value)


class Base(DeclarativeBase):
    """The declarative base. The naming convention gives migrations constraint names to refer to."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(column_0_label)s",
            "uq": "uq_%(table_name)s_%(column_0_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )
    type_annotation_map: dict[Any, Any] = {datetime: UtcDateTime}  # noqa: RUF012  as SQLAlchemy documents it
