"""SQL of incidents and notices."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.incidents.models import IncidentRow, NoticeRow


def get_incident(db: Session, slug: str, *, for_update: bool = False) -> IncidentRow | None:
    """Return one incident. *for_update* locks its row; SQLite's write transactions exclude each other anyway."""
    return db.get(IncidentRow, slug, with_for_update=for_update)


def list_incidents(db: Session) -> Sequence[IncidentRow]:
    """Return all incidents, oldest first."""
    return db.scalars(select(IncidentRow).order_by(IncidentRow.created_at, IncidentRow.slug)).all()


def get_latest_notice(db: Session, slug: str) -> NoticeRow:
    """Return the newest version of an incident's notice. Every incident has one."""
    return db.scalars(
        select(NoticeRow).where(NoticeRow.incident == slug).order_by(NoticeRow.version.desc()).limit(1)
    ).one()


def get_notice(db: Session, slug: str, version: int) -> NoticeRow | None:
    """Return one version of a notice."""
    return db.get(NoticeRow, (slug, version))


def add_incident(db: Session, row: IncidentRow) -> None:
    """Insert an incident.

    Raises:
        IntegrityError: its slug is taken.
    """
    db.add(row)
    db.flush()


def add_notice(db: Session, row: NoticeRow) -> None:
    """Insert a version of a notice."""
    db.add(row)
