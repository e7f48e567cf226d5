"""Fixtures of the rate-limit tests."""

import pytest


@pytest.fixture(autouse=True)
def _wait_for_redis(generous_redis_timeout: None) -> None:
    """Apply to every test here."""
