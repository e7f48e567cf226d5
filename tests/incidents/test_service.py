"""Creating, changing and reading incidents: which changes make a new notice, and what its hash is of."""

import hashlib
import json
import threading
import time
from datetime import timedelta
from typing import Any

import pytest

from app import incidents
from app.db import Database
from app.incidents import InvalidIncident, Incident, IncidentExists, UnknownIncident
from tests.support.deployment import INCIDENT_SLUG, Deployment


def update(deployment: Deployment, incident: Incident) -> int:
    deployment.clock.advance(days=1)
    with deployment.database.write() as db:
        return incidents.update_incident(db, incident, now=deployment.clock())


def get(database: Database, slug: str = INCIDENT_SLUG) -> Incident:
    with database.read() as db:
        return incidents.get_incident(db, slug)


def changed(incident: Incident, *path: str, to: object) -> Incident:
    """The same incident with one thing said otherwise."""
    document = incident.model_dump(mode="json", exclude_none=True)
    inner: Any = document
    for step in path[:-1]:
        inner = inner[step]
    inner[path[-1]] = to
    return Incident.model_validate_json(json.dumps(document))


def test_what_was_created_is_read_again(deployment: Deployment) -> None:
    assert get(deployment.database) == deployment.incident
    with deployment.database.read() as db:
        assert incidents.list_incidents(db) == [deployment.incident]
        assert incidents.latest_notice_version(db, INCIDENT_SLUG) == 1


def test_a_slug_is_taken_once(deployment: Deployment) -> None:
    with pytest.raises(IncidentExists, match="exposure incident update"):
        deployment.create_incident(deployment.incident)


def test_what_is_not_there_is_unknown(deployment: Deployment) -> None:
    with deployment.database.read() as db:
        with pytest.raises(UnknownIncident):
            incidents.get_incident(db, "no-such")
        with pytest.raises(UnknownIncident):
            incidents.get_notice(db, "no-such", "ko")
        with pytest.raises(UnknownIncident):
            incidents.get_notice(db, INCIDENT_SLUG, "ko", version=2)
    with pytest.raises(UnknownIncident):
        update(deployment, deployment.incident.model_copy(update={"slug": "no-such"}))


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
def test_only_a_changed_notice_is_a_new_version(name: str, deployment: Deployment) -> None:
    path, to, version = CHANGES[name]
    new = changed(deployment.incident, *path, to=to)
    assert update(deployment, new) == version
    assert get(deployment.database) == new
    assert update(deployment, new) == version  # the same again is no change


def test_versions_are_kept_and_each_has_its_time(deployment: Deployment) -> None:
    created = deployment.clock()
    other = changed(deployment.incident, "notice", "ko", "contact", to="다른 창구")
    assert update(deployment, other) == 2
    assert update(deployment, deployment.incident) == 3  # back to the first text is a version, too
    with deployment.database.read() as db:
        notices = [incidents.get_notice(db, INCIDENT_SLUG, "ko", version) for version in (1, 2, 3)]
        assert incidents.get_notice(db, INCIDENT_SLUG, "ko") == notices[2]
    assert [one.text.contact for one in notices] == [
        deployment.incident.notice.ko.contact,
        "다른 창구",
        deployment.incident.notice.ko.contact,
    ]
    assert [one.published_at - created for one in notices] == [timedelta(days=day) for day in range(3)]
    assert len({one.sha256 for one in notices}) == 3  # the version is hashed along


def test_a_kind_of_item_that_was_declared_stays(deployment: Deployment) -> None:
    fewer = deployment.incident.model_copy(update={"items": deployment.incident.items[:-1], "actions": []})
    with pytest.raises(InvalidIncident, match="items: order was declared and stays"):
        update(deployment, fewer)
    assert get(deployment.database) == deployment.incident


def test_a_kind_of_item_may_be_added_or_said_otherwise(deployment: Deployment) -> None:
    small = changed(deployment.incident, "slug", to="small-2026").model_copy(
        update={"items": deployment.incident.items[:1], "actions": []}
    )
    deployment.create_incident(small)
    update(deployment, changed(small, "items", to=[item.model_dump() for item in deployment.incident.items[:3]]))
    assert get(deployment.database, "small-2026").kinds == ["name", "email", "phone"]
    update(deployment, deployment.incident.model_copy(update={"items": deployment.incident.items[::-1]}))
    assert get(deployment.database).kinds == deployment.incident.kinds[::-1]


@pytest.mark.parametrize("locale", ["ko", "en"])
def test_the_hash_can_be_made_again_from_the_public_answer(locale: str, deployment: Deployment) -> None:
    answer = deployment.client.get(f"/v1/incidents/{INCIDENT_SLUG}/notice", params={"locale": locale}).json()
    fields = ("leaked_items", "circumstances", "self_protection", "response", "relief", "contact", "rights")
    content = {"incident": INCIDENT_SLUG, "locale": locale, "version": 1} | {name: answer[name] for name in fields}
    # RFC 8785 of an object of ASCII keys, small whole numbers and text without escapes: sorted keys, no space, UTF-8
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert hashlib.sha256(canonical).hexdigest() == answer["sha256"]


def test_two_updates_at_once_make_two_versions(deployment: Deployment) -> None:
    first, second = (
        changed(deployment.incident, "notice", "en", "contact", to=contact) for contact in ("one desk", "another desk")
    )
    versions: list[int] = []

    def meanwhile() -> None:
        with deployment.database.write() as db:
            versions.append(incidents.update_incident(db, second, now=deployment.clock()))

    thread = threading.Thread(target=meanwhile)
    with deployment.database.write() as db:
        versions.append(incidents.update_incident(db, first, now=deployment.clock()))
        db.flush()
        thread.start()
        if not deployment.database.is_sqlite:
            waits = (
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            while deployment.execute_sql(waits) == [(0,)]:
                time.sleep(0.01)
    thread.join()
    assert versions == [2, 3]


def test_incidents_are_listed_by_age(deployment: Deployment) -> None:
    for slug in ("zebra-2026", "alpha-2026"):
        deployment.clock.advance(days=1)
        deployment.create_incident(deployment.incident.model_copy(update={"slug": slug}))
    with deployment.database.read() as db:
        assert [one.slug for one in incidents.list_incidents(db)] == [INCIDENT_SLUG, "zebra-2026", "alpha-2026"]
