"""The one-time code: 8 digits, 10 minutes, five tries, one use, only with its client secret."""

import threading
from collections import Counter
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from app.verification.service import CODE_LENGTH, RESEND_DELAYS
from tests.support.responses import comparable_response
from tests.support.deployment import Deployment, make_row

PHONE = "010-2000-0002"
KNOWN = [make_row("a2", phone=PHONE, email="jisoo@example.com", name="박지수", items="name|phone|email")]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**CODE_LENGTH:0{CODE_LENGTH}}"


def asked_and_code(deployment: Deployment, identifier: str = PHONE) -> tuple[httpx.Response, str]:
    asked = deployment.request_code(identifier)
    assert asked.status_code == 202, asked.text
    (message,) = deployment.deliver_outbox()
    return asked, message.code


def resend(deployment: Deployment, asked: httpx.Response) -> httpx.Response:
    body = asked.json()
    return deployment.client.post(
        f"/v1/verifications/{body['id']}/resend", json={"client_secret": body["client_secret"]}
    )


def assert_problem(answer: httpx.Response, status: int, name: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{name}"), answer.text


def test_affected_or_not_the_answer_is_the_same(deployment: Deployment) -> None:
    deployment.import_and_publish(KNOWN)
    affected, unaffected = deployment.request_code(PHONE), deployment.request_code("010-9999-9999")
    assert affected.status_code == 202
    assert comparable_response(affected) == comparable_response(unaffected)
    assert [len(message.code) for message in deployment.deliver_outbox()] == [8, 8]


def test_a_code_is_eight_digits_and_each_is_another(deployment: Deployment) -> None:
    for _ in range(20):
        deployment.request_code(PHONE)
    codes = [message.code for message in deployment.deliver_outbox()]
    assert all(len(code) == CODE_LENGTH and code.isascii() and code.isdigit() for code in codes)
    assert len(set(codes)) > 1


def test_a_code_goes_to_the_canonical_identifier_in_the_language_asked_for(deployment: Deployment) -> None:
    body = {"channel": "sms", "identifier": "+82 (0)10 2000 0002", "locale": "en"}
    assert deployment.client.post("/v1/verifications", json=body).status_code == 202
    (message,) = deployment.deliver_outbox()
    assert (message.channel, message.address, message.locale) == ("sms", "+821020000002", "en")


@pytest.mark.parametrize(
    ("channel", "identifier"),
    [("sms", "118"), ("sms", "min@example.com"), ("email", PHONE), ("email", "a@b@c"), ("sms", "010-123-4567")],
)
def test_what_cannot_be_an_identifier_is_refused_with_a_reason(
    deployment: Deployment, channel: str, identifier: str
) -> None:
    answer = deployment.client.post("/v1/verifications", json={"channel": channel, "identifier": identifier})
    assert_problem(answer, 422, "invalid-identifier")
    (fault,) = answer.json()["errors"]
    assert fault["pointer"] == "/identifier"
    assert fault["code"]
    assert deployment.deliver_outbox() == []


def test_five_tries_and_no_more(deployment: Deployment) -> None:
    asked, code = asked_and_code(deployment)
    for left in (4, 3, 2, 1, 0):
        answer = deployment.confirm_code(asked, wrong(code))
        assert_problem(answer, 422, "invalid-code")
        assert answer.json()["tries_left"] == left
    assert_problem(deployment.confirm_code(asked, code), 410, "verification-ended")
    assert_problem(resend(deployment, asked), 410, "verification-ended")


def test_two_parallel_tries_are_two(deployment: Deployment) -> None:
    asked, code = asked_and_code(deployment)
    answers: list[httpx.Response] = []

    def attempt() -> None:
        answers.append(deployment.confirm_code(asked, wrong(code)))

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answer.status_code for answer in answers) == {422: 5, 410: 7}
    assert sorted(answer.json()["tries_left"] for answer in answers if answer.status_code == 422) == [0, 1, 2, 3, 4]


def test_a_code_is_used_once_however_many_use_it_at_once(deployment: Deployment) -> None:
    asked, code = asked_and_code(deployment)
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(deployment.confirm_code(asked, code))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answer.status_code for answer in answers) == {200: 1, 410: 7}


def test_a_code_expires(deployment: Deployment) -> None:
    asked, code = asked_and_code(deployment)
    deployment.clock.advance(seconds=600)
    assert_problem(deployment.confirm_code(asked, code), 410, "verification-ended")
    asked, code = asked_and_code(deployment)
    deployment.clock.advance(seconds=599)
    assert deployment.confirm_code(asked, code).status_code == 200


def test_only_the_newest_code_is_good(deployment: Deployment) -> None:
    asked, old = asked_and_code(deployment)
    deployment.clock.advance(seconds=60)
    again = resend(deployment, asked)
    assert again.status_code == 202
    assert again.json()["id"] == asked.json()["id"]
    assert again.json()["expires_at"] > asked.json()["expires_at"]
    (message,) = deployment.deliver_outbox()
    if old != message.code:
        assert_problem(deployment.confirm_code(asked, old), 422, "invalid-code")
    assert deployment.confirm_code(asked, message.code).status_code == 200


def test_anothers_asking_neither_ends_nor_betrays_a_verification(deployment: Deployment) -> None:
    asked, code = asked_and_code(deployment)
    asked_and_code(deployment)
    assert deployment.confirm_code(asked, code).status_code == 200


def test_codes_are_sent_so_often_and_no_more(make_deployment: Callable[..., Deployment]) -> None:
    """The next code may be asked for after 1, 2, 5 and 10 minutes, the last only where codes are good for longer than that."""
    deployment = make_deployment(code_ttl=3600)
    asked, _ = asked_and_code(deployment)
    for wait in RESEND_DELAYS:
        assert_problem(resend(deployment, asked), 429, "too-many-requests")
        deployment.clock.advance(seconds=wait.total_seconds() - 1)
        soon = resend(deployment, asked)
        assert_problem(soon, 429, "too-many-requests")
        assert soon.headers["retry-after"] == "1"
        deployment.clock.advance(seconds=1)
        asked = resend(deployment, asked)
        assert asked.status_code == 202
    deployment.clock.advance(hours=1)
    assert_problem(resend(deployment, asked), 410, "verification-ended")


def test_an_unknown_id_and_a_wrong_secret_are_answered_alike(deployment: Deployment) -> None:
    asked, code = asked_and_code(deployment)
    unknown = deployment.client.post(
        f"/v1/verifications/{uuid4()}/confirm", json={"code": code, "client_secret": asked.json()["client_secret"]}
    )
    stranger = deployment.client.post(
        f"/v1/verifications/{asked.json()['id']}/confirm", json={"code": code, "client_secret": "another"}
    )
    for answer in (unknown, stranger):
        assert_problem(answer, 404, "unknown-verification")
    assert comparable_response(unknown) == comparable_response(stranger)
    assert deployment.confirm_code(asked, wrong(code)).json()["tries_left"] == 4  # a stranger spends no try


def test_a_session_ends(deployment: Deployment) -> None:
    deployment.import_and_publish(KNOWN)
    headers = deployment.sign_in(PHONE)
    deployment.clock.advance(seconds=1799)
    assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    deployment.clock.advance(seconds=1)
    assert_problem(deployment.client.get("/v1/exposures", headers=headers), 401, "no-session")


@pytest.mark.parametrize("authorization", ["", "Bearer", "Basic dTpw", "Bearer unknown", "Bearer 토큰".encode()])
def test_who_holds_no_session_gets_nothing(deployment: Deployment, authorization: str | bytes) -> None:
    deployment.import_and_publish(KNOWN)
    answer = deployment.client.get("/v1/exposures", headers={"Authorization": authorization})
    assert_problem(answer, 401, "no-session")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_session_takes_more_identifiers_up_to_a_limit(deployment: Deployment) -> None:
    headers = deployment.sign_in(PHONE)
    deployment.sign_in(PHONE, headers)  # the same again is one
    for number in range(9):
        deployment.sign_in(f"010-4000-{number:04}", headers)
    assert len(deployment.client.get("/v1/exposures", headers=headers).json()["identifiers"]) == 10
    asked, code = asked_and_code(deployment, "010-4000-9999")
    assert_problem(deployment.confirm_code(asked, code, headers), 409, "too-many-identifiers")
    assert deployment.confirm_code(asked, code).status_code == 200  # the code was not spent


def test_a_stale_session_does_not_spend_the_code(deployment: Deployment) -> None:
    asked, code = asked_and_code(deployment)
    assert_problem(deployment.confirm_code(asked, code, {"Authorization": "Bearer unknown"}), 401, "no-session")
    assert deployment.confirm_code(asked, code).status_code == 200


def test_one_who_verified_before_the_first_import_verifies_again(deployment: Deployment) -> None:
    headers = deployment.sign_in(PHONE)
    assert deployment.client.get("/v1/exposures", headers=headers).json()["datasets"] == []
    deployment.import_and_publish(KNOWN)
    answer = deployment.client.get("/v1/exposures", headers=headers)
    assert_problem(answer, 401, "verify-again")
    assert answer.headers["www-authenticate"] == "Bearer"
    deployment.sign_in(PHONE, headers)
    assert len(deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]) == 1


def test_what_time_has_ended_is_erased(deployment: Deployment) -> None:
    asked, code = asked_and_code(deployment)
    deployment.request_code("010-2000-0003")
    deployment.sign_in(PHONE)
    verification = deployment.app.state.services.verification
    deployment.clock.advance(hours=1)
    with deployment.database.write() as db:
        verification.erase_expired(db, now=deployment.clock())
    assert deployment.deliver_outbox() == []  # a code that is no longer good is not sent
    assert deployment.execute_sql("SELECT count(*) FROM verifications WHERE ciphertext IS NOT NULL") == [(0,)]
    assert deployment.execute_sql("SELECT count(*) FROM sessions") == [(0,)]
    assert_problem(deployment.confirm_code(asked, code), 410, "verification-ended")
    deployment.clock.advance(days=2)
    with deployment.database.write() as db:
        verification.erase_expired(db, now=deployment.clock())
    assert deployment.execute_sql("SELECT count(*) FROM verifications") == [(0,)]


def test_targets_are_erased_once_they_are_of_no_use(deployment: Deployment) -> None:
    asked, code = asked_and_code(deployment)
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]  # at delivery
    deployment.confirm_code(asked, code)
    assert deployment.execute_sql("SELECT count(*) FROM verifications WHERE ciphertext IS NOT NULL") == [(0,)]  # at its use
    asked, code = asked_and_code(deployment)
    for _ in range(5):
        deployment.confirm_code(asked, wrong(code))
    assert deployment.execute_sql("SELECT count(*) FROM verifications WHERE ciphertext IS NOT NULL") == [(0,)]  # out of tries
