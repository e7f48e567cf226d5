"""Requesting a code for a canary: the usual response, no message, an alert without personal data, and drained limits for that client."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from redis import Redis

from app.datasets import service as datasets
from tests.e2e.test_nothing_leaks import assert_found_nowhere
from tests.support.deployment import Deployment, make_row
from tests.support.responses import comparable_response
from tests.support.running_server import running_server
from tests.support.webhook_receiver import webhook_receiver

ROWS = [
    make_row("a1", email="mina@example.com", phone="010-2000-0001", name="김민아", items="name|email"),
    make_row("a2", email="jun@example.com", name="박준", items="name"),
]
ATTACKER_ADDRESS, SAME_SUBNET_ADDRESS, OTHER_ADDRESS = "198.51.100.7", "198.51.100.8", "203.0.113.5"
DRAINED_LIMITS = ["unverified_codes", "unverified_codes_per_subnet"]


@pytest.fixture(params=["in process", "valkey"])
def make_canary_deployment(
    request: pytest.FixtureRequest, make_deployment: Callable[..., Deployment]
) -> Callable[..., Deployment]:
    """Factory for deployments with canaries, with rate limits in the process and in Valkey."""

    def make(**settings: Any) -> Deployment:
        if request.param == "valkey":
            url = request.getfixturevalue("valkey_url").rpartition("/")[0] + "/7"
            with Redis.from_url(url) as server:
                server.flushdb()  # the limits used by the other tests
            settings["redis_url"] = url
        deployment = make_deployment(trusted_proxies="127.0.0.1", **settings)
        deployment.import_and_publish(ROWS, canaries=20)
        deployment.app.state.services.canaries.refresh(deployment.database)
        return deployment

    return make


def list_canaries(deployment: Deployment) -> list[str]:
    with deployment.database.read() as db:
        (dataset,) = datasets.list_all(db)
        return datasets.list_canaries(db, dataset.id, keys=deployment.keys)


def non_canary_like(identifier: str) -> str:
    """Return an unaffected identifier of the same length that is not a canary."""
    return identifier[:-4] + ("9876" if "@" not in identifier else "test")


def request_code(deployment: Deployment, identifier: str, address: str = ATTACKER_ADDRESS) -> httpx.Response:
    channel = "email" if "@" in identifier else "sms"
    body = {"channel": channel, "identifier": identifier}
    return deployment.client.post("/v1/verifications", json=body, headers={"X-Forwarded-For": address})


def resend_code(deployment: Deployment, started: httpx.Response, address: str) -> httpx.Response:
    body = started.json()
    return deployment.client.post(
        f"/v1/verifications/{body['id']}/resend",
        json={"client_secret": body["client_secret"]},
        headers={"X-Forwarded-For": address},
    )


def canary_events(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if '"event": "canary-hit"' in line]


def test_response_and_stored_data_do_not_reveal_a_canary(make_canary_deployment: Callable[..., Deployment]) -> None:
    deployment = make_canary_deployment()
    for identifier in (
        list_canaries(deployment)[0],
        next(canary for canary in list_canaries(deployment) if "@" not in canary),
    ):
        response, other_response = (
            request_code(deployment, identifier, ATTACKER_ADDRESS),
            request_code(deployment, non_canary_like(identifier), OTHER_ADDRESS),
        )
        assert (response.status_code, comparable_response(response)) == (202, comparable_response(other_response))
    for column in ("verifications.ciphertext", "verifications.code_mac", "outbox.ciphertext"):
        table, _, name = column.partition(".")
        assert len({len(bytes(cell)) for (cell,) in deployment.execute_sql(f"SELECT {name} FROM {table}")}) == 1
    assert len(deployment.deliver_outbox()) == 2
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]


def test_no_message_is_sent_and_no_code_is_accepted(
    make_canary_deployment: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the generated code is accepted, so a canary's record is never shown to anyone."""
    deployment = make_canary_deployment()
    monkeypatch.setattr("app.verification.service._new_code", lambda: "01234567")
    for number, identifier in enumerate(list_canaries(deployment)[:6]):
        started = request_code(deployment, identifier, f"198.51.{number}.1")
        assert deployment.deliver_outbox() == []
        assert deployment.confirm_code(started, "01234567").json()["type"] == "/problems/invalid-code"


def test_each_canary_hit_raises_one_alert_without_personal_data(
    make_canary_deployment: Callable[..., Deployment], capfd: pytest.CaptureFixture[str]
) -> None:
    with webhook_receiver() as webhook:
        deployment = make_canary_deployment(alert_webhook_url=webhook.url)
        requested = [list_canaries(deployment)[0], list_canaries(deployment)[-1]]
        with deployment.app.state.services.canary_alerter.running():
            first = request_code(deployment, requested[0], ATTACKER_ADDRESS)
            request_code(deployment, "mina@example.com", OTHER_ADDRESS)
            request_code(deployment, non_canary_like(requested[0]), OTHER_ADDRESS)
            request_code(deployment, requested[1], "2001:db8::1")
            deployment.clock.advance(minutes=1)
            assert resend_code(deployment, first, "192.0.2.9").status_code == 202
    logged_events = canary_events(capfd.readouterr().err)
    assert len(logged_events) == len(webhook.events()) == 3
    for line, event in zip(logged_events, webhook.events(), strict=True):
        data = event["data"]
        assert event["type"] == "canary.hit"
        assert event["timestamp"].startswith("2026-01-14T09:0")
        assert data == {
            "incident": line["incident"],
            "channel": line["channel"],
            "drained_buckets": line["drained_buckets"],
        }
        assert data["incident"] == "sample-2025"
        assert [name.partition(":")[0] for name in data["drained_buckets"]] == [
            f"client.{limit}" for limit in DRAINED_LIMITS
        ]
    assert len({headers["webhook-id"] for headers in webhook.headers}) == 3
    assert [line["channel"] for line in logged_events] == [
        "sms" if "@" not in identifier else "email" for identifier in (*requested, requested[0])
    ]
    texts = [*list_canaries(deployment), ATTACKER_ADDRESS, "198.51.100.0", "2001:db8", "192.0.2.9", OTHER_ADDRESS]
    texts += [identifier.partition("@")[0] for identifier in requested]
    headers = repr(webhook.headers).encode()
    assert_found_nowhere(b"\n".join(webhook.bodies) + headers + json.dumps(logged_events).encode(), texts, "an alert")


def test_a_canary_hit_drains_the_limits_of_that_client_only(make_canary_deployment: Callable[..., Deployment]) -> None:
    deployment = make_canary_deployment()
    with deployment.app.state.services.canary_alerter.running():
        assert request_code(deployment, "mina@example.com").status_code == 202
        assert request_code(deployment, list_canaries(deployment)[0]).status_code == 202
    denied = request_code(deployment, "jun@example.com")
    assert denied.status_code == 429
    assert (
        request_code(deployment, "jun@example.com", SAME_SUBNET_ADDRESS).status_code == 429
    )  # the attacker may have rented the whole subnet
    assert request_code(deployment, "jun@example.com", OTHER_ADDRESS).status_code == 202
    deployment.clock.advance(hours=13)
    assert request_code(deployment, "jun@example.com").status_code == 202


def test_a_denied_request_is_not_a_canary_hit(
    make_canary_deployment: Callable[..., Deployment], capfd: pytest.CaptureFixture[str]
) -> None:
    deployment = make_canary_deployment()
    with deployment.app.state.services.canary_alerter.running():
        request_code(deployment, list_canaries(deployment)[0])
    with deployment.app.state.services.canary_alerter.running():
        assert request_code(deployment, list_canaries(deployment)[1]).status_code == 429
    assert len(canary_events(capfd.readouterr().err)) == 1


def test_a_request_for_a_real_person_raises_no_alert(
    make_canary_deployment: Callable[..., Deployment], capfd: pytest.CaptureFixture[str]
) -> None:
    deployment = make_canary_deployment()
    with deployment.app.state.services.canary_alerter.running():
        assert len(deployment.get_exposures("mina@example.com", "010-2000-0001")["exposures"]) == 1
    assert canary_events(capfd.readouterr().err) == []


def test_the_page_raises_the_alert_like_the_api(
    make_canary_deployment: Callable[..., Deployment], capfd: pytest.CaptureFixture[str]
) -> None:
    deployment = make_canary_deployment()
    with deployment.app.state.services.canary_alerter.running():
        responses = [
            deployment.client.post(
                "/verify",
                data={"identifier": identifier},
                headers={"X-Forwarded-For": address, "Origin": str(deployment.client.base_url)},
            )
            for identifier, address in (
                (list_canaries(deployment)[0], ATTACKER_ADDRESS),
                (non_canary_like(list_canaries(deployment)[0]), OTHER_ADDRESS),
            )
        ]
    assert responses[0].status_code == responses[1].status_code
    assert len(canary_events(capfd.readouterr().err)) == 1


def test_a_running_server_finds_new_canaries_and_sends_the_alert(
    make_deployment: Callable[..., Deployment],
) -> None:
    with webhook_receiver() as webhook:
        deployment = make_deployment(alert_webhook_url=webhook.url)
        app = deployment.build_app()
        with running_server(app, "on") as client:
            deployment.import_and_publish(ROWS, canaries=3)
            canary = next(identifier for identifier in list_canaries(deployment) if "@" in identifier)
            deadline = time.monotonic() + 20
            while app.state.services.canaries.find_incident("email", canary) is None and time.monotonic() < deadline:
                time.sleep(0.05)
            response = client.post("/v1/verifications", json={"channel": "email", "identifier": canary})
            assert response.status_code == 202
            while not webhook.bodies and time.monotonic() < deadline:
                time.sleep(0.01)
        assert [event["type"] for event in webhook.events()] == ["canary.hit"]
    assert deployment.sender.messages == []
