"""No test is about time: a store on a busy machine may take longer than a call would wait for it."""

import pytest


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 10.0)
