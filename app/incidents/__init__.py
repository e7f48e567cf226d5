"""Incidents and their notices: what happened, which kinds of items leaked, and what the law requires people to be told."""

from app.incidents.cache import CachedIncident, IncidentCache
from app.incidents.errors import IncidentExists, InvalidIncident, UnknownIncident
from app.incidents.loader import load_incident
from app.incidents.models import IncidentRow, NoticeRow
from app.incidents.notices import Notice, hash_notice
from app.incidents.schema import ITEM_KINDS, Action, Incident, ItemKind, LocalizedText
from app.incidents.service import (
    create_incident,
    get_incident,
    get_notice,
    latest_notice_version,
    list_incidents,
    lock_incident,
    update_incident,
)

__all__ = [
    "ITEM_KINDS",
    "Action",
    "CachedIncident",
    "Incident",
    "IncidentCache",
    "IncidentExists",
    "IncidentRow",
    "InvalidIncident",
    "ItemKind",
    "LocalizedText",
    "Notice",
    "NoticeRow",
    "UnknownIncident",
    "create_incident",
    "get_incident",
    "get_notice",
    "hash_notice",
    "latest_notice_version",
    "list_incidents",
    "load_incident",
    "lock_incident",
    "update_incident",
]
