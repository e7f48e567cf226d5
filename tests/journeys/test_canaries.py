"""Touching a canary: the ordinary answer, no message, an alarm that names nobody, and an asker who has spent his budgets."""

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from redis import Redis

from app import datasets
from tests.journeys.test_nothing_leaks import assert_found_nowhere
from tests.support.responses import comparable_response
from tests.support.deployment import Deployment, make_row
from tests.support.running_server import running_server
from tests.support.webhook_receiver import webhook_receiver

PEOPLE = [
    make_row("a1", email="mina@example.com", phone="010-2000-0001", name="김민아", items="name|email"),
    make_row("a2", email="jun@example.com", name="박준", items="name"),
]
THIEF, NEIGHBOUR, SOMEBODY = "198.51.100.7", "198.51.100.8", "203.0.113.5"
BUDGETS = ["new_identifiers", "new_identifiers_per_subnet", "unverified_codes", "unverified_codes_per_subnet"]


@pytest.fixture(params=["in process", "valkey"])
def watched(request: pytest.FixtureRequest, make_deployment: Callable[..., Deployment]) -> Callable[..., Deployment]:
    """Make a deployment that knows its canaries, with the budgets in this process, and in a Valkey."""

    def make(**settings: Any) -> Deployment:
        if request.param == "valkey":
            url = request.getfixturevalue("valkey_url").rpartition("/")[0] + "/7"
            with Redis.from_url(url) as server:
                server.flushdb()  # the budgets of another of these tests
            settings["redis_url"] = url
        made = make_deployment(trusted_proxies="127.0.0.1", **settings)
        made.import_and_publish(PEOPLE, canaries=20)
        made.app.state.services.canaries.refresh(made.database)
        return made

    return make


def canaries(deployment: Deployment) -> list[str]:
    with deployment.database.read() as session:
        (one,) = datasets.list_all(session)
        return datasets.list_canaries(session, one.id, keys=deployment.keys)


def twin(identifier: str) -> str:
    """An identifier of nobody that is as long, and is no canary."""
    return identifier[:-4] + ("9876" if "@" not in identifier else "test")


def ask(deployment: Deployment, identifier: str, address: str = THIEF) -> httpx.Response:
    channel = "email" if "@" in identifier else "sms"
    body = {"channel": channel, "identifier": identifier}
    return deployment.client.post("/v1/verifications", json=body, headers={"X-Forwarded-For": address})


def resend(deployment: Deployment, asked: httpx.Response, address: str) -> httpx.Response:
    body = asked.json()
    return deployment.client.post(
        f"/v1/verifications/{body['id']}/resend",
        json={"client_secret": body["client_secret"]},
        headers={"X-Forwarded-For": address},
    )


def alarms_in(log: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.splitlines() if '"event": "canary-touched"' in line]


def test_the_answer_and_all_that_is_kept_of_it_are_those_of_anybody(watched: Callable[..., Deployment]) -> None:
    deployment = watched()
    for identifier in (canaries(deployment)[0], next(one for one in canaries(deployment) if "@" not in one)):
        one, other = ask(deployment, identifier, THIEF), ask(deployment, twin(identifier), SOMEBODY)
        assert (one.status_code, comparable_response(one)) == (202, comparable_response(other))
    for column in ("ciphertext", "code_mac"):
        assert len({len(bytes(cell)) for (cell,) in deployment.execute_sql(f"SELECT {column} FROM verifications")}) <= 2
    sizes = [len(bytes(sealed)) for (sealed,) in deployment.execute_sql("SELECT ciphertext FROM outbox ORDER BY id")]
    assert (abs(sizes[0] - sizes[1]), abs(sizes[2] - sizes[3])) == (1, 1)  # true and false
    assert len(deployment.deliver_outbox()) == 2
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]


def test_no_message_goes_out_and_no_code_fits(
    watched: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even the one that would have been sent; and so no record of one is ever an answer."""
    deployment = watched()
    monkeypatch.setattr("app.verification.service._new_code", lambda: "01234567")
    for number, identifier in enumerate(canaries(deployment)[:6]):
        asked = ask(deployment, identifier, f"198.51.{number}.1")
        assert deployment.deliver_outbox() == []
        assert deployment.confirm_code(asked, "01234567").json()["type"] == "/problems/invalid-code"


def test_each_touch_raises_one_alarm_that_names_nobody(
    watched: Callable[..., Deployment], capfd: pytest.CaptureFixture[str]
) -> None:
    with webhook_receiver() as got:
        deployment = watched(alert_webhook_url=got.url)
        touched = [canaries(deployment)[0], canaries(deployment)[-1]]
        with deployment.app.state.services.canary_alerter.running():
            first = ask(deployment, touched[0], THIEF)
            ask(deployment, "mina@example.com", SOMEBODY)
            ask(deployment, twin(touched[0]), SOMEBODY)
            ask(deployment, touched[1], "2001:db8::1")
            deployment.clock.advance(minutes=1)
            assert resend(deployment, first, "192.0.2.9").status_code == 202
    logged = alarms_in(capfd.readouterr().err)
    assert len(logged) == len(got.events()) == 3
    for line, event in zip(logged, got.events(), strict=True):
        data = event["data"]
        assert event["type"] == "canary.touched"
        assert event["timestamp"].startswith("2026-01-14T09:0")
        assert data == {"incident": line["incident"], "channel": line["channel"], "budgets": line["budgets"]}
        assert data["incident"] == "sample-2025"
        assert [one.partition(":")[0] for one in data["budgets"]] == [f"client.{one}" for one in BUDGETS]
    assert len({one["webhook-id"] for one in got.headers}) == 3
    assert [line["channel"] for line in logged] == [
        "sms" if "@" not in one else "email" for one in (*touched, touched[0])
    ]
    texts = [*canaries(deployment), THIEF, "198.51.100.0", "2001:db8", "192.0.2.9", SOMEBODY]
    texts += [one.partition("@")[0] for one in touched]
    headers = repr(got.headers).encode()
    assert_found_nowhere(b"\n".join(got.bodies) + headers + json.dumps(logged).encode(), texts, "an alarm")


def test_whoever_touched_one_has_spent_his_budgets_and_nobody_else_has(watched: Callable[..., Deployment]) -> None:
    deployment = watched()
    with deployment.app.state.services.canary_alerter.running():
        assert ask(deployment, "mina@example.com").status_code == 202
        assert ask(deployment, canaries(deployment)[0]).status_code == 202
    refused = ask(deployment, "jun@example.com")
    assert refused.status_code == 429
    assert ask(deployment, "jun@example.com", NEIGHBOUR).status_code == 429  # of the same rented subnet
    assert ask(deployment, "jun@example.com", SOMEBODY).status_code == 202
    deployment.clock.advance(hours=13)
    assert ask(deployment, "jun@example.com").status_code == 202


def test_a_refused_call_touches_nothing(watched: Callable[..., Deployment], capfd: pytest.CaptureFixture[str]) -> None:
    deployment = watched()
    with deployment.app.state.services.canary_alerter.running():
        ask(deployment, canaries(deployment)[0])
    with deployment.app.state.services.canary_alerter.running():
        assert ask(deployment, canaries(deployment)[1]).status_code == 429
    assert len(alarms_in(capfd.readouterr().err)) == 1


def test_people_are_asked_about_without_an_alarm(
    watched: Callable[..., Deployment], capfd: pytest.CaptureFixture[str]
) -> None:
    deployment = watched()
    with deployment.app.state.services.canary_alerter.running():
        assert len(deployment.get_exposures("mina@example.com", "010-2000-0001")["exposures"]) == 1
    assert alarms_in(capfd.readouterr().err) == []


def test_a_page_touches_it_as_a_call_does(
    watched: Callable[..., Deployment], capfd: pytest.CaptureFixture[str]
) -> None:
    deployment = watched()
    with deployment.app.state.services.canary_alerter.running():
        answers = [
            deployment.client.post(
                "/verify",
                data={"identifier": identifier},
                headers={"X-Forwarded-For": address, "Origin": str(deployment.client.base_url)},
            )
            for identifier, address in ((canaries(deployment)[0], THIEF), (twin(canaries(deployment)[0]), SOMEBODY))
        ]
    assert answers[0].status_code == answers[1].status_code
    assert len(alarms_in(capfd.readouterr().err)) == 1


def test_a_running_server_learns_of_them_and_raises_the_alarm_by_itself(make_deployment: Callable[..., Deployment]) -> None:
    with webhook_receiver() as got:
        deployment = make_deployment(alert_webhook_url=got.url)
        app = deployment.build_app()
        with running_server(app, "on") as client:
            deployment.import_and_publish(PEOPLE, canaries=3)
            mine = next(one for one in canaries(deployment) if "@" in one)
            until = time.monotonic() + 20
            while app.state.services.canaries.find_incident("email", mine) is None and time.monotonic() < until:
                time.sleep(0.05)
            answer = client.post("/v1/verifications", json={"channel": "email", "identifier": mine})
            assert answer.status_code == 202
            while not got.bodies and time.monotonic() < until:
                time.sleep(0.01)
        assert [one["type"] for one in got.events()] == ["canary.touched"]
    assert deployment.sender.messages == []
