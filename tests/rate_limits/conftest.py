"""Fixtures of the rate-limit tests."""

import pytest


@pytest.fixture(autouse=True)
def _generous_redis_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test measures time: on a busy machine Redis may take longer than a call would wait for it."""
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 10.0)
