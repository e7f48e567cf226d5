"""Cookies, other sites, addresses, caches, and what is escaped."""

import json
import re
from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import APIRoute

from app import incidents
from app.faces.http.rate_limited_route import RateLimitedRoute
from app.faces.web import ROUTERS
from app.faces.web.cookies import Pending
from app.faces.web.pages import TEMPLATES
from app.faces.web.texts import TEXTS
from tests.faces.web.helpers import BROWSER_HEADERS, HOLDER_PHONE, SAMPLE_ROWS, BrowserUser, cookies_of
from tests.support.deployment import Deployment, make_row

SCRIPT = "<script>alert('&')</script>"


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """None of this is about the database: once is enough."""
    return sqlite_url


def test_the_cookies_are_for_this_site_alone(deployment: Deployment) -> None:
    with BrowserUser(deployment) as person:
        person.open("/?lang=en")
        person.verify(HOLDER_PHONE)
        person.submit("/sign-out")
        found = [(name, cookie) for page in person.seen for name, cookie in cookies_of(page).items()]
        assert {name for name, _ in found} == {"lang", "verification", "session"}
        for name, cookie in found:
            assert cookie["httponly"]
            assert cookie["samesite"] == ("lax" if name == "lang" else "strict")
            assert cookie["path"] == "/"
            assert not cookie["domain"]
            assert not cookie["secure"]
        kept = {name: cookie["max-age"] for name, cookie in reversed(found)}
        assert kept["verification"] == str(deployment.settings.code_ttl)
        assert kept["session"] == "", "the session's cookie goes with the browser"
        gone = {name: cookie["max-age"] for name, cookie in found[-2:]}
        assert gone == {"session": "0", "verification": "0"}


def test_over_https_they_are_bound_to_the_host(make_deployment: Callable[..., Deployment]) -> None:
    deployment = make_deployment(public_url="https://leak.example")
    client = httpx.Client(base_url=deployment.client.base_url, headers=BROWSER_HEADERS, trust_env=False)
    with client:
        asked = cookies_of(client.post("/verify", data={"identifier": HOLDER_PHONE}))
        pending = asked["__Host-verification"]
        confirmed = client.post(
            "/confirm",
            data={"code": deployment.deliver_outbox()[0].code},
            headers={"cookie": f"__Host-verification={pending.value}"},
        )
        session = cookies_of(confirmed)["__Host-session"]
        for cookie in (pending, session):
            assert cookie["secure"]
            assert cookie["path"] == "/"
            assert not cookie["domain"]
        answer = client.get("/answer", headers={"cookie": f"__Host-session={session.value}"})
        assert answer.status_code == 200
        assert client.get("/answer", headers={"cookie": f"session={session.value}"}).status_code == 303


@pytest.mark.parametrize(
    ("headers", "admitted"),
    [
        ({"sec-fetch-site": "cross-site"}, False),
        ({"sec-fetch-site": "same-site"}, False),
        ({"sec-fetch-site": "cross-site", "origin": "SELF"}, False),
        ({"origin": "https://evil.example"}, False),
        ({"origin": "http://127.0.0.1:1"}, False),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, True),
        ({"sec-fetch-site": "none"}, True),
        ({"origin": "SELF"}, True),
        ({"origin": "null"}, True),
        ({}, True),
    ],
)
def test_forms_of_other_sites_are_refused(deployment: Deployment, headers: dict[str, str], admitted: bool) -> None:
    own = str(deployment.client.base_url).rstrip("/")
    sent = {name: own if value == "SELF" else value for name, value in headers.items()}
    for route in (one for router in ROUTERS for one in router.routes):
        assert isinstance(route, APIRoute)
        if "POST" not in route.methods:
            continue
        page = deployment.client.post(route.path, headers=BROWSER_HEADERS | sent, data={"identifier": HOLDER_PHONE})
        assert (page.status_code != 403) == admitted, route.path
        assert admitted or TEXTS["ko"].failures.forbidden.title in page.text
    assert bool(deployment.deliver_outbox()) == admitted


def test_a_link_from_another_site_is_followed(deployment: Deployment) -> None:
    assert deployment.client.get("/", headers=BROWSER_HEADERS | {"sec-fetch-site": "cross-site"}).status_code == 200


def test_every_route_spends_and_stays_out_of_the_document() -> None:
    routes = [one for router in ROUTERS for one in router.routes]
    assert len(routes) == 13
    for route in routes:
        assert isinstance(route, RateLimitedRoute)
        assert route.route_limit
        assert not route.include_in_schema


def test_nothing_personal_in_any_address(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as person:
        person.open("/")
        person.submit("/verify", identifier=HOLDER_PHONE)
        code = deployment.deliver_outbox()[0].code
        pending = Pending.read(person.client.cookies["verification"])
        assert pending is not None
        person.submit("/confirm", code=code)
        token = person.client.cookies["session"]
        names = re.findall(r'name="exposure" value="(.+?)"', person.page.text)
        assert names
        person.submit("/check", kind="name", value="박지수")
        person.submit("/acknowledge")
        person.open("/receipts")
        person.open("/receipts/1")
        person.open("/answer")
        person.submit("/sign-out")
        secrets = [HOLDER_PHONE, "2000", "지수", "%EC", code, token, pending.client_secret, str(pending.id), *names]
        for page in person.seen:
            places = [
                str(page.url),
                page.headers.get("location", ""),
                *re.findall(r'(?:href|src|action)="(.*?)"', page.text),
            ]
            for secret in secrets:
                assert not any(secret in place for place in places), places
            assert token not in page.text
            assert pending.client_secret not in page.text
            assert str(pending.id) not in page.text
            assert "default-src 'none'" in page.headers["content-security-policy"]
            assert page.headers["cache-control"] == "no-store"
            assert "<script" not in page.text
            assert not re.search(r'\s(?:style|on\w+)="', page.text)


def test_the_stylesheet_is_cached(deployment: Deployment) -> None:
    page = deployment.client.get("/", headers=BROWSER_HEADERS)
    (address,) = re.findall(r'<link rel="stylesheet" href="(.+?)"', page.text)
    style = deployment.client.get(address)
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert "url(" not in style.text
    assert "@import" not in style.text
    icon = deployment.client.get("/static/icon.svg")
    assert icon.headers["content-type"].startswith("image/svg+xml")


def test_what_was_typed_is_escaped(deployment: Deployment) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    with BrowserUser(deployment) as person:
        person.open("/")
        person.submit("/verify", identifier=SCRIPT)
        assert_escaped(person.page)
        person.verify(HOLDER_PHONE)
        person.submit("/check", kind="name", value=f"a{SCRIPT}")
        assert_escaped(person.page)
        person.submit("/check", kind="address", value=f'서울 강남구 테헤란로 12 "{SCRIPT}')
        assert_escaped(person.page)
        forged = Pending(uuid4(), "secret", SCRIPT, deployment.clock())
        person.client.cookies.set("verification", forged.written())
        assert_escaped(person.client.get("/code"))


def test_what_an_incident_says_is_escaped(deployment: Deployment) -> None:
    def scripted(text: dict[str, Any]) -> dict[str, Any]:
        return {name: scripted(value) if isinstance(value, dict) else SCRIPT for name, value in text.items()}

    document = deployment.incident.model_dump(mode="json")
    document |= {"title": scripted(document["title"]), "notice": scripted(document["notice"])}
    for item in document["items"]:
        item["label"] = scripted(item["label"])
    for fact in document["facts"]:
        fact["text"] = scripted(fact["text"])
        fact["authority"], fact["as_of"] = scripted({"ko": "", "en": ""}), date(2026, 1, 1).isoformat()
    for action in document["actions"]:
        action["text"], action["link"] = scripted(action["text"]), f'https://x.example/"{SCRIPT}'.replace(" ", "")
    incident = incidents.Incident.model_validate_json(json.dumps(document))
    with deployment.database.write() as session:
        incidents.update_incident(session, incident, now=deployment.clock())
    deployment.import_and_publish([make_row("a1", phone=HOLDER_PHONE, name="박지수", items="name|phone|address|order|door_code|email")])
    with BrowserUser(deployment) as person:
        person.open("/")
        person.verify(HOLDER_PHONE)
        assert_escaped(person.page, at_least=20)
        person.submit("/acknowledge")
        assert_escaped(person.open("/receipts"))


def assert_escaped(page: httpx.Response, at_least: int = 1) -> None:
    assert page.text.count("&lt;script&gt;") >= at_least
    assert "<script" not in page.text


def test_no_template_lets_anything_through_unescaped() -> None:
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
def test_a_cookie_that_somebody_made_up_is_nothing(value: str) -> None:
    assert Pending.read(value) is None
