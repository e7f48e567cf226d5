"""What is asked of answers in more than one place."""

import httpx

OWN = ("id", "client_secret", "instance", "date", "x-request-id", "ratelimit")
"""What differs between any two answers of one moment, and is of one length."""


def comparable_response(answer: httpx.Response) -> tuple[object, ...]:
    """All of an answer but what differs between any two."""
    body = {key: value for key, value in answer.json().items() if key not in OWN}
    headers = [(key, value) for key, value in answer.headers.items() if key not in OWN]
    return answer.status_code, headers, body, set(answer.json()), len(answer.content)


def assert_unavailable(answer: httpx.Response) -> None:
    """It says "try again", and nothing else."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert "not_found" not in answer.text
    assert "datasets" not in answer.text
