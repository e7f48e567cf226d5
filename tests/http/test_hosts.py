"""Host headers, and the redirects of the framework: no response sends a client to another host, and each is counted."""

from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.http.hosts import is_allowed_host
from tests.support.deployment import Deployment
from tests.support.raw_asgi import raw_request
from tests.web.helpers import BROWSER_HEADERS

HTML = [(b"accept", BROWSER_HEADERS["Accept"].encode())]
PATHS = [
    "/",
    "/code",
    "/verify",
    "/answer",
    "/receipts/1",
    "/static/site.css",
    "/healthz",
    "/metrics",
    "/v1",
    "/v1/verifications",
    "/v1/exposures",
    "/v1/incidents/x/notice",
    "/v1/verifications/00000000-0000-0000-0000-000000000001/confirm",
]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Run on SQLite only: these responses do not depend on the database."""
    return sqlite_url


@pytest.mark.parametrize(
    ("header", "public_host", "allowed"),
    [
        ("leak.example.com", "leak.example.com", True),
        ("LEAK.example.com:8443", "leak.example.com", True),
        ("leak.example.com.evil.example", "leak.example.com", False),
        ("127.0.0.1:8000", "leak.example.com", True),
        ("10.0.0.5", "leak.example.com", False),
        ("", "leak.example.com", False),
        ("[2001:db8::1]:8000", "2001:db8::1", True),
        ("localhost", None, True),
        ("localhost:8000", None, True),
        ("127.0.0.2:1", None, True),
        ("[::1]:8000", None, True),
        ("leak.example.com", None, False),
        ("10.0.0.5", None, False),
        ("localhost.evil.example", None, False),
        ("[", None, False),
        ("", None, False),
    ],
)
def test_allowed_hosts(header: str, public_host: str | None, allowed: bool) -> None:
    assert is_allowed_host(header, public_host) == allowed


def test_another_host_is_refused_and_counted(make_deployment: Callable[..., Deployment]) -> None:
    deployment = make_deployment(public_url="https://leak.example.com")
    for path in ("/v1/incidents", "/v1/receipt-keys"):
        assert raw_request(deployment.app, "GET", path, host=b"leak.example.com").status == 200
        refused = raw_request(deployment.app, "GET", path, host=b"evil.example")
        assert refused.status == 400
        assert b"/problems/wrong-host" in refused.body
        assert b"evil" not in refused.body
        assert "ratelimit" in refused.headers
    page = raw_request(deployment.app, "GET", "/", host=b"evil.example", headers=HTML)
    assert page.status == 400
    assert page.headers["content-type"].startswith("text/html")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_load_balancers_use_any_host(make_deployment: Callable[..., Deployment], path: str) -> None:
    token = "a token for the metrics"
    deployment = make_deployment(public_url="https://leak.example.com", metrics_token=token)
    headers = [(b"authorization", f"Bearer {token}".encode())]
    assert raw_request(deployment.app, "GET", path, host=b"10.0.0.5", headers=headers).status == 200


@pytest.mark.parametrize("path", PATHS[1:])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_slash_at_the_end_is_not_redirected(deployment: Deployment, method: str, path: str) -> None:
    answer = raw_request(deployment.app, method, f"{path}/", host=b"evil.example")
    assert answer.status in (404, 400)
    assert "location" not in answer.headers
    assert "ratelimit" in answer.headers


ODD_TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
ODD_PATHS = st.one_of(
    st.builds(
        "{}{}{}".format,
        st.sampled_from(["", "/", "//", "/.", "/..", "/%2e", "/\\"]),
        st.sampled_from(PATHS),
        st.sampled_from(["", "/", "//", "/.", "/../", "%2f", "\0", " ", "?"]),
    ),
    ODD_TEXT.map(lambda text: f"/{text}"),
    ODD_TEXT.map(lambda text: f"/{quote(text)}"),
    ODD_TEXT.map(lambda text: f"//{text}/.."),
    st.just("*"),
)
METHODS = st.one_of(
    st.sampled_from(
        ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT", "get", "PROPFIND"]
    ),
    st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=10),
)
HOSTS = st.one_of(
    st.sampled_from([b"127.0.0.1", b"localhost", b"evil.example", b"", b"[", b"[::1", b"a:b:c", b"@evil.example"]),
    st.binary(max_size=20),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(method=METHODS, path=ODD_PATHS, host=HOSTS, as_page=st.booleans())
def test_every_response_is_counted_and_none_leads_to_another_host(
    deployment: Deployment, method: str, path: str, host: bytes, as_page: bool
) -> None:
    limiter = deployment.app.state.services.request_limiter
    spend, spent = type(limiter).spend.__get__(limiter), []

    def count(*arguments: object) -> object:
        spent.append(arguments)
        return spend(*arguments)

    limiter.spend = count
    answer = raw_request(deployment.app, method, path, host=host, headers=HTML if as_page else ())
    assert len(spent) == 1
    assert answer.status < 500
    location = answer.headers.get("location", "/")
    assert location.startswith("/")
    assert not location.startswith(("//", "/\\"))
