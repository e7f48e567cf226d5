"""Cookie attributes, cross-site requests, personal data in URLs, caching and HTML escaping."""

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute

from app.http.rate_limit.route import RateLimitedRoute
from app.incidents import service as incidents
from app.incidents.schema import Incident
from app.web import ROUTERS
from app.web.cookies import PendingVerification
from app.web.pages import TEMPLATES
from app.web.texts import TEXTS
from tests.support.deployment import Deployment, make_row
from tests.web.helpers import BROWSER_HEADERS, HOLDER_PHONE, SAMPLE_ROWS, BrowserUser, set_cookies_of

SCRIPT_TAG = "<script>alert('&')</script>"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run on SQLite only: these tests do not depend on the database."""
    return sqlite_url


def test_cookie_attributes(deployment: Deployment) -> None:
    with BrowserUser(deployment) as user:
        user.open("/?lang=en")
        user.verify(HOLDER_PHONE)
        user.submit("/sign-out")
        found = [(name, cookie) for response in user.responses for name, cookie in set_cookies_of(response).items()]
        assert {name for name, _ in found} == {"lang", "verification", "session"}
        for name, cookie in found:
            assert cookie["httponly"]
            assert cookie["samesite"] == ("lax" if name == "lang" else "strict")
            assert cookie["path"] == "/"
            assert not cookie["domain"]
            assert not cookie["secure"]
        first_max_age = {name: cookie["max-age"] for name, cookie in reversed(found)}
        assert first_max_age["verification"] == str(deployment.settings.code_ttl)
        assert first_max_age["session"] == "", "the browser must delete the session cookie when it closes"
        last_max_age = {name: cookie["max-age"] for name, cookie in found[-2:]}
        assert last_max_age == {"session": "0", "verification": "0"}


def test_cookies_have_the_host_prefix_over_https(make_deployment: Callable[..., Deployment]) -> None:
    deployment = make_deployment(public_url="https://leak.example")
    headers = BROWSER_HEADERS | {"host": "leak.example"}
    client = httpx.Client(base_url=deployment.wire_client.base_url, headers=headers, trust_env=False)
    with client:
        pending = set_cookies_of(client.post("/verify", data={"identifier": HOLDER_PHONE}))["__Host-verification"]
        confirmed = client.post(
            "/confirm",
            data={"code": deployment.deliver_outbox()[0].code},
            headers={"cookie": f"__Host-verification={pending.value}"},
        )
        session = set_cookies_of(confirmed)["__Host-session"]
        for cookie in (pending, session):
            assert cookie["secure"]
            assert cookie["path"] == "/"
            assert not cookie["domain"]
        answer = client.get("/answer", headers={"cookie": f"__Host-session={session.value}"})
        assert answer.status_code == 200
        assert client.get("/answer", headers={"cookie": f"session={session.value}"}).status_code == 303


@pytest.mark.parametrize(
    ("headers", "accepted"),
    [
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "SELF"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "http://127.0.0.1:1"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": "SELF"}, True),
        ({"origin": "null"}, False),
        ({"origin": "http://["}, False),
        ({"origin": ""}, False),
        ({}, True),
    ],
)
def test_cross_site_forms_are_rejected(deployment: Deployment, headers: dict[str, str], accepted: bool) -> None:
    own_origin = str(deployment.wire_client.base_url).rstrip("/")
    request_headers = {name: own_origin if value == "SELF" else value for name, value in headers.items()}
    for route in (route for router in ROUTERS for route in router.routes):
        assert isinstance(route, APIRoute)
        assert route.methods
        if "POST" not in route.methods:
            continue
        page = deployment.wire_client.post(
            route.path, headers=BROWSER_HEADERS | request_headers, data={"identifier": HOLDER_PHONE}
        )
        assert (page.status_code != 403) == accepted, route.path
        assert accepted or TEXTS["ko"].errors.forbidden.title in page.text
    assert bool(deployment.deliver_outbox()) == accepted


def test_cross_site_links_are_accepted(deployment: Deployment) -> None:
    assert deployment.client.get("/", headers=BROWSER_HEADERS | {"sec-fetch-site": "cross-site"}).status_code == 200


def test_every_route_is_rate_limited_and_absent_from_openapi() -> None:
    routes = [route for router in ROUTERS for route in router.routes]
    assert len(routes) == 13
    for route in routes:
        assert isinstance(route, RateLimitedRoute)
        assert route.route_limit
        assert not route.include_in_schema


def test_no_personal_data_or_secret_in_any_url(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as user:
        user.open("/")
        user.submit("/verify", identifier=HOLDER_PHONE)
        code = deployment.deliver_outbox()[0].code
        pending = PendingVerification.from_cookie(user.client.cookies["verification"])
        assert pending is not None
        user.submit("/confirm", code=code)
        token = user.client.cookies["session"]
        exposure_ids = re.findall(r'name="exposure" value="(.+?)"', user.page.text)
        assert exposure_ids
        user.submit("/check", kind="name", value="박지수")
        user.submit("/acknowledge")
        user.open("/receipts")
        user.open("/receipts/1")
        user.open("/answer")
        user.submit("/sign-out")
        secrets = [
            HOLDER_PHONE,
            "2000",
            "지수",
            "%EC",
            code,
            token,
            pending.client_secret,
            str(pending.id),
            *exposure_ids,
        ]
        for page in user.responses:
            urls = [
                str(page.url),
                page.headers.get("location", ""),
                *re.findall(r'(?:href|src|action)="(.*?)"', page.text),
            ]
            for secret in secrets:
                assert not any(secret in url for url in urls), urls
            assert token not in page.text
            assert pending.client_secret not in page.text
            assert str(pending.id) not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert page.headers["cache-control"] == "no-store"
            assert "<script" not in page.text
            assert not re.search(r'\s(?:style|on\w+)="', page.text)


def test_the_stylesheet_is_cached(deployment: Deployment) -> None:
    page = deployment.client.get("/", headers=BROWSER_HEADERS)
    (stylesheet_url,) = re.findall(r'<link rel="stylesheet" href="(.+?)"', page.text)
    style = deployment.client.get(stylesheet_url)
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "url(" not in style.text
    assert "@import" not in style.text
    icon = deployment.client.get("/static/icon.svg")
    assert icon.headers["content-type"].startswith("image/svg+xml")


def test_typed_text_is_escaped(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as user:
        user.open("/")
        user.submit("/verify", identifier=SCRIPT_TAG)
        assert_escaped(user.page)
        user.verify(HOLDER_PHONE)
        user.submit("/check", kind="name", value=f"a{SCRIPT_TAG}")
        assert_escaped(user.page)
        user.submit("/check", kind="address", value=f'서울 강남구 테헤란로 12 "{SCRIPT_TAG}')
        assert_escaped(user.page)
        forged = PendingVerification(uuid4(), "secret", SCRIPT_TAG, deployment.clock())
        user.client.cookies.set("verification", forged.to_cookie())
        assert_escaped(user.client.get("/code"))


def test_incident_texts_are_escaped(deployment: Deployment) -> None:
    def replace_texts(text: dict[str, Any]) -> dict[str, Any]:
        return {name: replace_texts(value) if isinstance(value, dict) else SCRIPT_TAG for name, value in text.items()}

    document = deployment.incident.model_dump(mode="json")
    document |= {"title": replace_texts(document["title"]), "notice": replace_texts(document["notice"])}
    for item in document["items"]:
        item["label"] = replace_texts(item["label"])
    for fact in document["facts"]:
        fact["text"] = replace_texts(fact["text"])
        fact["authority"], fact["as_of"] = replace_texts({"ko": "", "en": ""}), date(2026, 1, 1).isoformat()
    for action in document["actions"]:
        action["text"], action["link"] = (
            replace_texts(action["text"]),
            f'https://x.example/"{SCRIPT_TAG}'.replace(" ", ""),
        )
    incident = Incident.model_validate_json(json.dumps(document))
    with deployment.change_catalog() as db:
        incidents.update_incident(db, incident, now=deployment.clock())
    deployment.import_and_publish(
        [make_row("a1", phone=HOLDER_PHONE, name="박지수", items="name|phone|address|order|door_code|email")]
    )
    with BrowserUser(deployment) as user:
        user.open("/")
        user.verify(HOLDER_PHONE)
        assert_escaped(user.page, min_count=20)
        user.submit("/acknowledge")
        assert_escaped(user.open("/receipts"))


def assert_escaped(page: httpx.Response, min_count: int = 1) -> None:
    assert page.text.count("&lt;script&gt;") >= min_count
    assert "<script" not in page.text


def test_no_template_disables_escaping() -> None:
    assert TEMPLATES.autoescape is True
    names = TEMPLATES.list_templates()
    assert len(names) >= 9
    for name in names:
        source, _, _ = TEMPLATES.loader.get_source(TEMPLATES, name) if TEMPLATES.loader else ("", None, None)
        assert "|safe" not in source.replace(" ", "")
        assert "autoescape" not in source
        assert "Markup" not in source


@pytest.mark.parametrize(
    "value", ["", "x", "e30", "WzFd", "WzEsMiwzLDQsNV0", "W251bGwsbnVsbCxudWxsLG51bGwsbnVsbF0", "é", "W" * 4001]
)
def test_malformed_verification_cookies_are_ignored(value: str) -> None:
    assert PendingVerification.from_cookie(value) is None
