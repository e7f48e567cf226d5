"""Responses that must be indistinguishable, to a client and to an observer of the network. `benchmarks/timing.py` compares their timing."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine, event

from app.http.padding import MIN_PAGE_BLOCKS, PADDING_BLOCK
from tests.support.deployment import Deployment, make_row
from tests.support.permissive_limits import permissive_limits
from tests.support.responses import comparable_response
from tests.web.helpers import (
    BROWSER_HEADERS,
    HOLDER_PHONE,
    RECIPIENT_PHONE,
    SAMPLE_ROWS,
    UNAFFECTED_PHONE,
    BrowserUser,
)

pytestmark = pytest.mark.slow

LIMITED, OPTED_OUT, SHARED = "010-2000-0009", "010-2000-0006", "010-0000-0000"
SUPERSEDED, MANY_EXPOSURES = "010-2000-0008", "010-2000-0007"
ALL_ITEMS = "name|email|phone|address|door_code_masked|door_code|order"
CURRENT_ROWS = [
    *SAMPLE_ROWS,
    make_row("b1", phone=LIMITED, name="문닫힘", items="name|phone"),
    make_row("s1", phone=OPTED_OUT, name="그만해", items="name|phone"),
    *(
        make_row(f"m{number}", phone=MANY_EXPOSURES, name="한가족", address="서울 강남구", items=ALL_ITEMS)
        for number in range(12)
    ),
    *(make_row(f"c{number}", phone=SHARED, items="phone") for number in range(21)),
]
PREVIOUS_ROWS = [*CURRENT_ROWS, make_row("r1", phone=SUPERSEDED, name="옛사람", items="name")]
"""Rows of the data set that the current one superseded."""

PHONES_BY_CASE = {
    "hit": HOLDER_PHONE,
    "recipient": RECIPIENT_PHONE,
    "shared by too many people": SHARED,
    "superseded": SUPERSEDED,
    "affected, but by email only": "010-5000-0005",
    "limit reached": LIMITED,
    "opted out": OPTED_OUT,
}
EMAILS_BY_CASE = {"hit": "jisoo@example.com", "possible": "maybe@example.com", "withdrawn": "cleared@example.com"}


@pytest.fixture
def populated(make_deployment: Callable[..., Deployment], tmp_path: Path) -> Deployment:
    """A deployment with people of every kind, where one identifier has reached its limit and one has opted out."""
    limits_file = tmp_path / "small.toml"
    limits_file.write_text(permissive_limits({"target.codes": "20/hour"}))
    deployment = make_deployment(limits_file=limits_file)
    deployment.import_and_publish(PREVIOUS_ROWS)
    deployment.import_and_publish(CURRENT_ROWS)
    for _ in range(20):
        deployment.request_code(LIMITED)
    assert len(deployment.deliver_outbox()) == 20
    assert deployment.client.post("/v1/stop-codes", headers=deployment.sign_in(OPTED_OUT)).status_code == 204
    return deployment


@contextmanager
def recorded_statements() -> Iterator[list[tuple[str, int]]]:
    """Record the SQL statements executed in the block, with their row counts."""
    recorded: list[tuple[str, int]] = []

    def record(_: Any, cursor: Any, statement: str, *__: Any) -> None:
        recorded.append((statement, cursor.rowcount))

    event.listen(Engine, "after_cursor_execute", record)
    try:
        yield recorded
    finally:
        event.remove(Engine, "after_cursor_execute", record)


@pytest.mark.parametrize(
    ("identifier", "unaffected"),
    [pytest.param(phone, UNAFFECTED_PHONE, id=case) for case, phone in PHONES_BY_CASE.items()]
    + [pytest.param(email, "nobody@example.com", id=f"{case} by email") for case, email in EMAILS_BY_CASE.items()],
)
def test_requesting_a_code_does_not_reveal_who_is_affected(
    populated: Deployment, identifier: str, unaffected: str
) -> None:
    populated.request_code(UNAFFECTED_PHONE)  # fills the caches
    with recorded_statements() as statements:
        response = populated.request_code(identifier)
    with recorded_statements() as unaffected_statements:
        unaffected_response = populated.request_code(unaffected)
    assert response.status_code == 202
    assert comparable_response(response) == comparable_response(unaffected_response)
    assert statements == unaffected_statements
    sent = 2 if identifier in (LIMITED, OPTED_OUT) else 3  # only the owner of the phone sees the difference
    assert len(populated.deliver_outbox()) == sent


@pytest.mark.parametrize(
    ("channel", "identifier", "other"),
    [
        ("sms", "jisoo@example.com", "nobody@example.com"),
        ("email", HOLDER_PHONE, UNAFFECTED_PHONE),
        ("sms", "no", "never"),
    ],
)
def test_an_identifier_invalid_for_the_channel_is_refused_without_reading_the_database(
    populated: Deployment, channel: str, identifier: str, other: str
) -> None:
    with recorded_statements() as statements:
        response, other_response = (
            populated.client.post("/v1/verifications", json={"channel": channel, "identifier": text})
            for text in (identifier, other)
        )
    assert response.status_code == 422
    assert comparable_response(response) == comparable_response(other_response)
    assert statements == []


def test_requesting_a_code_on_the_page_does_not_reveal_who_is_affected(populated: Deployment) -> None:
    observed = []
    for phone in (HOLDER_PHONE, RECIPIENT_PHONE, UNAFFECTED_PHONE, LIMITED, OPTED_OUT):
        response = populated.client.post("/verify", data={"identifier": phone}, headers=BROWSER_HEADERS)
        headers = {
            name: value for name, value in response.headers.items() if name not in ("date", "x-request-id", "ratelimit")
        }
        cookie = headers.pop("set-cookie")
        observed.append((response.status_code, headers, response.content, len(cookie), cookie.partition("=")[0]))
    assert observed[0][0] == 303
    assert observed == [observed[0]] * 5


def post_to_verification(
    deployment: Deployment, verification_id: object, client_secret: str, action: str
) -> httpx.Response:
    body = {"client_secret": client_secret} | ({"code": "12345678"} if action == "confirm" else {})
    return deployment.client.post(f"/v1/verifications/{verification_id}/{action}", json=body)


@pytest.mark.parametrize("action", ["confirm", "resend"])
def test_an_unknown_id_and_a_wrong_secret_are_indistinguishable(populated: Deployment, action: str) -> None:
    started = populated.request_code(HOLDER_PHONE).json()
    code = populated.deliver_outbox()[-1].code
    populated.clock.advance(minutes=1)
    post_to_verification(populated, uuid4(), "another", action)  # fills the caches
    with recorded_statements() as wrong_secret_statements:
        wrong_secret = post_to_verification(populated, started["id"], "another", action)
    with recorded_statements() as unknown_id_statements:
        unknown_id = post_to_verification(populated, uuid4(), started["client_secret"], action)
    assert wrong_secret.status_code == 404
    assert comparable_response(wrong_secret) == comparable_response(unknown_id)
    assert wrong_secret_statements == unknown_id_statements
    assert populated.execute_sql(
        "SELECT DISTINCT tries_left, resends_left FROM verifications WHERE ciphertext IS NOT NULL"
    ) == [(5, 4)]
    assert populated.confirm_code(httpx.Response(202, json=started), code).status_code == 200


@pytest.mark.parametrize("withheld_from", [LIMITED, OPTED_OUT])
def test_a_wrong_code_does_not_reveal_whether_a_code_was_sent(populated: Deployment, withheld_from: str) -> None:
    sent, withheld = populated.request_code(HOLDER_PHONE), populated.request_code(withheld_from)
    wrong_code = f"{(int(populated.deliver_outbox()[-1].code) + 1) % 10**8:08}"
    for _ in range(5):
        with recorded_statements() as sent_statements:
            response = populated.confirm_code(sent, wrong_code)
        with recorded_statements() as withheld_statements:
            withheld_response = populated.confirm_code(withheld, wrong_code)
        assert response.status_code == 422
        assert comparable_response(response) == comparable_response(withheld_response)
        assert sent_statements == withheld_statements


ACCEPT_COMPRESSED = {"Accept-Encoding": "gzip, deflate, br, zstd"}


def sizes_of(response: httpx.Response) -> tuple[int, int]:
    """Return the bytes of body and headers. An observer of the network sees their sum."""
    assert "content-encoding" not in response.headers
    assert response.headers["content-length"] == str(len(response.content))
    assert response.headers["cache-control"] == "no-store"
    assert len(response.content) % PADDING_BLOCK == 0
    return len(response.content), sum(len(name) + len(value) for name, value in response.headers.raw)


def test_personal_responses_have_the_same_size_whatever_they_contain(populated: Deployment) -> None:
    responses = {}
    for identifier in (HOLDER_PHONE, RECIPIENT_PHONE, UNAFFECTED_PHONE, SHARED, SUPERSEDED, *EMAILS_BY_CASE.values()):
        headers = populated.sign_in(identifier) | ACCEPT_COMPRESSED
        responses[identifier] = populated.client.get("/v1/exposures", headers=headers)
        populated.client.get("/v1/acknowledgements", headers=headers)
    assert {sizes_of(response)[0] for response in responses.values()} == {PADDING_BLOCK}
    assert len({sizes_of(response) for response in responses.values()}) == 1
    assert len(responses[HOLDER_PHONE].json()["exposures"]) == 1
    assert responses[UNAFFECTED_PHONE].json()["exposures"] == []


def test_a_long_response_reveals_only_its_number_of_blocks(populated: Deployment) -> None:
    response = populated.client.get("/v1/exposures", headers=populated.sign_in(MANY_EXPOSURES))
    assert len(response.json()["exposures"]) == 12
    assert sizes_of(response)[0] > PADDING_BLOCK


@pytest.mark.parametrize(
    ("kind", "own_value", "other_value"),
    [
        ("name", "박지수", "남궁민수"),
        ("phone", HOLDER_PHONE, UNAFFECTED_PHONE),
        ("email", "jisoo@example.com", "a@example.com"),
    ],
)
def test_value_checks_have_the_same_size_whether_or_not_they_match(
    populated: Deployment, kind: str, own_value: str, other_value: str
) -> None:
    headers = populated.sign_in(HOLDER_PHONE) | ACCEPT_COMPRESSED
    match, mismatch = (
        populated.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
        for value in (own_value, other_value)
    )
    assert [response.json()["results"][0]["value"] for response in (match, mismatch)] == ["matched", "not_recognised"]
    assert sizes_of(match) == sizes_of(mismatch)
    unaffected = populated.client.post(
        "/v1/exposures/check",
        headers=populated.sign_in(UNAFFECTED_PHONE) | ACCEPT_COMPRESSED,
        json={"kind": kind, "value": own_value},
    )
    assert unaffected.json()["results"] == []
    assert sizes_of(unaffected) == sizes_of(match)


def test_receipt_lists_have_the_same_size_with_and_without_receipts(populated: Deployment) -> None:
    headers = populated.sign_in(HOLDER_PHONE) | ACCEPT_COMPRESSED
    (exposure,) = populated.client.get("/v1/exposures", headers=headers).json()["exposures"]
    empty_list = populated.client.get("/v1/acknowledgements", headers=headers)
    body = {"exposure_id": exposure["id"], "notice_version": exposure["notice_version"], "locale": "ko"}
    created, repeated = (populated.client.post("/v1/acknowledgements", headers=headers, json=body) for _ in range(2))
    full_list = populated.client.get("/v1/acknowledgements", headers=headers)
    assert [response.status_code for response in (empty_list, created, repeated, full_list)] == [200, 201, 200, 200]
    assert {sizes_of(response)[0] for response in (empty_list, created, repeated, full_list)} == {PADDING_BLOCK}
    assert full_list.json()["acknowledgements"] == [created.json()] == [repeated.json()]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_pages_have_the_same_size_whatever_they_contain(populated: Deployment, language: str) -> None:
    pages: list[httpx.Response] = []
    for identifier in (HOLDER_PHONE, RECIPIENT_PHONE, UNAFFECTED_PHONE, SHARED, SUPERSEDED, *EMAILS_BY_CASE.values()):
        with BrowserUser(populated, **ACCEPT_COMPRESSED) as person:
            person.open(f"/?lang={language}")
            person.verify(identifier)
            pages.append(person.page)
            if "/check" in person.form_actions:
                pages += [person.submit("/check", kind="name", value=value) for value in ("박지수", "남궁민수", " ")]
            pages.append(person.open("/receipts"))
            if identifier == HOLDER_PHONE:
                person.open("/answer")
                pages += [
                    person.client.post("/acknowledge", data={"exposure": "another", "notice_version": "1"}),
                    person.submit("/acknowledge"),
                    person.open("/receipts"),
                ]
                receipt = person.client.get("/receipts/1")
                assert receipt.json().keys() == {"kid", "payload", "signature"}
                assert sizes_of(receipt)[0] == PADDING_BLOCK
    assert {page.status_code for page in pages} == {200, 404, 422}
    assert {sizes_of(page)[0] for page in pages} == {MIN_PAGE_BLOCKS * PADDING_BLOCK}
    assert all(page.content.rstrip().endswith(b"</html>") for page in pages)
