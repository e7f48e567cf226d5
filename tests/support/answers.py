"""What is asked of answers in more than one place."""

import httpx


def assert_unavailable(answer: httpx.Response) -> None:
    """It says "try again", and nothing else."""
    assert answer.status_code == 503, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    assert "not_found" not in answer.text
    assert "datasets" not in answer.text
