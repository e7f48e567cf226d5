"""/metrics: for whoever shows the token, and nowhere else; of all workers; and what it counts."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, get_args

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from app.delivery import Channel, Message, Outbox, SendFailed
from app.delivery.outbox import Outcome
from app.faces import api
from app.faces.http.metrics import DURATION_BUCKETS
from app.faces.http.middleware import HTTP_METHODS
from app.rate_limits import RateLimitPolicy
from app.rate_limits.action_limiter import SOFT_LIMIT_SHARE
from tests.support.deployment import Deployment
from tests.support.permissive_limits import permissive_limits

TOKEN = "a token of the operators"
HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Counters do not live in the database."""
    return sqlite_url


@pytest.fixture
def measured(make_deployment: Callable[..., Deployment]) -> Deployment:
    return make_deployment(metrics_token=TOKEN)


def counted(deployment: Deployment) -> dict[str, float]:
    """All samples, by name and labels."""
    answer = deployment.client.get("/metrics", headers=HEADERS)
    assert answer.status_code == 200
    lines = [line.rpartition(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def said(answer: httpx.Response) -> tuple[object, ...]:
    own = ("date", "x-request-id", "ratelimit")
    headers = [(name, value) for name, value in answer.headers.items() if name not in own]
    body = {name: value for name, value in answer.json().items() if name != "instance"}
    return answer.status_code, headers, body


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize("accept", ["*/*", "text/html"])
def test_without_a_token_its_address_is_as_unknown_as_any(deployment: Deployment, method: str, accept: str) -> None:
    headers = HEADERS | {"Accept": accept}
    there, nowhere = (deployment.client.request(method, path, headers=headers) for path in ("/metrics", "/v1/nothing"))
    assert there.status_code == 404
    assert said(there) == said(nowhere)
    assert "/metrics" not in deployment.client.get("/v1/openapi.json").json()["paths"]


@pytest.mark.parametrize(
    "shown",
    [None, "", TOKEN, "Bearer", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", f"Basic {TOKEN}", "Bearer é"],
)
def test_whoever_does_not_show_the_token_is_refused(measured: Deployment, shown: str | None) -> None:
    headers = {} if shown is None else {"Authorization": shown.encode()}
    answer = measured.client.get("/metrics", headers=headers)
    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["type"] == "/problems/unauthorized"
    assert "exposure_" not in answer.text


def test_it_is_prometheus_text_and_described_where_it_is_there(measured: Deployment) -> None:
    answer = measured.client.get("/metrics", headers=HEADERS)
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert answer.headers["cache-control"] == "no-store"
    assert "# TYPE exposure_requests_total counter" in answer.text
    described = measured.client.get("/v1/openapi.json").json()["paths"]["/metrics"]
    assert list(described) == ["get"]
    assert [route.path for route in api.METRICS_ROUTER.routes] == ["/metrics"]  # type: ignore[attr-defined]


def test_a_scrape_spends_like_any_call(make_deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(permissive_limits({"client.other": "3/hour"}))
    client = make_deployment(metrics_token=TOKEN, limits_file=path).client
    assert [client.get("/metrics", headers=HEADERS).status_code for _ in range(4)] == [200] * 3 + [429]


def test_answers_are_counted_by_template_method_and_class(measured: Deployment) -> None:
    client = measured.client
    client.get("/v1/incidents")
    client.get("/v1/incidents/sample-2025/notice")
    client.get("/v1/incidents/somebody@example.com/notice")
    client.get("/somebody@example.com")
    client.request("SOMEBODY", "/v1/incidents")
    samples = counted(measured)
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


class Failing:
    is_live: ClassVar[bool] = False

    def send(self, message: Message) -> None:
        raise SendFailed("not now")


def test_what_came_of_codes_and_messages_is_counted(make_deployment: Callable[..., Deployment], tmp_path: Path) -> None:
    path = tmp_path / "small.toml"
    path.write_text(permissive_limits({"target.codes": "1/hour", "client.unverified_codes": f"{3 / SOFT_LIMIT_SHARE:.0f}/hour"}))
    deployment = make_deployment(metrics_token=TOKEN, limits_file=path)
    outbox: Outbox = deployment.app.state.services.outbox
    asked = deployment.request_code("010-2000-0002")
    deployment.request_code("010-2000-0002")  # silently not sent
    outbox.deliver_due(deployment.database, deployment.sender, deployment.clock)
    deployment.request_code("somebody@example.com")
    outbox.deliver_due(deployment.database, Failing(), deployment.clock)
    assert deployment.request_code("somebody@example.com").status_code == 429
    code = deployment.sender.messages[0].code
    assert deployment.confirm_code(asked, f"{(int(code) + 1) % 10**8:08}").status_code == 422
    assert deployment.confirm_code(asked, code).status_code == 200
    deployment.clock.advance(seconds=600)
    with deployment.database.write() as session:
        outbox.erase_expired(session, now=deployment.clock())
    deployment.app.state.services.deferred_denials.flush()
    samples = counted(deployment)
    assert {name: value for name, value in samples.items() if name.startswith(("exposure_messages", "exposure_code_attempts"))} == {
        'exposure_messages_total{channel="sms",outcome="sent"}': 1,
        'exposure_messages_total{channel="sms",outcome="withheld"}': 1,
        'exposure_messages_total{channel="email",outcome="failed"}': 1,
        'exposure_messages_total{channel="email",outcome="expired"}': 1,
        'exposure_code_attempts_total{outcome="wrong"}': 1,
        'exposure_code_attempts_total{outcome="confirmed"}': 1,
    }
    assert samples['exposure_rate_limit_denials_total{limit="client.unverified_codes"}'] == 1
    assert samples['exposure_rate_limit_denials_total{limit="target.codes"}'] == 1


def test_no_label_could_tell_of_a_person(measured: Deployment) -> None:
    """Each value comes from a set that is known before the first call."""
    app = measured.app
    for path in ("/v1/incidents", "/v1/exposures", "/readyz", "/somebody", "/metrics"):
        measured.client.get(path)
    measured.sign_in("somebody@example.com")
    routes = {getattr(context, "path", None) for context in iter_route_contexts(app.routes)} | {"none"}
    allowed = {
        "route": routes,
        "method": set(HTTP_METHODS) | {"other"},
        "status": {"1xx", "2xx", "3xx", "4xx", "5xx", "none"},
        "limit": set(RateLimitPolicy().limits_by_name()),
        "channel": set(get_args(Channel)),
        "outcome": {*get_args(Outcome), "confirmed", "wrong"},
        "le": {str(bound) for bound in DURATION_BUCKETS} | {"+Inf"},
    }
    labels = {pair for name in counted(measured) for pair in re.findall(r'(\w+)="(.*?)"', name)}
    assert {name for name, _ in labels} >= {"route", "method", "status", "outcome", "le"}
    for name, value in labels:
        assert value in allowed[name], (name, value)
