"""What people get wrong, and what fails: said clearly, and never an answer."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper
from app.datasets.sealed_rows import table_name
from app.faces.web.texts import TEXTS
from app.locales import Locale
from app.keyholder import KeyholderSocket, spawn_keyholder
from app.verification.service import MAX_TRIES
from tests.faces.web.helpers import BROWSER_HEADERS, HOLDER_PHONE, SAMPLE_ROWS, UNAFFECTED_PHONE, BrowserUser, cookies_of
from tests.support.deployment import Deployment

KO = TEXTS["ko"]
VERDICTS = [
    KO.answer.not_found.title,
    KO.answer.cannot_tell.title,
    *(getattr(KO.answer.holder, name).title for name in ("confirmed", "possible", "withdrawn", "under_review")),
]


def wrong(code: str) -> str:
    return f"{(int(code) + 1) % 10**8:08}"


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("", KO.start.empty),
        ("  ", KO.start.empty),
        ("010-12", KO.start.bad_phone),
        ("min@", KO.start.bad_email),
        ("min＠", KO.start.bad_email),
        ("1" * 5000, KO.start.bad_phone),
    ],
)
def test_what_cannot_be_an_identifier(deployment: Deployment, typed: str, said: str) -> None:
    with BrowserUser(deployment) as person:
        person.open("/")
        person.submit("/verify", identifier=typed)
        assert person.page.status_code == 422
        assert person.text.count(said) == 2
        assert 'href="#identifier"' in person.page.text
        assert 'aria-describedby="identifier-hint identifier-error"' in person.page.text
        assert f"<title>{KO.site.error_prefix}" in person.page.text
        assert deployment.deliver_outbox() == []


def test_a_wrong_code(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as person:
        person.open("/")
        person.submit("/verify", identifier=HOLDER_PHONE)
        code = deployment.deliver_outbox()[0].code
        for typed in ("", "1234", "abcdefgh", "123456789"):
            person.submit("/confirm", code=typed)
            assert person.page.status_code == 422
            assert KO.code.not_digits.format(digits=8) in person.text
        for left in range(MAX_TRIES - 1, 0, -1):
            person.submit("/confirm", code=wrong(code))
            assert person.page.status_code == 422
            assert KO.code.wrong.format(left=left) in person.text, "what cannot be a code cost a try"
        person.submit("/confirm", code=wrong(code))
        assert person.page.status_code == 410
        assert KO.start.ended in person.text
        assert "/verify" in person.form_actions


def test_a_code_with_spaces_or_full_width_digits(deployment: Deployment) -> None:
    for change in (
        lambda code: f" {code[:4]} {code[4:]}",
        lambda code: code.translate({48 + n: 0xFF10 + n for n in range(10)}),
    ):
        with BrowserUser(deployment) as person:
            person.open("/")
            person.submit("/verify", identifier=HOLDER_PHONE)
            person.submit("/confirm", code=change(deployment.deliver_outbox()[0].code))
            assert person.page.url.path == "/answer"


def test_a_code_whose_time_has_passed(deployment: Deployment) -> None:
    with BrowserUser(deployment) as person:
        person.open("/")
        person.submit("/verify", identifier=HOLDER_PHONE)
        code = deployment.deliver_outbox()[0].code
        deployment.clock.advance(seconds=deployment.settings.code_ttl)
        before = person.page
        for action, typed in (("/confirm", {"code": code}), ("/resend", {})):
            person.page = before
            person.submit(action, **typed)
            assert person.page.status_code == 410
            assert KO.start.ended in person.text


def test_a_new_code_takes_the_place_of_the_one_before(deployment: Deployment) -> None:
    with BrowserUser(deployment) as person:
        person.open("/")
        person.submit("/verify", identifier=HOLDER_PHONE)
        person.submit("/resend")
        assert person.page.status_code == 429
        assert person.page.headers["retry-after"] == "60"
        assert KO.code.too_soon.format(seconds=60) in person.text
        deployment.clock.advance(minutes=1)
        person.submit("/resend")
        assert KO.code.sent_anew in person.text
        first, second = deployment.deliver_outbox()
        if first.code != second.code:
            person.submit("/confirm", code=first.code)
            assert person.page.status_code == 422
        person.submit("/confirm", code=second.code)
        assert person.page.url.path == "/answer"


def test_without_a_code_on_its_way(deployment: Deployment) -> None:
    with BrowserUser(deployment) as person:
        assert person.open("/code").url.path == "/"
        person.client.cookies.set("verification", "bm90IGEgY29kZQ")
        assert person.open("/code").url.path == "/"
        assert person.client.post("/confirm", data={"code": "12345678"}).status_code == 410


def test_a_stale_session_keeps_nobody_out(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(UNAFFECTED_PHONE)
        deployment.clock.advance(seconds=deployment.settings.session_ttl)
        person.submit("/verify", identifier=HOLDER_PHONE)
        person.submit("/confirm", code=deployment.deliver_outbox()[-1].code)
        assert KO.answer.holder.confirmed.title in person.text
        assert "010-****-9999" not in person.text
        deployment.clock.advance(seconds=deployment.settings.session_ttl)
        person.submit("/acknowledge")
        assert person.page.url.path == "/"
        assert KO.start.verify_first in person.text
        person.client.cookies.set("session", "planted")
        person.submit("/verify", identifier=HOLDER_PHONE)
        confirmed = person.client.post("/confirm", data={"code": deployment.deliver_outbox()[-1].code})
        assert confirmed.headers["location"] == "/answer"
        assert len(cookies_of(confirmed)["session"].value) == 43, "a new token, not the one that was planted"


def test_too_many_identifiers(deployment: Deployment) -> None:
    with BrowserUser(deployment) as person:
        person.open("/")
        for number in range(11):
            person.verify(f"010-5000-{number:04}")
        assert person.page.status_code == 409
        assert KO.answer.too_many_identifiers in person.text
        assert "010-****-0009" in person.text


def test_what_cannot_be_checked(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(HOLDER_PHONE)
        person.submit("/check", kind="name", value="박*수")
        assert person.page.status_code == 422
        assert person.text.count(KO.check.invalid) == 2


def test_only_ones_own_exposures_are_acknowledged(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(HOLDER_PHONE)
        for data in ({"exposure": "0" * 32, "notice_version": "1"}, {"notice_version": "1"}):
            refused = person.client.post("/acknowledge", data=data)
            assert refused.status_code == 404
            assert KO.notice.stale in refused.text
        assert person.client.get("/receipts/1").status_code == 404


def test_a_dead_keyholder(make_deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    create_key_file(tmp_path / "pepper.key", Pepper.generate())
    with spawn_keyholder(tmp_path / "pepper.key", KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as keyholder_socket:
        deployment = make_deployment(keyholder_socket=keyholder_socket)
        deployment.import_and_publish(SAMPLE_ROWS)
        person = BrowserUser(deployment)
        person.open("/")
        person.verify(HOLDER_PHONE)
        other = BrowserUser(deployment)
        other.open("/")
        other.submit("/verify", identifier=UNAFFECTED_PHONE)
        code_page, code = other.page, deployment.deliver_outbox()[-1].code
    with person, other:
        assert_says_nothing(person.open("/answer"))
        other.page = code_page
        assert_says_nothing(other.submit("/confirm", code=code))
        assert "/code" in other.links, "the code is still good: it can be typed again"


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "DROP TABLE {}"])
def test_a_broken_store(deployment: Deployment, statement: str) -> None:
    dataset = deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(UNAFFECTED_PHONE)
        assert KO.answer.not_found.title in person.text
        deployment.execute_sql(statement.format(table_name(dataset)))
        assert_says_nothing(person.open("/answer"))
        assert "/answer" in person.links
        assert_says_nothing(person.open("/receipts"))
        assert_says_nothing(person.client.post("/check", data={"kind": "name", "value": "박지수"}))
        assert_says_nothing(person.open("/answer?lang=en"), "en")


def assert_says_nothing(page: httpx.Response, locale: Locale = "ko") -> None:
    assert page.status_code == 503
    assert page.headers["retry-after"] == "5"
    assert page.headers["cache-control"] == "no-store"
    assert TEXTS[locale].failures.unavailable.title in page.text
    assert TEXTS[locale].failures.unavailable.body in page.text
    for verdict in VERDICTS:
        assert verdict not in page.text


def test_errors_are_pages_for_people_and_problems_for_machines(deployment: Deployment) -> None:
    client = deployment.client
    cases: list[tuple[str, str, dict[str, Any], int, str]] = [
        ("GET", "/nowhere", {}, 404, KO.failures.not_found.title),
        ("GET", "/static/other.css", {}, 404, KO.failures.not_found.title),
        ("DELETE", "/", {}, 405, KO.failures.method.title),
        (
            "POST",
            "/verify",
            {"content": b"{}", "headers": {"content-type": "application/json"}},
            415,
            KO.failures.other.title,
        ),
        ("POST", "/verify", {"data": {"identifier": "1" * 70_000}}, 413, KO.failures.too_large.title),
    ]
    for method, path, given, status, title in cases:
        page = client.request(method, path, **(given | {"headers": BROWSER_HEADERS | given.get("headers", {})}))
        assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert title in page.text
        problem = client.request(method, path, **given)
        assert (problem.status_code, problem.headers["content-type"]) == (status, "application/problem+json")
    for path in ("/v1/nowhere", "/v1/exposures"):
        assert client.get(path, headers=BROWSER_HEADERS).headers["content-type"] == "application/problem+json"
    assert client.delete("/", headers=BROWSER_HEADERS).headers["allow"]


def test_too_many_requests(make_deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    limits = tmp_path / "few.toml"
    limits.write_text('[client]\nother = "2/minute"\n')
    with BrowserUser(make_deployment(limits_file=limits)) as person:
        person.open("/?lang=en")
        person.open("/")
        person.open("/")
        assert person.page.status_code == 429
        assert TEXTS["en"].failures.too_many.title in person.text
        assert TEXTS["en"].failures.wait.format(seconds=person.page.headers["retry-after"]) in person.text


def test_who_asks_too_often_keeps_what_was_typed(make_deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    limits = tmp_path / "few.toml"
    limits.write_text('[client]\nunverified_codes = "2/hour"\n')
    with BrowserUser(make_deployment(limits_file=limits)) as person:
        for status in (200, 429):
            person.open("/")
            person.submit("/verify", identifier=HOLDER_PHONE)
            assert person.page.status_code == status
        assert KO.start.wait.format(wait=KO.start.time.minutes.format(minutes=30)) in person.text
        assert person.page.headers["retry-after"] == "1800"
        assert f'value="{HOLDER_PHONE}"' in person.page.text


def test_a_crowd_waits_its_turn_and_nobody_begins_again(make_deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    limits = tmp_path / "few.toml"
    limits.write_text('[service]\nadmissions = "1/40 seconds"\n')
    deployment = make_deployment(limits_file=limits)
    deployment.request_code("010-2000-0001")
    with BrowserUser(deployment) as person:
        person.open("/")
        person.submit("/verify", identifier=HOLDER_PHONE)
        assert person.page.status_code == 503
        assert KO.start.crowded.partition("{wait}")[0] in person.text
        assert f'value="{HOLDER_PHONE}"' in person.page.text
        deployment.clock.advance(seconds=int(person.page.headers["retry-after"]))
        person.submit("/verify", identifier=HOLDER_PHONE)
        assert person.page.url.path == "/code"
        assert "place" not in person.client.cookies


def test_who_wants_no_more_codes(deployment: Deployment) -> None:
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(HOLDER_PHONE)
        person.submit("/stop-codes")
        assert KO.answer.stopped in person.text
        deployment.request_code(HOLDER_PHONE)
        assert deployment.deliver_outbox() == []
        person.client.cookies.clear()
        assert person.client.post("/stop-codes").headers["location"] == "/?because=verify-first"


def test_what_nobody_foresaw(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(HOLDER_PHONE)

    with BrowserUser(deployment) as person:
        person.open("/")
        monkeypatch.setattr("app.verification.VerificationService.start", fail)
        person.submit("/verify", identifier=HOLDER_PHONE)
        assert person.page.status_code == 500
        assert KO.failures.internal.title in person.text
        assert HOLDER_PHONE not in person.page.text
        problem = deployment.request_code(HOLDER_PHONE)
        assert (problem.status_code, problem.headers["content-type"]) == (500, "application/problem+json")


def test_a_code_page_says_until_when(deployment: Deployment) -> None:
    with BrowserUser(deployment) as person:
        person.open("/")
        person.submit("/verify", identifier=HOLDER_PHONE)
        until = deployment.clock() + timedelta(seconds=deployment.settings.code_ttl, hours=9)
        assert f"{until:%H:%M}" in person.text
