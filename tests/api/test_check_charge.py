"""A check of a value is charged exactly once, even if the database read is repeated."""

from collections.abc import Callable
from pathlib import Path

import pytest

from app.incidents import service as incidents
from tests.support.deployment import Deployment
from tests.support.permissive_limits import permissive_limits
from tests.web.helpers import HOLDER_PHONE, SAMPLE_ROWS, BrowserUser

MAX_CHECKS = 4


@pytest.fixture
def limited_deployment(make_deployment: Callable[..., Deployment], tmp_path: Path) -> Deployment:
    """A deployment that allows `MAX_CHECKS` checks per identifier, with one published data set."""
    limits_file = tmp_path / "small.toml"
    limits_file.write_text(permissive_limits({"client.value_checks_per_identifier": f"{MAX_CHECKS}/hour"}))
    deployment = make_deployment(limits_file=limits_file)
    deployment.import_and_publish(SAMPLE_ROWS)
    return deployment


def change_incident(deployment: Deployment) -> None:
    """Invalidate what the server caches: on PostgreSQL the next read starts over in a snapshot."""
    deployment.incident = deployment.incident.model_copy(update={"hints": not deployment.incident.hints})
    with deployment.change_catalog() as db:
        incidents.update_incident(db, deployment.incident, now=deployment.clock())


def test_every_check_of_the_api_costs_one(limited_deployment: Deployment) -> None:
    headers = limited_deployment.sign_in(HOLDER_PHONE)
    body = {"kind": "name", "value": "박지수"}
    statuses = []
    for number in range(MAX_CHECKS + 1):
        if number:  # the first one is the first read of this process
            change_incident(limited_deployment)
        statuses.append(limited_deployment.client.post("/v1/exposures/check", headers=headers, json=body).status_code)
    assert statuses == [200] * MAX_CHECKS + [429]


def test_every_check_of_the_page_costs_one(limited_deployment: Deployment) -> None:
    with BrowserUser(limited_deployment) as person:
        person.open("/")
        person.verify(HOLDER_PHONE)
        statuses = []
        for _ in range(MAX_CHECKS + 1):
            change_incident(limited_deployment)
            statuses.append(person.client.post("/check", data={"kind": "name", "value": "박지수"}).status_code)
    assert statuses == [200] * MAX_CHECKS + [429]


def test_an_unknown_token_is_refused_before_anything_is_charged(limited_deployment: Deployment) -> None:
    body = {"kind": "name", "value": "박지수"}
    headers = {"Authorization": "Bearer unknown"}
    for _ in range(MAX_CHECKS + 1):
        assert limited_deployment.client.post("/v1/exposures/check", headers=headers, json=body).status_code == 401
