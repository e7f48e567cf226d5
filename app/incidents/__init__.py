"""Incidents and the notices that go with them: what happened, what kinds of items leaked, what the law says a person must be told."""

from app.incidents.schema import ITEM_KINDS, LOCALES, Action, Incident, ItemKind, Locale, LocalizedText
from app.incidents.errors import InvalidIncident, IncidentExists, UnknownIncident
from app.incidents.loader import load_incident
from app.incidents.cache import CachedIncident, IncidentCache
from app.incidents.models import IncidentRow, NoticeRow
from app.incidents.notices import Notice, hash_notice
from app.incidents.service import create, get, get_notice, list_all, lock, newest_version, update

__all__ = [
    "ITEM_KINDS",
    "LOCALES",
    "Action",
    "InvalidIncident",
    "Incident",
    "IncidentExists",
    "IncidentRow",
    "ItemKind",
    "CachedIncident",
    "IncidentCache",
    "Locale",
    "Notice",
    "NoticeRow",
    "Text",
    "UnknownIncident",
    "create",
    "get",
    "get_notice",
    "list_all",
    "lock",
    "newest_version",
    "notice_digest",
    "read_file",
    "update",
]
