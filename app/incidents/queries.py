"""SQL of incidents and notices."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.incidents.models import IncidentRow, NoticeRow


def incident(db: Session, slug: str, *, lock: bool = False) -> IncidentRow | None:
    """Find one incident; with *lock*, others who would change it wait (SQLite's write unit holds the one lock anyway)."""
    return db.get(IncidentRow, slug, with_for_update=lock)


def incidents(db: Session) -> Sequence[IncidentRow]:
    """All incidents, by age."""
    return db.scalars(select(IncidentRow).order_by(IncidentRow.created_at, IncidentRow.slug)).all()


def newest_notice(db: Session, slug: str) -> NoticeRow:
    """The notice as it stands now; an incident is never without."""
    return db.scalars(
        select(NoticeRow).where(NoticeRow.incident == slug).order_by(NoticeRow.version.desc()).limit(1)
    ).one()


def notice(db: Session, slug: str, version: int) -> NoticeRow | None:
    """One version of a notice."""
    return db.get(NoticeRow, (slug, version))
