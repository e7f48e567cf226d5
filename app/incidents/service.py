"""Creating, changing and reading incidents. The session is the face's; nothing is committed here."""

import json
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.incidents import queries
from app.incidents.schema import Incident, Locale, LocalizedNoticeText
from app.incidents.errors import InvalidIncident, IncidentExists, UnknownIncident
from app.incidents.models import IncidentRow, NoticeRow
from app.incidents.notices import Notice


def create(db: Session, incident: Incident, *, now: datetime) -> None:
    """Take in a new incident with version 1 of its notice.

    Raises:
        IncidentExists: the slug is taken.
    """
    if queries.incident(db, incident.slug) is not None:
        raise _exists(incident)
    db.add(IncidentRow(slug=incident.slug, document=_document(incident), created_at=now))
    try:
        db.flush()
    except IntegrityError:  # somebody was first
        raise _exists(incident) from None
    db.add(_notice_row(incident, 1, now))


def update(db: Session, incident: Incident, *, now: datetime) -> int:
    """Change an incident; a changed notice becomes a new version. Gives the notice's version.

    Raises:
        UnknownIncident: there is none of this slug.
        InvalidIncident: a kind of item is no longer declared, which data sets may count.
    """
    row = queries.incident(db, incident.slug, lock=True)
    if row is None:
        raise UnknownIncident(f"there is no incident {incident.slug}")
    declared = {item["kind"] for item in row.document["items"]}
    if gone := declared - set(incident.kinds):
        raise InvalidIncident(f"items: {min(gone)} was declared and stays: data sets may hold it")
    row.document = _document(incident)
    newest = queries.newest_notice(db, incident.slug)
    if newest.texts != incident.notice.model_dump(mode="json"):
        newest = _notice_row(incident, newest.version + 1, now)
        db.add(newest)
    return newest.version


def lock(db: Session, slug: str) -> None:
    """Make others who would change this incident or its data sets wait until this unit of work ends."""
    queries.incident(db, slug, lock=True)


def get(db: Session, slug: str) -> Incident:
    """Read one incident with its newest notice.

    Raises:
        UnknownIncident: there is none.
    """
    row = queries.incident(db, slug)
    if row is None:
        raise UnknownIncident(f"there is no incident {slug}")
    return _incident(db, row)


def list_all(db: Session) -> list[Incident]:
    """Read all incidents, by age."""
    return [_incident(db, row) for row in queries.incidents(db)]


def newest_version(db: Session, slug: str) -> int:
    """Number of the notice that stands now."""
    return queries.newest_notice(db, slug).version


def get_notice(db: Session, slug: str, locale: Locale, version: int | None = None) -> Notice:
    """Read a notice: the newest, or one version.

    Raises:
        UnknownIncident: no such incident, or no such version.
    """
    if queries.incident(db, slug) is None:
        raise UnknownIncident(f"there is no incident {slug}")
    row = queries.newest_notice(db, slug) if version is None else queries.notice(db, slug, version)
    if row is None:
        raise UnknownIncident(f"the notice of {slug} has no version {version}")
    text = LocalizedNoticeText.model_validate(row.texts).in_locale(locale)
    return Notice(incident=slug, version=row.version, locale=locale, text=text, published_at=row.published_at)


def _exists(incident: Incident) -> IncidentExists:
    return IncidentExists(f"incident {incident.slug} is there already; `exposure incident update` changes it")


def _document(incident: Incident) -> dict[str, object]:
    return incident.model_dump(mode="json", exclude={"notice"}, exclude_none=True)


def _notice_row(incident: Incident, version: int, now: datetime) -> NoticeRow:
    return NoticeRow(
        incident=incident.slug, version=version, texts=incident.notice.model_dump(mode="json"), published_at=now
    )


def _incident(db: Session, row: IncidentRow) -> Incident:
    notice = queries.newest_notice(db, row.slug)
    return Incident.model_validate_json(json.dumps(row.document | {"notice": notice.texts}))
