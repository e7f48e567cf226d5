"""Who wants no codes gets none, says so only of what was proven, and nobody else is told."""

import httpx
import pytest

from tests.support.deployment import Deployment, make_row

PHONE, EMAIL = "010-2000-0002", "jisoo@example.com"
OWN = ("id", "client_secret", "date", "x-request-id", "ratelimit")


def stop(deployment: Deployment, headers: dict[str, str]) -> int:
    return deployment.client.post("/v1/stop-codes", headers=headers).status_code


def said(answer: httpx.Response) -> tuple[object, ...]:
    """All of an answer but what differs between any two."""
    body = {key: value for key, value in answer.json().items() if key not in OWN}
    return answer.status_code, [(key, value) for key, value in answer.headers.items() if key not in OWN], body


def test_no_more_codes_are_sent_and_asking_is_answered_as_ever(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a2", phone=PHONE, email=EMAIL, items="phone")])
    headers = deployment.sign_in(EMAIL, deployment.sign_in(PHONE))
    assert stop(deployment, headers) == 204
    assert stop(deployment, headers) == 204
    for stopped, other in ((PHONE, "010-2000-0003"), (EMAIL, "other@example.com")):
        assert said(deployment.request_code(stopped)) == said(deployment.request_code(other))
        assert [message.address for message in deployment.deliver_outbox()] == [other if "@" in other else "+821020000003"]


def test_no_code_fits_then(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    stop(deployment, deployment.sign_in(PHONE))
    monkeypatch.setattr("app.verification.service._new_code", lambda: "01234567")
    assert deployment.confirm_code(deployment.request_code(PHONE), "01234567").status_code == 422


def test_a_code_that_was_sent_before_is_still_good_and_none_is_sent_again(deployment: Deployment) -> None:
    headers = deployment.sign_in(PHONE)
    asked = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[-1].code
    stop(deployment, headers)
    deployment.clock.advance(minutes=1)
    body = asked.json()
    path = f"/v1/verifications/{body['id']}/resend"
    assert deployment.confirm_code(asked, code).status_code == 200
    assert deployment.client.post(path, json={"client_secret": body["client_secret"]}).status_code == 410
    assert deployment.deliver_outbox() == []


def test_it_ends_after_ninety_days_when_the_number_may_be_anothers(deployment: Deployment) -> None:
    stop(deployment, deployment.sign_in(PHONE))
    deployment.clock.advance(days=89)
    deployment.request_code(PHONE)
    assert deployment.deliver_outbox() == []
    deployment.clock.advance(days=1)
    deployment.request_code(PHONE)
    assert len(deployment.deliver_outbox()) == 1
    with deployment.database.write() as db:
        deployment.app.state.services.verification.erase_expired(db, now=deployment.clock())
    assert deployment.execute_sql("SELECT count(*) FROM stops") == [(0,)]


def test_nobody_says_it_for_another(deployment: Deployment) -> None:
    assert stop(deployment, {}) == 401
    assert stop(deployment, {"Authorization": "Bearer made-up"}) == 401
    stop(deployment, deployment.sign_in("010-2000-0003"))
    deployment.request_code(PHONE)
    assert len(deployment.deliver_outbox()) == 1


def test_the_table_names_nobody(deployment: Deployment) -> None:
    """Its names are keyed: none is the number, or a plain hash of it."""
    stop(deployment, deployment.sign_in(PHONE))
    ((target,),) = deployment.execute_sql("SELECT target FROM stops")
    assert len(bytes(target)) == 16
    assert b"2000" not in bytes(target)
