"""A check of a value costs exactly one of the session's checks, also where the database read behind it is repeated."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app import incidents
from tests.faces.web.helpers import HOLDER, PEOPLE, Person
from tests.support.deployment import Deployment
from tests.support.permissive_limits import permissive_limits

CHECKS = 4


@pytest.fixture
def limited(make_deployment: Callable[..., Deployment], tmp_path: Path) -> Deployment:
    """A deployment that allows `CHECKS` checks per session, with one published data set."""
    limits_file = tmp_path / "small.toml"
    limits_file.write_text(permissive_limits({"client.value_checks_per_session": f"{CHECKS}/hour"}))
    deployment = make_deployment(limits_file=limits_file)
    deployment.import_and_publish(PEOPLE)
    return deployment


def change_incident(deployment: Deployment) -> None:
    """Invalidate what the server caches: on PostgreSQL the next read starts over in a snapshot."""
    deployment.incident = deployment.incident.model_copy(update={"hints": not deployment.incident.hints})
    with deployment.database.write() as session:
        incidents.update_incident(session, deployment.incident, now=deployment.clock())


def test_every_check_of_the_api_costs_one(limited: Deployment) -> None:
    headers = limited.sign_in(HOLDER)
    body = {"kind": "name", "value": "박지수"}
    statuses = []
    for number in range(CHECKS + 1):
        if number:  # the first one is the first read of this process
            change_incident(limited)
        statuses.append(limited.client.post("/v1/exposures/check", headers=headers, json=body).status_code)
    assert statuses == [200] * CHECKS + [429]


def test_every_check_of_the_page_costs_one(limited: Deployment) -> None:
    with Person(limited) as person:
        person.go("/")
        person.prove(HOLDER)
        statuses = []
        for _ in range(CHECKS + 1):
            change_incident(limited)
            statuses.append(person.client.post("/check", data={"kind": "name", "value": "박지수"}).status_code)
    assert statuses == [200] * CHECKS + [429]


def test_an_unknown_token_is_refused_before_anything_is_charged(limited: Deployment) -> None:
    body = {"kind": "name", "value": "박지수"}
    headers = {"Authorization": "Bearer unknown"}
    for _ in range(CHECKS + 1):
        assert limited.client.post("/v1/exposures/check", headers=headers, json=body).status_code == 401
