"""The one-time code: 8 digits, 10 minutes, five tries, one use, and only with its client secret."""

import threading
from collections import Counter
from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from app.verification import CODE_LENGTH
from app.verification.service import RESEND_DELAYS
from tests.support.deployment import Deployment, make_row
from tests.support.responses import comparable_response

PHONE = "010-2000-0002"
AFFECTED = [make_row("a2", phone=PHONE, email="jisoo@example.com", name="박지수", items="name|phone|email")]


def wrong_code(code: str) -> str:
    return f"{(int(code) + 1) % 10**CODE_LENGTH:0{CODE_LENGTH}}"


def request_code(deployment: Deployment, identifier: str = PHONE) -> tuple[httpx.Response, str]:
    requested = deployment.request_code(identifier)
    assert requested.status_code == 202, requested.text
    (message,) = deployment.deliver_outbox()
    return requested, message.code


def resend(deployment: Deployment, requested: httpx.Response) -> httpx.Response:
    body = requested.json()
    return deployment.client.post(
        f"/v1/verifications/{body['id']}/resend", json={"client_secret": body["client_secret"]}
    )


def assert_problem(answer: httpx.Response, status: int, name: str) -> None:
    assert (answer.status_code, answer.json()["type"]) == (status, f"/problems/{name}"), answer.text


def test_the_response_does_not_depend_on_being_affected(deployment: Deployment) -> None:
    deployment.import_and_publish(AFFECTED)
    affected, unaffected = deployment.request_code(PHONE), deployment.request_code("010-9999-9999")
    assert affected.status_code == 202
    assert comparable_response(affected) == comparable_response(unaffected)
    assert [len(message.code) for message in deployment.deliver_outbox()] == [8, 8]


def test_a_code_is_eight_random_digits(deployment: Deployment) -> None:
    for _ in range(20):
        deployment.request_code(PHONE)
    codes = [message.code for message in deployment.deliver_outbox()]
    assert all(len(code) == CODE_LENGTH and code.isascii() and code.isdigit() for code in codes)
    assert len(set(codes)) > 1


def test_a_code_is_sent_to_the_canonical_identifier_in_the_requested_language(deployment: Deployment) -> None:
    body = {"channel": "sms", "identifier": "+82 (0)10 2000 0002", "locale": "en"}
    assert deployment.client.post("/v1/verifications", json=body).status_code == 202
    (message,) = deployment.deliver_outbox()
    assert (message.channel, message.address, message.locale) == ("sms", "+821020000002", "en")


@pytest.mark.parametrize(
    ("channel", "identifier"),
    [("sms", "118"), ("sms", "min@example.com"), ("email", PHONE), ("email", "a@b@c"), ("sms", "010-123-4567")],
)
def test_an_invalid_identifier_is_rejected_with_a_reason(deployment: Deployment, channel: str, identifier: str) -> None:
    answer = deployment.client.post("/v1/verifications", json={"channel": channel, "identifier": identifier})
    assert_problem(answer, 422, "invalid-identifier")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/identifier"
    assert error["code"]
    assert deployment.deliver_outbox() == []


def test_a_code_has_five_tries(deployment: Deployment) -> None:
    requested, code = request_code(deployment)
    for left in (4, 3, 2, 1, 0):
        answer = deployment.confirm_code(requested, wrong_code(code))
        assert_problem(answer, 422, "invalid-code")
        assert answer.json()["tries_left"] == left
    assert_problem(deployment.confirm_code(requested, code), 410, "verification-ended")
    assert_problem(resend(deployment, requested), 410, "verification-ended")


def test_concurrent_tries_count_separately(deployment: Deployment) -> None:
    requested, code = request_code(deployment)
    answers: list[httpx.Response] = []

    def attempt() -> None:
        answers.append(deployment.confirm_code(requested, wrong_code(code)))

    threads = [threading.Thread(target=attempt) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answer.status_code for answer in answers) == {422: 5, 410: 7}
    assert sorted(answer.json()["tries_left"] for answer in answers if answer.status_code == 422) == [0, 1, 2, 3, 4]


def test_a_code_is_accepted_once_under_concurrency(deployment: Deployment) -> None:
    requested, code = request_code(deployment)
    answers: list[httpx.Response] = []
    threads = [
        threading.Thread(target=lambda: answers.append(deployment.confirm_code(requested, code))) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(answer.status_code for answer in answers) == {200: 1, 410: 7}


def test_a_code_expires(deployment: Deployment) -> None:
    requested, code = request_code(deployment)
    deployment.clock.advance(seconds=600)
    assert_problem(deployment.confirm_code(requested, code), 410, "verification-ended")
    requested, code = request_code(deployment)
    deployment.clock.advance(seconds=599)
    assert deployment.confirm_code(requested, code).status_code == 200


def test_only_the_newest_code_is_valid(deployment: Deployment) -> None:
    requested, old = request_code(deployment)
    deployment.clock.advance(seconds=60)
    resent = resend(deployment, requested)
    assert resent.status_code == 202
    assert resent.json()["id"] == requested.json()["id"]
    assert resent.json()["expires_at"] > requested.json()["expires_at"]
    (message,) = deployment.deliver_outbox()
    if old != message.code:
        assert_problem(deployment.confirm_code(requested, old), 422, "invalid-code")
    assert deployment.confirm_code(requested, message.code).status_code == 200


def test_a_second_request_for_the_same_identifier_does_not_end_the_first(deployment: Deployment) -> None:
    requested, code = request_code(deployment)
    request_code(deployment)
    assert deployment.confirm_code(requested, code).status_code == 200


def test_resends_are_delayed_and_limited(make_deployment: Callable[..., Deployment]) -> None:
    """The next code may be requested after 1, 2, 5 and 10 minutes; the last only if codes are valid for longer than that."""
    deployment = make_deployment(code_ttl=3600)
    requested, _ = request_code(deployment)
    for wait in RESEND_DELAYS:
        assert_problem(resend(deployment, requested), 429, "too-many-requests")
        deployment.clock.advance(seconds=wait.total_seconds() - 1)
        early = resend(deployment, requested)
        assert_problem(early, 429, "too-many-requests")
        assert early.headers["retry-after"] == "1"
        deployment.clock.advance(seconds=1)
        requested = resend(deployment, requested)
        assert requested.status_code == 202
    deployment.clock.advance(hours=1)
    assert_problem(resend(deployment, requested), 410, "verification-ended")


def test_an_unknown_id_and_a_wrong_secret_get_the_same_response(deployment: Deployment) -> None:
    requested, code = request_code(deployment)
    unknown = deployment.client.post(
        f"/v1/verifications/{uuid4()}/confirm", json={"code": code, "client_secret": requested.json()["client_secret"]}
    )
    wrong_secret = deployment.client.post(
        f"/v1/verifications/{requested.json()['id']}/confirm", json={"code": code, "client_secret": "another"}
    )
    for answer in (unknown, wrong_secret):
        assert_problem(answer, 404, "unknown-verification")
    assert comparable_response(unknown) == comparable_response(wrong_secret)
    assert (
        deployment.confirm_code(requested, wrong_code(code)).json()["tries_left"] == 4
    )  # without the secret no try is used up


def test_a_session_expires(deployment: Deployment) -> None:
    deployment.import_and_publish(AFFECTED)
    headers = deployment.sign_in(PHONE)
    deployment.clock.advance(seconds=1799)
    assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    deployment.clock.advance(seconds=1)
    assert_problem(deployment.client.get("/v1/exposures", headers=headers), 401, "no-session")


@pytest.mark.parametrize("authorization", [b"", b"Bearer", b"Basic dTpw", b"Bearer unknown", "Bearer 토큰".encode()])
def test_a_missing_or_unknown_token_is_rejected(deployment: Deployment, authorization: bytes) -> None:
    deployment.import_and_publish(AFFECTED)
    answer = deployment.client.get("/v1/exposures", headers=[(b"Authorization", authorization)])
    assert_problem(answer, 401, "no-session")
    assert answer.headers["www-authenticate"] == "Bearer"


def test_a_session_holds_at_most_ten_identifiers(deployment: Deployment) -> None:
    headers = deployment.sign_in(PHONE)
    headers = deployment.sign_in(PHONE, headers)  # the same identifier again counts once
    for index in range(9):
        headers = deployment.sign_in(f"010-4000-{index:04}", headers)
    assert len(deployment.client.get("/v1/exposures", headers=headers).json()["identifiers"]) == 10
    requested, code = request_code(deployment, "010-4000-9999")
    assert_problem(deployment.confirm_code(requested, code, headers), 409, "too-many-identifiers")
    assert deployment.confirm_code(requested, code).status_code == 200  # the code was not used up


def test_an_unknown_session_does_not_use_up_the_code(deployment: Deployment) -> None:
    requested, code = request_code(deployment)
    assert_problem(deployment.confirm_code(requested, code, {"Authorization": "Bearer unknown"}), 401, "no-session")
    assert deployment.confirm_code(requested, code).status_code == 200


def test_a_session_from_before_the_first_import_needs_reverification(deployment: Deployment) -> None:
    headers = deployment.sign_in(PHONE)
    assert deployment.client.get("/v1/exposures", headers=headers).json()["datasets"] == []
    deployment.import_and_publish(AFFECTED)
    answer = deployment.client.get("/v1/exposures", headers=headers)
    assert_problem(answer, 401, "verify-again")
    assert answer.headers["www-authenticate"] == "Bearer"
    headers = deployment.sign_in(PHONE, headers)
    assert len(deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]) == 1


def test_expired_rows_are_erased(deployment: Deployment) -> None:
    requested, code = request_code(deployment)
    deployment.request_code("010-2000-0003")
    deployment.sign_in(PHONE)
    verification = deployment.app.state.services.verification
    deployment.clock.advance(hours=1)
    with deployment.database.write() as db:
        verification.erase_expired(db, now=deployment.clock())
    assert deployment.deliver_outbox() == []  # an expired code is not sent
    assert deployment.execute_sql("SELECT count(*) FROM verifications WHERE ciphertext IS NOT NULL") == [(0,)]
    assert deployment.execute_sql("SELECT count(*) FROM sessions") == [(0,)]
    assert_problem(deployment.confirm_code(requested, code), 410, "verification-ended")
    deployment.clock.advance(days=2)
    with deployment.database.write() as db:
        verification.erase_expired(db, now=deployment.clock())
    assert deployment.execute_sql("SELECT count(*) FROM verifications") == [(0,)]


def test_destinations_are_erased_as_soon_as_they_are_not_needed(deployment: Deployment) -> None:
    requested, code = request_code(deployment)
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]  # at delivery
    deployment.confirm_code(requested, code)
    assert deployment.execute_sql("SELECT count(*) FROM verifications WHERE ciphertext IS NOT NULL") == [
        (0,)
    ]  # at confirmation
    requested, code = request_code(deployment)
    for _ in range(5):
        deployment.confirm_code(requested, wrong_code(code))
    assert deployment.execute_sql("SELECT count(*) FROM verifications WHERE ciphertext IS NOT NULL") == [
        (0,)
    ]  # when no tries are left
