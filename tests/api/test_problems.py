"""Every error is an RFC 9457 problem, and every response has the security headers."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.errors import ExposureError
from app.http import problems
from app.http.problems import (
    INTERNAL_ERROR,
    INVALID_CODE,
    INVALID_REQUEST,
    PROBLEMS_BY_ERROR,
    PROOF_OF_WORK_REQUIRED,
    QUEUE_REQUIRED,
    SERVICE_UNAVAILABLE,
    TOO_MANY_REQUESTS,
    problem_for_error,
)
from tests.support.deployment import Deployment

VERIFICATION_ID = "3f0e1d3a-0000-4000-8000-000000000000"
LARGE_BODY = b'{"channel": "sms", "identifier": "' + b"0" * 70_000 + b'"}'
JSON_HEADERS = {"Content-Type": "application/json"}


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Errors do not depend on the database engine."""
    return sqlite_url


@pytest.mark.parametrize(
    ("method", "path", "request_options", "status", "name"),
    [
        ("GET", "/nowhere", {}, 404, "not-found"),
        ("GET", "/v1/nowhere", {}, 404, "not-found"),
        ("PUT", "/v1/incidents", {}, 405, "method-not-allowed"),
        ("GET", "/v1/verifications", {}, 405, "method-not-allowed"),
        ("GET", "/v1/incidents/nothing/notice", {}, 404, "unknown-incident"),
        ("GET", "/v1/incidents/sample-2025/notice?locale=fr", {}, 422, "invalid-request"),
        ("POST", "/v1/verifications", {"content": LARGE_BODY, "headers": JSON_HEADERS}, 413, "too-large"),
        ("POST", "/v1/verifications", {"content": b"a=b"}, 415, "unsupported-media-type"),
        ("POST", "/v1/verifications", {"data": {"channel": "sms"}}, 415, "unsupported-media-type"),
        ("POST", "/v1/verifications", {"content": b"{", "headers": JSON_HEADERS}, 422, "invalid-request"),
        ("POST", "/v1/verifications", {"content": b"\xff", "headers": JSON_HEADERS}, 422, "invalid-request"),
        ("POST", "/v1/verifications", {"content": b"", "headers": JSON_HEADERS}, 422, "invalid-request"),
        ("POST", "/v1/verifications", {"json": {"channel": "fax", "identifier": "1"}}, 422, "invalid-request"),
        ("POST", "/v1/verifications", {"json": {"channel": "sms", "identifier": 1}}, 422, "invalid-request"),
        (
            "POST",
            f"/v1/verifications/{VERIFICATION_ID}/confirm",
            {"json": {"code": "1", "client_secret": "2"}},
            404,
            "unknown-verification",
        ),
        ("POST", "/v1/verifications/x/confirm", {"json": {"code": "1", "client_secret": "2"}}, 422, "invalid-request"),
        ("GET", "/v1/exposures", {}, 401, "no-session"),
        (
            "POST",
            "/v1/acknowledgements",
            {"json": {"exposure_id": "x", "notice_version": 1, "locale": "ko"}},
            401,
            "no-session",
        ),
        ("DELETE", "/v1/session", {}, 401, "no-session"),
    ],
)
def test_every_error_is_a_problem(
    deployment: Deployment, method: str, path: str, request_options: dict[str, Any], status: int, name: str
) -> None:
    response = deployment.client.request(method, path, **request_options)
    assert_problem(response, status, name)
    assert ("errors" in response.json()) == (status == 422)


def assert_problem(response: httpx.Response, status: int, name: str) -> None:
    body = response.json()
    assert (response.status_code, body["status"], body["type"]) == (status, status, f"/problems/{name}"), response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert {"type", "title", "status", "detail", "instance"} <= set(body) <= {
        "type", "title", "status", "detail", "instance", "errors"
    }  # fmt: skip
    assert body["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    if status == 405:
        assert response.headers["allow"]
    if status == 401:
        assert response.headers["www-authenticate"] == "Bearer"


def test_allow_header_lists_the_methods_of_all_routes(deployment: Deployment) -> None:
    assert deployment.client.request("OPTIONS", "/v1/acknowledgements").headers["allow"] == "GET, POST"


def test_a_large_body_without_content_length_is_refused(deployment: Deployment) -> None:
    response = deployment.wire_client.post(
        "/v1/verifications", content=iter([LARGE_BODY[:40_000], LARGE_BODY[40_000:]]), headers=JSON_HEADERS
    )
    assert_problem(response, 413, "too-large")


def test_field_errors_name_schema_fields_and_never_the_input(deployment: Deployment) -> None:
    invalid_body = {"channel": "fax", "identifier": 5, "locale": ["x"], "marked-key": "marked-value"}
    response = deployment.client.post("/v1/verifications", json=invalid_body)
    assert [error["pointer"] for error in response.json()["errors"]] == ["/channel", "/identifier", "/locale"]
    assert "marked" not in response.text


@pytest.mark.parametrize("path", ["/v1/incidents", "/v1/exposures", "/nowhere", "/", "/healthz"])
def test_every_response_has_the_security_headers(deployment: Deployment, path: str) -> None:
    headers = deployment.client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["x-frame-options"] == "DENY"
    assert "server" not in headers


def test_public_responses_are_cacheable_and_personal_ones_are_not(deployment: Deployment) -> None:
    client = deployment.client
    for path in ("/v1/incidents", "/v1/incidents/sample-2025/notice?locale=ko"):
        response = client.get(path)
        assert response.headers["cache-control"] == "public, max-age=60"
        unchanged = client.get(path, headers={"If-None-Match": response.headers["etag"]})
        assert (unchanged.status_code, unchanged.content) == (304, b"")
        assert unchanged.headers["etag"] == response.headers["etag"]
    headers = deployment.sign_in("010-2000-0002")
    for path in ("/v1/exposures", "/v1/acknowledgements"):
        assert client.get(path, headers=headers).headers["cache-control"] == "no-store"


def test_incidents_are_public_and_have_all_fields(deployment: Deployment) -> None:
    (incident,) = deployment.client.get("/v1/incidents").json()["incidents"]
    assert {
        "slug", "title", "status", "occurred_from", "occurred_to", "discovered_on", "items", "facts", "notice_version"
    } <= set(incident)  # fmt: skip
    withheld_fact = next(fact for fact in incident["facts"] if fact["state"] == "withheld")
    assert withheld_fact["authority"]["ko"]
    assert withheld_fact["as_of"] == "2025-11-30"
    assert all("authority" not in fact or fact["authority"] for fact in incident["facts"])  # absent, never null
    notice = deployment.client.get("/v1/incidents/sample-2025/notice?locale=en").json()
    assert notice["version"] == incident["notice_version"] == 1
    assert re.fullmatch(r"[0-9a-f]{64}", notice["sha256"])
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", notice["published_at"])


def test_an_error_without_a_problem_is_an_internal_error() -> None:
    class UnmappedError(ExposureError):
        pass

    assert problem_for_error(UnmappedError()).status == 500
    assert all(problem.name and problem.title and problem.detail for problem in PROBLEMS_BY_ERROR.values())


def test_the_api_document_lists_every_problem_type() -> None:
    """A client can be written from the document alone."""
    document = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")
    for problem in PROBLEMS_BY_ERROR.values():
        assert f"| `{problem.name}` | {problem.status} | {problem.title}. {problem.detail}" in document


def test_problem_titles_are_plain() -> None:
    all_problems = (
        *PROBLEMS_BY_ERROR.values(),
        *problems._PROBLEMS_BY_STATUS.values(),
        SERVICE_UNAVAILABLE,
        INTERNAL_ERROR,
        TOO_MANY_REQUESTS,
        PROOF_OF_WORK_REQUIRED,
        QUEUE_REQUIRED,
    )
    titles = {problem.name: problem.title for problem in (*all_problems, INVALID_REQUEST, INVALID_CODE)}
    assert titles == {
        "wrong-host": "Wrong host",
        "crowded": "Service busy: please queue",
        "internal-error": "Internal error",
        "invalid-code": "Incorrect code",
        "invalid-identifier": "Invalid identifier",
        "invalid-request": "Invalid request",
        "invalid-value": "Invalid value",
        "method-not-allowed": "Method not allowed",
        "no-session": "No valid session",
        "not-found": "Not found",
        "notice-superseded": "Notice superseded",
        "proof-of-work": "Proof of work required",
        "too-large": "Request too large",
        "too-many-identifiers": "Too many identifiers",
        "too-many-requests": "Too many requests",
        "unavailable": "Service unavailable",
        "unknown-exposure": "Unknown exposure",
        "unknown-incident": "Unknown incident",
        "unknown-verification": "Unknown verification",
        "unsupported-media-type": "Unsupported media type",
        "verification-ended": "Verification ended",
        "verify-again": "Verification needed again",
    }
