"""``/metrics``: access by token only, and what it counts."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, get_args

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from app import api
from app.delivery import Channel, Message, Outbox, SendFailed
from app.delivery.outbox import Outcome
from app.http.metrics import DURATION_BUCKETS
from app.http.middleware import HTTP_METHODS
from app.rate_limits import RateLimitPolicy
from app.rate_limits.action_limiter import SOFT_LIMIT_SHARE
from tests.support.deployment import Deployment
from tests.support.permissive_limits import permissive_limits

METRICS_TOKEN = "a token of the operators"
METRICS_HEADERS = {"Authorization": f"Bearer {METRICS_TOKEN}"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Metrics do not depend on the database engine."""
    return sqlite_url


@pytest.fixture
def metered(make_deployment: Callable[..., Deployment]) -> Deployment:
    return make_deployment(metrics_token=METRICS_TOKEN)


def scrape(deployment: Deployment) -> dict[str, float]:
    """Return all samples by name and labels."""
    response = deployment.client.get("/metrics", headers=METRICS_HEADERS)
    assert response.status_code == 200
    lines = [line.rpartition(" ") for line in response.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def comparable_response(response: httpx.Response) -> tuple[object, ...]:
    """Return everything of a response except what differs between any two."""
    volatile = ("date", "x-request-id", "ratelimit")
    headers = [(name, value) for name, value in response.headers.items() if name not in volatile]
    body = {name: value for name, value in response.json().items() if name != "instance"}
    return response.status_code, headers, body


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_without_a_configured_token_metrics_is_an_unknown_path(
    deployment: Deployment, method: str, accept: str
) -> None:
    headers = METRICS_HEADERS | {"Accept": accept}
    metrics, unknown = (
        deployment.client.request(method, path, headers=headers) for path in ("/metrics", "/v1/nothing")
    )
    assert metrics.status_code == 404
    assert comparable_response(metrics) == comparable_response(unknown)
    assert "/metrics" not in deployment.client.get("/v1/openapi.json").json()["paths"]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        METRICS_TOKEN,
        "Bearer",
        f"Bearer {METRICS_TOKEN}x",
        f"Bearer {METRICS_TOKEN[:-1]}",
        f"Basic {METRICS_TOKEN}",
        "Bearer é",
    ],
)
def test_a_missing_or_wrong_token_is_refused(metered: Deployment, authorization: str | None) -> None:
    headers: list[tuple[bytes, bytes]] = []
    if authorization is not None:
        headers.append((b"Authorization", authorization.encode()))
    response = metered.client.get("/metrics", headers=headers)
    assert (response.status_code, response.headers["www-authenticate"]) == (401, "Bearer")
    assert response.json()["type"] == "/problems/unauthorized"
    assert "exposure_" not in response.text


def test_metrics_are_prometheus_text_and_in_the_openapi_document(metered: Deployment) -> None:
    response = metered.client.get("/metrics", headers=METRICS_HEADERS)
    assert response.headers["content-type"].startswith("text/plain; version=")
    assert response.headers["cache-control"] == "no-store"
    assert "# TYPE exposure_requests_total counter" in response.text
    operations = metered.client.get("/v1/openapi.json").json()["paths"]["/metrics"]
    assert list(operations) == ["get"]
    assert [route.path for route in api.METRICS_ROUTER.routes] == ["/metrics"]  # type: ignore[attr-defined]


def test_a_scrape_is_charged_like_any_call(make_deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(permissive_limits({"client.other": "3/hour"}))
    client = make_deployment(metrics_token=METRICS_TOKEN, limits_file=path).client
    assert [client.get("/metrics", headers=METRICS_HEADERS).status_code for _ in range(4)] == [200] * 3 + [429]


def test_responses_are_counted_by_route_method_and_status_class(metered: Deployment) -> None:
    client = metered.client
    client.get("/v1/incidents")
    client.get("/v1/incidents/sample-2025/notice")
    client.get("/v1/incidents/somebody@example.com/notice")
    client.get("/somebody@example.com")
    client.request("SOMEBODY", "/v1/incidents")
    samples = scrape(metered)
    for labels in (
        'method="GET",route="/v1/incidents",status="2xx"',
        'method="GET",route="/v1/incidents/{slug}/notice",status="2xx"',
        'method="GET",route="/v1/incidents/{slug}/notice",status="4xx"',
        'method="GET",route="none",status="4xx"',
        'method="other",route="/v1/incidents",status="4xx"',
    ):
        assert samples[f"exposure_requests_total{{{labels}}}"] == 1
    assert samples['exposure_request_duration_seconds_count{route="/v1/incidents/{slug}/notice"}'] == 2
    assert not [name for name in samples if "somebody" in name.lower()]


class FailingSender:
    is_live: ClassVar[bool] = False

    def send(self, message: Message) -> None:
        raise SendFailed("not now")


def test_code_attempts_and_message_outcomes_are_counted(
    make_deployment: Callable[..., Deployment], tmp_path: Path
) -> None:
    path = tmp_path / "small.toml"
    path.write_text(
        permissive_limits({"target.codes": "1/hour", "client.unverified_codes": f"{3 / SOFT_LIMIT_SHARE:.0f}/hour"})
    )
    deployment = make_deployment(metrics_token=METRICS_TOKEN, limits_file=path)
    outbox: Outbox = deployment.app.state.services.outbox
    started = deployment.request_code("010-2000-0002")
    deployment.request_code("010-2000-0002")  # withheld silently
    outbox.deliver_due(deployment.database, deployment.sender, deployment.clock)
    deployment.request_code("somebody@example.com")
    outbox.deliver_due(deployment.database, FailingSender(), deployment.clock)
    assert deployment.request_code("somebody@example.com").status_code == 429
    code = deployment.sender.messages[0].code
    assert deployment.confirm_code(started, f"{(int(code) + 1) % 10**8:08}").status_code == 422
    assert deployment.confirm_code(started, code).status_code == 200
    deployment.clock.advance(seconds=600)
    outbox.erase_expired(deployment.database, now=deployment.clock())
    deployment.app.state.services.deferred_denials.flush()
    samples = scrape(deployment)
    assert {
        name: value
        for name, value in samples.items()
        if name.startswith(("exposure_messages", "exposure_code_attempts"))
    } == {
        'exposure_messages_total{channel="sms",outcome="sent"}': 1,
        'exposure_messages_total{channel="sms",outcome="withheld"}': 1,
        'exposure_messages_total{channel="email",outcome="failed"}': 1,
        'exposure_messages_total{channel="email",outcome="expired"}': 1,
        'exposure_code_attempts_total{outcome="wrong"}': 1,
        'exposure_code_attempts_total{outcome="confirmed"}': 1,
    }
    assert samples['exposure_rate_limit_denials_total{limit="client.unverified_codes"}'] == 1
    assert samples['exposure_rate_limit_denials_total{limit="target.codes"}'] == 1


def test_label_values_come_from_fixed_sets(metered: Deployment) -> None:
    """Every label value comes from a set that is known before the first call, so none can identify a person."""
    app = metered.app
    for path in ("/v1/incidents", "/v1/exposures", "/readyz", "/somebody", "/metrics"):
        metered.client.get(path)
    metered.sign_in("somebody@example.com")
    routes = {getattr(context, "path", None) for context in iter_route_contexts(app.routes)} | {"none"}
    allowed: dict[str, set[Any]] = {
        "route": routes,
        "method": set(HTTP_METHODS) | {"other"},
        "status": {"1xx", "2xx", "3xx", "4xx", "5xx", "none"},
        "limit": set(RateLimitPolicy().limits_by_name()),
        "channel": set(get_args(Channel)),
        "outcome": {*get_args(Outcome), "confirmed", "wrong"},
        "le": {str(bound) for bound in DURATION_BUCKETS} | {"+Inf"},
    }
    labels = {pair for name in scrape(metered) for pair in re.findall(r'(\w+)="(.*?)"', name)}
    assert {name for name, _ in labels} >= {"route", "method", "status", "outcome", "le"}
    for name, value in labels:
        assert value in allowed[name], (name, value)
