"""Answers that must look alike: who asks about somebody learns nothing, and neither does who watches the wire. Time is for `benchmarks/timing.py`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import Engine, event

from app.faces.http.padding import MIN_PAGE_BLOCKS, PADDING_BLOCK
from tests.faces.web.helpers import BROWSER_HEADERS, HOLDER_PHONE, SAMPLE_ROWS, RECIPIENT_PHONE, UNAFFECTED_PHONE, BrowserUser
from tests.support.responses import comparable_response
from tests.support.deployment import Deployment, make_row
from tests.support.permissive_limits import permissive_limits

BLOCKED, STOPPED, CROWDED = "010-2000-0009", "010-2000-0006", "010-0000-0000"
REVIEWED, MANY = "010-2000-0008", "010-2000-0007"
EVERYTHING = "name|email|phone|address|door_code_masked|door_code|order"
KNOWN = [
    *SAMPLE_ROWS,
    make_row("b1", phone=BLOCKED, name="문닫힘", items="name|phone"),
    make_row("s1", phone=STOPPED, name="그만해", items="name|phone"),
    *(make_row(f"m{number}", phone=MANY, name="한가족", address="서울 강남구", items=EVERYTHING) for number in range(12)),
    *(make_row(f"c{number}", phone=CROWDED, items="phone") for number in range(21)),
]
BEFORE = [*KNOWN, make_row("r1", phone=REVIEWED, name="옛사람", items="name")]
"""What the newest data set took the place of."""

BY_PHONE = {
    "hit": HOLDER_PHONE,
    "recipient": RECIPIENT_PHONE,
    "shared by a crowd": CROWDED,
    "superseded": REVIEWED,
    "known by an email only": "010-5000-0005",
    "blocked": BLOCKED,
    "stopped by its owner": STOPPED,
}
BY_EMAIL = {"hit": "jisoo@example.com", "possible": "maybe@example.com", "withdrawn": "cleared@example.com"}


@pytest.fixture
def known(make_deployment: Callable[..., Deployment], tmp_path: Path) -> Deployment:
    """A deployment with people of each kind, where one target's budget is spent, and one wants no codes."""
    limits = tmp_path / "small.toml"
    limits.write_text(permissive_limits({"target.codes": "20/hour"}))
    deployment = make_deployment(limits_file=limits)
    deployment.import_and_publish(BEFORE)
    deployment.import_and_publish(KNOWN)
    for _ in range(20):
        deployment.request_code(BLOCKED)
    assert len(deployment.deliver_outbox()) == 20
    assert deployment.client.post("/v1/stop-codes", headers=deployment.sign_in(STOPPED)).status_code == 204
    return deployment


@contextmanager
def statements() -> Iterator[list[tuple[str, int]]]:
    """All that is said to the database meanwhile, and how many rows each of it was about."""
    found: list[tuple[str, int]] = []

    def note(_: Any, cursor: Any, statement: str, *__: Any) -> None:
        found.append((statement, cursor.rowcount))

    event.listen(Engine, "after_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(Engine, "after_cursor_execute", note)


@pytest.mark.parametrize(
    ("who", "stranger"),
    [pytest.param(one, UNAFFECTED_PHONE, id=name) for name, one in BY_PHONE.items()]
    + [pytest.param(one, "nobody@example.com", id=f"{name} by email") for name, one in BY_EMAIL.items()],
)
def test_asking_for_a_code_says_nothing_of_whom_it_is_asked(known: Deployment, who: str, stranger: str) -> None:
    known.request_code(UNAFFECTED_PHONE)  # what is read once and remembered
    with statements() as of_who:
        asked = known.request_code(who)
    with statements() as of_stranger:
        other = known.request_code(stranger)
    assert asked.status_code == 202
    assert comparable_response(asked) == comparable_response(other)
    assert of_who == of_stranger
    assert len(known.deliver_outbox()) == (2 if who in (BLOCKED, STOPPED) else 3)  # which nobody sees but who reads that phone


@pytest.mark.parametrize(
    ("channel", "who", "stranger"),
    [("sms", "jisoo@example.com", "nobody@example.com"), ("email", HOLDER_PHONE, UNAFFECTED_PHONE), ("sms", "no", "never")],
)
def test_what_cannot_be_of_that_channel_is_refused_by_its_shape_alone(
    known: Deployment, channel: str, who: str, stranger: str
) -> None:
    with statements() as said_to_the_database:
        asked, other = (
            known.client.post("/v1/verifications", json={"channel": channel, "identifier": one})
            for one in (who, stranger)
        )
    assert asked.status_code == 422
    assert comparable_response(asked) == comparable_response(other)
    assert said_to_the_database == []


def test_the_page_on_which_a_code_is_asked_for_says_nothing_either(known: Deployment) -> None:
    answers = []
    for who in (HOLDER_PHONE, RECIPIENT_PHONE, UNAFFECTED_PHONE, BLOCKED, STOPPED):
        answer = known.client.post("/verify", data={"identifier": who}, headers=BROWSER_HEADERS)
        headers = {
            name: value for name, value in answer.headers.items() if name not in ("date", "x-request-id", "ratelimit")
        }
        cookie = headers.pop("set-cookie")
        answers.append((answer.status_code, headers, answer.content, len(cookie), cookie.partition("=")[0]))
    assert answers[0][0] == 303
    assert answers == [answers[0]] * 5


def call(deployment: Deployment, number: object, secret: str, what: str) -> httpx.Response:
    body = {"client_secret": secret} | ({"code": "12345678"} if what == "confirm" else {})
    return deployment.client.post(f"/v1/verifications/{number}/{what}", json=body)


@pytest.mark.parametrize("what", ["confirm", "resend"])
def test_an_unknown_id_and_a_wrong_secret_are_the_same_answer_and_the_same_work(known: Deployment, what: str) -> None:
    asked = known.request_code(HOLDER_PHONE).json()
    code = known.deliver_outbox()[-1].code
    known.clock.advance(minutes=1)
    call(known, uuid4(), "another", what)  # what is read once and remembered
    with statements() as of_wrong:
        wrong = call(known, asked["id"], "another", what)
    with statements() as of_unknown:
        unknown = call(known, uuid4(), asked["client_secret"], what)
    assert wrong.status_code == 404
    assert comparable_response(wrong) == comparable_response(unknown)
    assert of_wrong == of_unknown
    assert known.execute_sql("SELECT DISTINCT tries_left, resends_left FROM verifications WHERE ciphertext IS NOT NULL") == [(5, 4)]
    assert known.confirm_code(httpx.Response(202, json=asked), code).status_code == 200


@pytest.mark.parametrize("unsent_to", [BLOCKED, STOPPED])
def test_a_wrong_code_is_the_same_answer_and_the_same_work_where_none_was_sent(
    known: Deployment, unsent_to: str
) -> None:
    sent, unsent = known.request_code(HOLDER_PHONE), known.request_code(unsent_to)
    code = f"{(int(known.deliver_outbox()[-1].code) + 1) % 10**8:08}"
    for _ in range(5):
        with statements() as of_sent:
            one = known.confirm_code(sent, code)
        with statements() as of_unsent:
            other = known.confirm_code(unsent, code)
        assert one.status_code == 422
        assert comparable_response(one) == comparable_response(other)
        assert of_sent == of_unsent


GZIP = {"Accept-Encoding": "gzip, deflate, br, zstd"}


def sized(answer: httpx.Response) -> tuple[int, int]:
    """Bytes of an answer: of its body and of its headers, which a stranger sees as one number."""
    assert "content-encoding" not in answer.headers
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["cache-control"] == "no-store"
    assert len(answer.content) % PADDING_BLOCK == 0
    return len(answer.content), sum(len(name) + len(value) for name, value in answer.headers.raw)


def test_a_personal_answer_is_of_one_length_whatever_it_says(known: Deployment) -> None:
    answers = {}
    for who in (HOLDER_PHONE, RECIPIENT_PHONE, UNAFFECTED_PHONE, CROWDED, REVIEWED, *BY_EMAIL.values()):
        headers = known.sign_in(who) | GZIP
        answers[who] = known.client.get("/v1/exposures", headers=headers)
        known.client.get("/v1/acknowledgements", headers=headers)
    assert {sized(answer)[0] for answer in answers.values()} == {PADDING_BLOCK}
    assert len({sized(answer) for answer in answers.values()}) == 1
    assert len(answers[HOLDER_PHONE].json()["exposures"]) == 1
    assert answers[UNAFFECTED_PHONE].json()["exposures"] == []


def test_a_very_long_answer_shows_its_number_of_steps_and_no_more(known: Deployment) -> None:
    answer = known.client.get("/v1/exposures", headers=known.sign_in(MANY))
    assert len(answer.json()["exposures"]) == 12
    assert sized(answer)[0] > PADDING_BLOCK


@pytest.mark.parametrize(
    ("kind", "own", "others"),
    [("name", "박지수", "남궁민수"), ("phone", HOLDER_PHONE, UNAFFECTED_PHONE), ("email", "jisoo@example.com", "a@example.com")],
)
def test_a_value_that_matches_and_one_that_does_not_are_answers_of_one_length(
    known: Deployment, kind: str, own: str, others: str
) -> None:
    headers = known.sign_in(HOLDER_PHONE) | GZIP
    yes, no = (
        known.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
        for value in (own, others)
    )
    assert [one.json()["results"][0]["value"] for one in (yes, no)] == ["matched", "not_recognised"]
    assert sized(yes) == sized(no)
    nothing = known.client.post(
        "/v1/exposures/check", headers=known.sign_in(UNAFFECTED_PHONE) | GZIP, json={"kind": kind, "value": own}
    )
    assert nothing.json()["results"] == []
    assert sized(nothing) == sized(yes)


def test_receipts_are_of_one_length_whether_there_are_any(known: Deployment) -> None:
    headers = known.sign_in(HOLDER_PHONE) | GZIP
    (exposure,) = known.client.get("/v1/exposures", headers=headers).json()["exposures"]
    none = known.client.get("/v1/acknowledgements", headers=headers)
    body = {"exposure_id": exposure["id"], "notice_version": exposure["notice_version"], "locale": "ko"}
    new, again = (known.client.post("/v1/acknowledgements", headers=headers, json=body) for _ in range(2))
    one = known.client.get("/v1/acknowledgements", headers=headers)
    assert [answer.status_code for answer in (none, new, again, one)] == [200, 201, 200, 200]
    assert {sized(answer)[0] for answer in (none, new, again, one)} == {PADDING_BLOCK}
    assert one.json()["acknowledgements"] == [new.json()] == [again.json()]


@pytest.mark.parametrize("language", ["ko", "en"])
def test_a_page_is_of_one_length_whatever_it_says(known: Deployment, language: str) -> None:
    pages: list[httpx.Response] = []
    for who in (HOLDER_PHONE, RECIPIENT_PHONE, UNAFFECTED_PHONE, CROWDED, REVIEWED, *BY_EMAIL.values()):
        with BrowserUser(known, **GZIP) as person:
            person.open(f"/?lang={language}")
            person.verify(who)
            pages.append(person.page)
            if "/check" in person.form_actions:
                pages += [person.submit("/check", kind="name", value=value) for value in ("박지수", "남궁민수", " ")]
            pages.append(person.open("/receipts"))
            if who == HOLDER_PHONE:
                person.open("/answer")
                pages += [
                    person.client.post("/acknowledge", data={"exposure": "another", "notice_version": "1"}),
                    person.submit("/acknowledge"),
                    person.open("/receipts"),
                ]
                receipt = person.client.get("/receipts/1")
                assert receipt.json().keys() == {"kid", "payload", "signature"}
                assert sized(receipt)[0] == PADDING_BLOCK
    assert {page.status_code for page in pages} == {200, 404, 422}
    assert {sized(page)[0] for page in pages} == {MIN_PAGE_BLOCKS * PADDING_BLOCK}
    assert all(page.content.rstrip().endswith(b"</html>") for page in pages)
