"""Crafted cookies, headers, queries, forms, path parameters and JSON bodies: whatever a client sends, the response is no 5xx."""

import base64
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, quote_from_bytes
from uuid import uuid4

import pytest
from fastapi.routing import APIRoute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import api, web
from app.web.cookies import PendingVerification
from tests.support.deployment import Deployment
from tests.support.raw_asgi import RawResponse, raw_request
from tests.web.helpers import BROWSER_HEADERS, HOLDER_PHONE, SAMPLE_ROWS

METRICS_TOKEN = "a token for the metrics"
ROUTES = [
    (method, route)
    for router in (*api.ROUTERS, api.METRICS_ROUTER, *web.ROUTERS)
    for route in router.routes
    if isinstance(route, APIRoute)
    for method in sorted(route.methods or ())
]
FORM_FIELDS = ["identifier", "code", "kind", "value", "exposure", "notice_version"]
JSON_FIELDS = [
    "channel",
    "identifier",
    "locale",
    "code",
    "client_secret",
    "kind",
    "value",
    "exposure_id",
    "notice_version",
]
VALID = ["sms", "email", "ko", "name", "address", "phone", HOLDER_PHONE, "jisoo@example.com", "12345678", "1"]
CRAFTED = [
    "\0",
    "\ud800",
    "a\0@example.com",
    "\ud800@example.com",
    "a@\ud800.example.com",
    "010-2000-0002\0",
    "9" * 5000,
    "+" + "9" * 300,
    "\u0661" * 5000,
    "\u00b2",
    "a" * 60_000,
    "가" * 15_000,
    "\ufdfa" * 2_000,
    "@" * 1000,
    "xn--" + "a" * 60,
    "a@" + "xn--" * 50,
    "-" * 1000,
    "e\u0301" * 3_000,
]
TEXT = st.one_of(st.sampled_from(VALID), st.sampled_from(CRAFTED), st.text(st.characters(codec=None), max_size=20))
NUMBERS = st.one_of(st.integers(), st.floats(), st.sampled_from([10**400, -(10**20), 2**63, 1e308]))
JSON_VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXT),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXT, inner, max_size=3)),
    max_leaves=5,
)
DATES = st.one_of(
    st.sampled_from(
        [
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00",
            "2026-01-01",
            "2026-13-01T00:00:00Z",
            "+1",
            "2999-01-01T00:00:00Z",
        ]
    ),
    TEXT,
)
PENDING = st.one_of(
    st.tuples(st.just(str(uuid4())), TEXT, TEXT, DATES, NUMBERS),
    st.tuples(JSON_VALUES, JSON_VALUES, JSON_VALUES, JSON_VALUES, JSON_VALUES),
)


def encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def base64url(value: object) -> bytes:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")


COOKIE_VALUES = st.one_of(PENDING.map(base64url), JSON_VALUES.map(base64url), TEXT.map(encode), st.binary(max_size=40))
COOKIES = st.dictionaries(st.sampled_from([b"verification", b"queue", b"lang", b"session"]), COOKIE_VALUES, max_size=3)
HEADERS = st.dictionaries(
    st.sampled_from(
        [
            b"authorization",
            b"proof-of-work",
            b"queue-ticket",
            b"accept",
            b"origin",
            b"sec-fetch-site",
            b"x-forwarded-for",
            b"if-none-match",
            b"content-length",
        ]
    ),
    st.one_of(JSON_VALUES.map(base64url), TEXT.map(encode), st.binary(max_size=40), st.just(b"Bearer " + b"x" * 9000)),
    max_size=3,
)
FORMS = st.one_of(
    st.lists(
        st.tuples(st.sampled_from(FORM_FIELDS), st.one_of(TEXT.map(encode), st.binary(max_size=20))), max_size=5
    ).map(lambda fields: "&".join(f"{name}={quote_from_bytes(value)}" for name, value in fields).encode()),
    st.binary(max_size=100),
)
BODIES = st.one_of(
    st.dictionaries(st.sampled_from(JSON_FIELDS), st.one_of(TEXT, JSON_VALUES), max_size=5).map(
        lambda body: json.dumps(body).encode()
    ),
    JSON_VALUES.map(lambda body: json.dumps(body).encode()),
    st.just(b'{"notice_version": ' + b"9" * 5000 + b"}"),
    st.just(b"[" * 20_000),
    st.binary(max_size=100),
)
QUERIES = st.one_of(
    TEXT.map(lambda text: b"lang=" + quote_from_bytes(encode(text)).encode()),
    st.binary(max_size=40),
    st.just(b"locale=ko&locale=%00"),
)


@pytest.fixture
def fuzzed(make_deployment: Callable[..., Deployment]) -> tuple[Deployment, bytes]:
    """A deployment, and the token of a session."""
    deployment = make_deployment(metrics_token=METRICS_TOKEN)
    deployment.import_and_publish(SAMPLE_ROWS)
    return deployment, deployment.sign_in(HOLDER_PHONE)["Authorization"].removeprefix("Bearer ").encode()


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.large_base_example]
)
@given(
    route=st.sampled_from(ROUTES),
    parameter=st.one_of(st.just(str(uuid4())), st.just("1"), TEXT),
    query=QUERIES,
    headers=HEADERS,
    cookies=COOKIES,
    form=FORMS,
    body=BODIES,
    is_signed_in=st.booleans(),
)
def test_no_input_is_an_internal_error(
    fuzzed: tuple[Deployment, bytes],
    route: tuple[str, APIRoute],
    parameter: str,
    query: bytes,
    headers: dict[bytes, bytes],
    cookies: dict[bytes, bytes],
    form: bytes,
    body: bytes,
    is_signed_in: bool,
) -> None:
    (deployment, token), (method, found) = fuzzed, route
    parameter = encode(parameter).decode("utf-8", "replace")  # as a server decodes a path
    is_page = not found.path.startswith("/v1")
    if is_signed_in and found.path not in ("/sign-out", "/v1/session", "/stop-codes", "/v1/stop-codes", "/confirm"):
        headers |= {b"authorization": b"Bearer " + token}
        cookies |= {b"session": token}
    answer = raw_request(
        deployment.app,
        method,
        "/".join(parameter if part.startswith("{") else part for part in found.path.split("/")),
        query=query,
        headers=[
            (b"accept", BROWSER_HEADERS["Accept"].encode()),
            (b"content-type", b"application/x-www-form-urlencoded" if is_page else b"application/json"),
            (b"cookie", b"; ".join(name + b"=" + value for name, value in cookies.items())),
            *headers.items(),
        ],
        body=form if is_page else body,
    )
    assert answer.status < 500, (method, found.path)


def send_pending(deployment: Deployment, method: str, path: str, content: Any, form: bytes = b"") -> RawResponse:
    headers = [
        (b"accept", b"text/html"),
        (b"content-type", b"application/x-www-form-urlencoded"),
        (b"cookie", b"verification=" + base64url(content)),
    ]
    return raw_request(deployment.app, method, path, headers=headers, body=form)


@pytest.mark.parametrize(
    "changed",
    [
        {1: "\ud800"},
        {2: "\ud800"},
        {3: "0001-01-01T00:00:00+14:00"},
        {3: "9999-12-31T23:59:59-14:00"},
        {4: float("inf")},
        {4: 10**30},
        {4: "x"},
    ],
    ids=str,
)
@pytest.mark.parametrize(("method", "path"), [("GET", "/code"), ("POST", "/confirm"), ("POST", "/resend")])
def test_a_crafted_verification_cookie_is_ignored(
    deployment: Deployment, method: str, path: str, changed: dict[int, object]
) -> None:
    content: list[object] = [str(uuid4()), "secret", "010-****-0002", "2026-01-01T00:00:00+00:00", 1]
    for index, value in changed.items():
        content[index] = value
    answer = send_pending(deployment, method, path, content, b"code=12345678")
    assert answer.status == (303 if path == "/code" else 410)


def test_a_genuine_verification_cookie_is_read() -> None:
    pending = PendingVerification(uuid4(), "secret", "010-****-0002", datetime(2026, 1, 1, tzinfo=UTC), 5)
    assert PendingVerification.from_cookie(pending.to_cookie()) == pending


@pytest.mark.parametrize("version", ["9" * 5000, "\u00b2", "\u0661", "-1", "1.0", "1e9", "\0", ""])
def test_a_crafted_notice_version_is_superseded(deployment: Deployment, version: str) -> None:
    deployment.import_and_publish(SAMPLE_ROWS)
    headers = deployment.sign_in(HOLDER_PHONE)
    (exposure,) = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
    answer = raw_request(
        deployment.app,
        "POST",
        "/acknowledge",
        headers=[
            (b"accept", b"text/html"),
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"cookie", b"session=" + headers["Authorization"].removeprefix("Bearer ").encode()),
        ],
        body=f"exposure={quote(exposure['id'])}&notice_version={quote(version)}".encode(),
    )
    assert answer.status == 409
