"""Error pages: failed dependencies, rate limits and unknown paths. They say nothing about the person."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper
from app.datasets.sealed_rows import table_name
from app.keyholder import KeyholderSocket, spawn_keyholder
from app.locales import Locale
from app.web.texts import TEXTS
from tests.support.deployment import Deployment
from tests.web.helpers import BROWSER_HEADERS, HOLDER_PHONE, SAMPLE_ROWS, UNAFFECTED_PHONE, BrowserUser

KO = TEXTS["ko"]
RESULT_TITLES = [
    KO.answer.not_found.title,
    KO.answer.cannot_tell.title,
    *(getattr(KO.answer.holder, name).title for name in ("confirmed", "possible", "withdrawn", "under_review")),
]


def test_a_dead_keyholder_gives_an_error_page(make_deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    create_key_file(tmp_path / "pepper.key", Pepper.generate())
    with spawn_keyholder(tmp_path / "pepper.key", KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as keyholder_socket:
        deployment = make_deployment(keyholder_socket=keyholder_socket)
        deployment.import_and_publish(SAMPLE_ROWS)
        user = BrowserUser(deployment)
        user.open("/")
        user.verify(HOLDER_PHONE)
        other = BrowserUser(deployment)
        other.open("/")
        other.submit("/verify", identifier=UNAFFECTED_PHONE)
        code_page, code = other.page, deployment.deliver_outbox()[-1].code
    with user, other:
        assert_unavailable_page(user.open("/answer"))
        other.page = code_page
        assert_unavailable_page(other.submit("/confirm", code=code))
        assert "/code" in other.links, "the code is still valid and can be entered again"


@pytest.mark.parametrize("statement", ["DELETE FROM {}", "DROP TABLE {}"])
def test_missing_rows_or_tables_give_an_error_page(deployment: Deployment, statement: str) -> None:
    dataset = deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(UNAFFECTED_PHONE)
        assert KO.answer.not_found.title in user.text
        deployment.execute_sql(statement.format(table_name(dataset)))
        assert_unavailable_page(user.open("/answer"))
        assert "/answer" in user.links
        assert_unavailable_page(user.open("/receipts"))
        assert_unavailable_page(user.client.post("/check", data={"kind": "name", "value": "박지수"}))
        assert_unavailable_page(user.open("/answer?lang=en"), "en")


def assert_unavailable_page(page: httpx.Response, locale: Locale = "ko") -> None:
    assert page.status_code == 503
    assert page.headers["retry-after"] == "5"
    assert page.headers["cache-control"] == "no-store"
    assert TEXTS[locale].errors.unavailable.title in page.text
    assert TEXTS[locale].errors.unavailable.body in page.text
    for title in RESULT_TITLES:
        assert title not in page.text


def test_errors_are_pages_for_browsers_and_problems_for_api_clients(deployment: Deployment) -> None:
    client = deployment.client
    cases: list[tuple[str, str, dict[str, Any], int, str]] = [
        ("GET", "/nowhere", {}, 404, KO.errors.not_found.title),
        ("GET", "/static/other.css", {}, 404, KO.errors.not_found.title),
        ("DELETE", "/", {}, 405, KO.errors.method_not_allowed.title),
        (
            "POST",
            "/verify",
            {"content": b"{}", "headers": {"content-type": "application/json"}},
            415,
            KO.errors.other_error.title,
        ),
        ("POST", "/verify", {"data": {"identifier": "1" * 70_000}}, 413, KO.errors.too_large.title),
    ]
    for method, path, arguments, status, title in cases:
        page = client.request(method, path, **(arguments | {"headers": BROWSER_HEADERS | arguments.get("headers", {})}))
        assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
        assert title in page.text
        problem = client.request(method, path, **arguments)
        assert (problem.status_code, problem.headers["content-type"]) == (status, "application/problem+json")
    for path in ("/v1/nowhere", "/v1/exposures"):
        assert client.get(path, headers=BROWSER_HEADERS).headers["content-type"] == "application/problem+json"
    assert client.delete("/", headers=BROWSER_HEADERS).headers["allow"]


def test_the_request_limit_gives_an_error_page(make_deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    limits = tmp_path / "low_limits.toml"
    limits.write_text('[client]\nother = "2/minute"\n')
    with BrowserUser(make_deployment(limits_file=limits)) as user:
        user.open("/?lang=en")
        user.open("/")
        user.open("/")
        assert user.page.status_code == 429
        assert TEXTS["en"].errors.too_many_requests.title in user.text
        assert TEXTS["en"].errors.retry_after.format(seconds=user.page.headers["retry-after"]) in user.text


def test_a_rate_limited_form_keeps_what_was_typed(make_deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    limits = tmp_path / "low_limits.toml"
    limits.write_text('[client]\nunverified_codes = "2/hour"\n')
    with BrowserUser(make_deployment(limits_file=limits)) as user:
        for status in (200, 429):
            user.open("/")
            user.submit("/verify", identifier=HOLDER_PHONE)
            assert user.page.status_code == status
        assert KO.start.wait.format(wait=KO.start.durations.minutes.format(minutes=30)) in user.text
        assert user.page.headers["retry-after"] == "1800"
        assert f'value="{HOLDER_PHONE}"' in user.page.text


def test_the_waiting_room_keeps_the_ticket_in_a_cookie(
    make_deployment: Callable[..., Deployment], tmp_path: Path
) -> None:
    limits = tmp_path / "low_limits.toml"
    limits.write_text('[service]\nadmissions = "1/40 seconds"\n')
    deployment = make_deployment(limits_file=limits)
    deployment.request_code("010-2000-0001")
    with BrowserUser(deployment) as user:
        user.open("/")
        user.submit("/verify", identifier=HOLDER_PHONE)
        assert user.page.status_code == 503
        assert KO.start.queued.partition("{wait}")[0] in user.text
        assert f'value="{HOLDER_PHONE}"' in user.page.text
        deployment.clock.advance(seconds=int(user.page.headers["retry-after"]))
        user.submit("/verify", identifier=HOLDER_PHONE)
        assert user.page.url.path == "/code"
        assert "queue" not in user.client.cookies


def test_an_unhandled_exception_gives_an_error_page(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError(HOLDER_PHONE)

    with BrowserUser(deployment) as user:
        user.open("/")
        monkeypatch.setattr("app.verification.VerificationService.start", fail)
        user.submit("/verify", identifier=HOLDER_PHONE)
        assert user.page.status_code == 500
        assert KO.errors.internal_error.title in user.text
        assert HOLDER_PHONE not in user.page.text
        problem = deployment.request_code(HOLDER_PHONE)
        assert (problem.status_code, problem.headers["content-type"]) == (500, "application/problem+json")
