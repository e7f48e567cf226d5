"""Creates, changes and reads incidents. The caller owns the transaction; nothing is committed here."""

import json
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.incidents import queries
from app.incidents.errors import IncidentExists, InvalidIncident, UnknownIncident
from app.incidents.models import IncidentRow, NoticeRow
from app.incidents.notices import Notice
from app.incidents.schema import Incident, LocalizedNoticeText
from app.locales import Locale


def create_incident(db: Session, incident: Incident, *, now: datetime) -> None:
    """Create an incident with version 1 of its notice.

    Raises:
        IncidentExists: the slug is taken.
    """
    if queries.get_incident(db, incident.slug) is not None:
        raise _incident_exists(incident)
    row = IncidentRow(slug=incident.slug, document=_document_of(incident), created_at=now)
    try:
        queries.add_incident(db, row)
    except IntegrityError:  # created concurrently
        raise _incident_exists(incident) from None
    queries.add_notice(db, _notice_row(incident, 1, now))


def update_incident(db: Session, incident: Incident, *, now: datetime) -> int:
    """Change an incident. A changed notice becomes a new version. Return the version of the notice.

    Raises:
        UnknownIncident: there is no incident with this slug.
        InvalidIncident: an item kind is no longer declared; data sets may contain it.
    """
    row = queries.get_incident(db, incident.slug, for_update=True)
    if row is None:
        raise _unknown_incident(incident.slug)
    declared = {item["kind"] for item in row.document["items"]}
    if removed := declared - set(incident.kinds):
        raise InvalidIncident(f"items: {min(removed)} was declared and must stay: data sets may hold it")
    row.document = _document_of(incident)
    latest = queries.get_latest_notice(db, incident.slug)
    if latest.texts != incident.notice.model_dump(mode="json"):
        latest = _notice_row(incident, latest.version + 1, now)
        queries.add_notice(db, latest)
    return latest.version


def lock_incident(db: Session, slug: str) -> None:
    """Lock an incident until the end of the transaction: concurrent changes of it or of its data sets wait."""
    queries.get_incident(db, slug, for_update=True)


def get_incident(db: Session, slug: str) -> Incident:
    """Return one incident with its newest notice.

    Raises:
        UnknownIncident: there is no incident with this slug.
    """
    row = queries.get_incident(db, slug)
    if row is None:
        raise _unknown_incident(slug)
    return _with_latest_notice(db, row)


def list_incidents(db: Session) -> list[Incident]:
    """Return all incidents, oldest first."""
    return [_with_latest_notice(db, row) for row in queries.list_incidents(db)]


def latest_notice_version(db: Session, slug: str) -> int:
    """Return the version of an incident's newest notice."""
    return queries.get_latest_notice(db, slug).version


def get_notice(db: Session, slug: str, locale: Locale, version: int | None = None) -> Notice:
    """Return one version of a notice, by default the newest.

    Raises:
        UnknownIncident: there is no such incident, or no such version.
    """
    if queries.get_incident(db, slug) is None:
        raise _unknown_incident(slug)
    row = queries.get_latest_notice(db, slug) if version is None else queries.get_notice(db, slug, version)
    if row is None:
        raise UnknownIncident(f"the notice of {slug} has no version {version}")
    text = LocalizedNoticeText.model_validate(row.texts).in_locale(locale)
    return Notice(incident=slug, version=row.version, locale=locale, text=text, published_at=row.published_at)


def _incident_exists(incident: Incident) -> IncidentExists:
    return IncidentExists(f"incident {incident.slug} exists already; use `exposure incident update` to change it")


def _unknown_incident(slug: str) -> UnknownIncident:
    return UnknownIncident(f"there is no incident {slug}")


def _document_of(incident: Incident) -> dict[str, object]:
    return incident.model_dump(mode="json", exclude={"notice"}, exclude_none=True)


def _notice_row(incident: Incident, version: int, now: datetime) -> NoticeRow:
    return NoticeRow(
        incident=incident.slug, version=version, texts=incident.notice.model_dump(mode="json"), published_at=now
    )


def _with_latest_notice(db: Session, row: IncidentRow) -> Incident:
    notice = queries.get_latest_notice(db, row.slug)
    return Incident.model_validate_json(json.dumps(row.document | {"notice": notice.texts}))
