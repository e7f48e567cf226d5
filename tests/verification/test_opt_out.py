"""Opting out: no more codes are sent to the verified identifiers, only their owner can opt out, and it is not revealed."""

import hmac
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from app.crypto.key_files import create_key_file
from app.crypto.keys import ApplicationKey, Pepper
from app.crypto.mac_inputs import pseudonym_input
from app.keyholder import KeyholderSocket, spawn_keyholder
from tests.support.deployment import Deployment, make_row

PHONE, CANONICAL_PHONE, EMAIL = "010-2000-0002", "+821020000002", "jisoo@example.com"
VARIABLE_FIELDS = ("id", "client_secret", "date", "x-request-id", "ratelimit")


def opt_out(deployment: Deployment, headers: dict[str, str]) -> int:
    return deployment.client.post("/v1/stop-codes", headers=headers).status_code


def constant_parts(answer: httpx.Response) -> tuple[object, ...]:
    """Return all of a response except what differs between any two."""
    body = {key: value for key, value in answer.json().items() if key not in VARIABLE_FIELDS}
    return (
        answer.status_code,
        [(key, value) for key, value in answer.headers.items() if key not in VARIABLE_FIELDS],
        body,
    )


def test_no_more_codes_are_sent_and_the_response_is_the_usual_one(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a2", phone=PHONE, email=EMAIL, items="phone")])
    headers = deployment.sign_in(EMAIL, deployment.sign_in(PHONE))
    assert opt_out(deployment, headers) == 204
    assert opt_out(deployment, headers) == 204
    for opted_out, other in ((PHONE, "010-2000-0003"), (EMAIL, "other@example.com")):
        assert constant_parts(deployment.request_code(opted_out)) == constant_parts(deployment.request_code(other))
        assert [message.address for message in deployment.deliver_outbox()] == [
            other if "@" in other else "+821020000003"
        ]


def test_no_code_matches_after_opting_out(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    opt_out(deployment, deployment.sign_in(PHONE))
    monkeypatch.setattr("app.verification.service._new_code", lambda: "01234567")
    assert deployment.confirm_code(deployment.request_code(PHONE), "01234567").status_code == 422


def test_a_code_sent_before_stays_valid_and_is_not_resent(deployment: Deployment) -> None:
    headers = deployment.sign_in(PHONE)
    requested = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[-1].code
    opt_out(deployment, headers)
    deployment.clock.advance(minutes=1)
    body = requested.json()
    path = f"/v1/verifications/{body['id']}/resend"
    assert deployment.confirm_code(requested, code).status_code == 200
    assert deployment.client.post(path, json={"client_secret": body["client_secret"]}).status_code == 410
    assert deployment.deliver_outbox() == []


def test_an_opt_out_ends_after_90_days(deployment: Deployment) -> None:
    opt_out(deployment, deployment.sign_in(PHONE))
    deployment.clock.advance(days=89)
    deployment.request_code(PHONE)
    assert deployment.deliver_outbox() == []
    deployment.clock.advance(days=1)
    deployment.request_code(PHONE)
    assert len(deployment.deliver_outbox()) == 1
    with deployment.database.write() as db:
        deployment.app.state.services.verification.erase_expired(db, now=deployment.clock())
    assert deployment.execute_sql("SELECT count(*) FROM opt_outs") == [(0,)]


def test_only_the_owner_can_opt_out(deployment: Deployment) -> None:
    assert opt_out(deployment, {}) == 401
    assert opt_out(deployment, {"Authorization": "Bearer made-up"}) == 401
    opt_out(deployment, deployment.sign_in("010-2000-0003"))
    deployment.request_code(PHONE)
    assert len(deployment.deliver_outbox()) == 1


def stored_pseudonyms(deployment: Deployment) -> list[bytes]:
    return [bytes(pseudonym) for (pseudonym,) in deployment.execute_sql("SELECT pseudonym FROM opt_outs")]


def test_the_table_holds_no_identifiers(deployment: Deployment) -> None:
    """Pseudonyms are keyed: neither the number nor a plain hash of it."""
    opt_out(deployment, deployment.sign_in(PHONE))
    (pseudonym,) = stored_pseudonyms(deployment)
    assert len(pseudonym) == 16
    assert b"2000" not in pseudonym


def test_a_pseudonym_takes_the_application_key_and_the_pepper(
    make_deployment: Callable[..., Deployment], tmp_path: Path
) -> None:
    """An attacker with the database and one of the two keys can test no number; the owner of both can."""
    pepper, other_pepper = Pepper.generate(), Pepper.generate()
    create_key_file(tmp_path / "pepper.key", pepper)
    with spawn_keyholder(tmp_path / "pepper.key", KeyholderSocket.LOOKUP) as socket:
        deployment = make_deployment(keyholder_socket=socket)
        opt_out(deployment, deployment.sign_in(PHONE))
    (pseudonym,) = stored_pseudonyms(deployment)
    application_key = deployment.keys.load_application_key()

    def name(key: ApplicationKey, pepper: Pepper) -> bytes:
        mac = hmac.digest(pepper.reveal(), pseudonym_input("phone", CANONICAL_PHONE), "sha256")
        return hmac.digest(key.subkey("pseudonyms"), mac, "sha256")[:16]

    assert name(application_key, pepper) == pseudonym
    assert name(application_key, other_pepper) != pseudonym
    assert name(ApplicationKey.generate(), pepper) != pseudonym
