"""Incidents and the notices that go with them: what happened, what kinds of items leaked, what the law says a person must be told."""

from app.incidents.document import ITEM_KINDS, LOCALES, Action, Incident, ItemKind, Locale, Text
from app.incidents.errors import BadIncident, IncidentExists, UnknownIncident
from app.incidents.file import read_file
from app.incidents.known import KnownIncident, KnownIncidents
from app.incidents.models import IncidentRow, NoticeRow
from app.incidents.notices import Notice, notice_digest
from app.incidents.service import create, get, get_notice, list_all, lock, newest_version, update

__all__ = [
    "ITEM_KINDS",
    "LOCALES",
    "Action",
    "BadIncident",
    "Incident",
    "IncidentExists",
    "IncidentRow",
    "ItemKind",
    "KnownIncident",
    "KnownIncidents",
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
