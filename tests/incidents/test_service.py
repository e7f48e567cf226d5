"""Creating, changing and reading incidents: which changes create a notice version, and what its hash covers."""

import hashlib
import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from app.db import Database
from app.incidents import service as incidents
from app.incidents.errors import IncidentExists, InvalidIncident, UnknownIncident
from app.incidents.schema import Incident
from tests.support.deployment import INCIDENT_SLUG, Deployment


def update_incident(deployment: Deployment, incident: Incident) -> int:
    deployment.clock.advance(days=1)
    with deployment.change_catalog() as db:
        return incidents.update_incident(db, incident, now=deployment.clock())


def get_incident(database: Database, slug: str = INCIDENT_SLUG) -> Incident:
    with database.read() as db:
        return incidents.get_incident(db, slug)


def replace_value(incident: Incident, *path: str, to: object) -> Incident:
    """Return the incident with the value at *path* replaced."""
    document = incident.model_dump(mode="json", exclude_none=True)
    inner: Any = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return Incident.model_validate_json(json.dumps(document))


def test_a_created_incident_is_read_back(deployment: Deployment) -> None:
    assert get_incident(deployment.database) == deployment.incident
    with deployment.database.read() as db:
        assert incidents.list_incidents(db) == [deployment.incident]
        assert incidents.latest_notice_version(db, INCIDENT_SLUG) == 1


def test_a_slug_is_unique(deployment: Deployment) -> None:
    with pytest.raises(IncidentExists, match="exposure incident update"):
        deployment.create_incident(deployment.incident)


def test_a_missing_incident_or_version_is_unknown(deployment: Deployment) -> None:
    with deployment.database.read() as db:
        with pytest.raises(UnknownIncident):
            incidents.get_incident(db, "no-such")
        with pytest.raises(UnknownIncident):
            incidents.get_notice(db, "no-such", "ko")
        with pytest.raises(UnknownIncident):
            incidents.get_notice(db, INCIDENT_SLUG, "ko", version=2)
    with pytest.raises(UnknownIncident):
        update_incident(deployment, deployment.incident.model_copy(update={"slug": "no-such"}))


CHANGES: dict[str, tuple[tuple[str, ...], object, int]] = {
    "nothing": (("status",), "investigating", 1),
    "the status": (("status",), "confirmed", 1),
    "a date": (("reported_on",), "2025-11-21", 1),
    "the title": (("title", "en"), "Another title", 1),
    "whether hints are shown": (("hints",), False, 1),
    "the facts": (("facts",), [], 1),
    "the steps": (("actions",), [], 1),
    "the Korean notice": (("notice", "ko", "contact"), "다른 창구", 2),
    "the English notice": (("notice", "en", "rights"), "Other rights", 2),
    "a full stop": (("notice", "en", "contact"), "Data leak desk (sample): privacy@example.com.", 2),
    "space around": (("notice", "en", "contact"), " Data leak desk (sample): privacy@example.com\n", 1),
}


@pytest.mark.parametrize("name", CHANGES)
def test_only_a_changed_notice_creates_a_version(name: str, deployment: Deployment) -> None:
    path, to, version = CHANGES[name]
    new = replace_value(deployment.incident, *path, to=to)
    assert update_incident(deployment, new) == version
    assert get_incident(deployment.database) == new
    assert update_incident(deployment, new) == version  # an identical update changes nothing


def test_versions_are_kept_with_their_times(deployment: Deployment) -> None:
    created = deployment.clock()
    other = replace_value(deployment.incident, "notice", "ko", "contact", to="다른 창구")
    assert update_incident(deployment, other) == 2
    assert update_incident(deployment, deployment.incident) == 3  # returning to the first text creates a version too
    with deployment.database.read() as db:
        notices = [incidents.get_notice(db, INCIDENT_SLUG, "ko", version) for version in (1, 2, 3)]
        assert incidents.get_notice(db, INCIDENT_SLUG, "ko") == notices[2]
    assert [notice.text.contact for notice in notices] == [
        deployment.incident.notice.ko.contact,
        "다른 창구",
        deployment.incident.notice.ko.contact,
    ]
    assert [notice.published_at - created for notice in notices] == [timedelta(days=day) for day in range(3)]
    assert len({notice.sha256 for notice in notices}) == 3  # the hash covers the version


def test_a_declared_item_kind_cannot_be_removed(deployment: Deployment) -> None:
    fewer = deployment.incident.model_copy(update={"items": deployment.incident.items[:-1], "actions": []})
    with pytest.raises(InvalidIncident, match="items: order was declared and must stay"):
        update_incident(deployment, fewer)
    assert get_incident(deployment.database) == deployment.incident


def test_item_kinds_can_be_added_and_reordered(deployment: Deployment) -> None:
    small = replace_value(deployment.incident, "slug", to="small-2026").model_copy(
        update={"items": deployment.incident.items[:1], "actions": []}
    )
    deployment.create_incident(small)
    update_incident(
        deployment, replace_value(small, "items", to=[item.model_dump() for item in deployment.incident.items[:3]])
    )
    assert get_incident(deployment.database, "small-2026").kinds == ["name", "email", "phone"]
    update_incident(deployment, deployment.incident.model_copy(update={"items": deployment.incident.items[::-1]}))
    assert get_incident(deployment.database).kinds == deployment.incident.kinds[::-1]


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_the_hash_can_be_recomputed_from_the_public_response(locale: str, deployment: Deployment) -> None:
    answer = deployment.client.get(f"/v1/incidents/{INCIDENT_SLUG}/notice", params={"locale": locale}).json()
    fields = ("leaked_items", "circumstances", "self_protection", "response", "relief", "contact", "rights")
    content = {"incident": INCIDENT_SLUG, "locale": locale, "version": 1} | {name: answer[name] for name in fields}
    # RFC 8785 of an object of ASCII keys, small whole numbers and text without escapes: sorted keys, no space, UTF-8
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(canonical).hexdigest() == answer["sha256"]


def test_concurrent_updates_create_two_versions(deployment: Deployment) -> None:
    first, second = (
        replace_value(deployment.incident, "notice", "en", "contact", to=contact)
        for contact in ("one desk", "another desk")
    )
    versions: list[int] = []

    def update_concurrently() -> None:
        with deployment.change_catalog() as db:
            versions.append(incidents.update_incident(db, second, now=deployment.clock()))

    thread = threading.Thread(target=update_concurrently)
    with deployment.change_catalog() as db:
        versions.append(incidents.update_incident(db, first, now=deployment.clock()))
        db.flush()
        thread.start()
        if not deployment.database.is_sqlite:
            lock_waits = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            while deployment.execute_sql(lock_waits) == [(0,)]:
                time.sleep(0.01)
    thread.join()
    assert versions == [2, 3]


def test_incidents_are_listed_oldest_first(deployment: Deployment) -> None:
    for slug in ("zebra-2026", "alpha-2026"):
        deployment.clock.advance(days=1)
        deployment.create_incident(deployment.incident.model_copy(update={"slug": slug}))
    with deployment.database.read() as db:
        assert [incident.slug for incident in incidents.list_incidents(db)] == [
            INCIDENT_SLUG,
            "zebra-2026",
            "alpha-2026",
        ]
