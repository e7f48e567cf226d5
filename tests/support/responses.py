"""Assertions on HTTP responses that several test modules share."""

import httpx

VOLATILE = ("id", "client_secret", "instance", "date", "x-request-id", "ratelimit")
"""Fields and headers that differ between any two responses. Their lengths do not."""


def comparable_response(response: httpx.Response) -> tuple[object, ...]:
    """Return everything of a response except the `VOLATILE` values."""
    body = {key: value for key, value in response.json().items() if key not in VOLATILE}
    headers = [(key, value) for key, value in response.headers.items() if key not in VOLATILE]
    return response.status_code, headers, body, set(response.json()), len(response.content)


def assert_unavailable(response: httpx.Response) -> None:
    """Check that the response is a 503 which says "try again" and answers nothing."""
    assert response.status_code == 503, response.text
    assert response.headers["content-type"] == "application/problem+json"
    assert int(response.headers["retry-after"]) > 0
    assert "not_found" not in response.text
    assert "datasets" not in response.text
