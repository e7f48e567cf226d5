"""Fixtures of the rate-limit tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rate_limits.helpers import RestartableValkey


@pytest.fixture(autouse=True)
def _generous_redis_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test measures time: on a busy machine Redis may take longer than a call would wait for it."""
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 10.0)


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[RestartableValkey]:
    valkey = RestartableValkey(tmp_path / "valkey")
    yield valkey
    valkey.kill()
