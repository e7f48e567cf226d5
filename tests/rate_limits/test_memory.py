"""What a client can make this process remember, counted in entries."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.http.rate_limit.windows import MemoryWindows
from app.rate_limits import (
    ActionLimiter,
    LimitSubject,
    MemoryBucketStore,
    RateLimited,
    RateLimitPolicy,
    client_address_from_ip,
)

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
SUBKEY = b"s" * 32
CLIENTS = [client_address_from_ip(f"2001:db8:0:{number:x}::1") for number in range(5000)]
"""Of the 65,536 that one IPv6 /48 has."""


@pytest.fixture
def buckets() -> MemoryBucketStore:
    return MemoryBucketStore(SUBKEY)


@pytest.fixture
def limiter(buckets: MemoryBucketStore) -> ActionLimiter:
    return ActionLimiter(RateLimitPolicy(), buckets)


def count_entries(store: MemoryBucketStore | MemoryWindows) -> int:
    """Return how many entries all collections of a store have, whatever they are called."""
    return sum(len(value) for name, value in vars(store).items() if isinstance(value, dict) and name != "options")


def test_a_subnet_leaves_no_more_entries_than_its_limit_allows(
    limiter: ActionLimiter, buckets: MemoryBucketStore
) -> None:
    for client in CLIENTS:
        with suppress(RateLimited):
            limiter.charge_code_request(client, now=NOW)
    free_codes = 800  # half of the subnet's limit
    per_client, of_the_subnet = 2, 1
    assert count_entries(buckets) == per_client * free_codes + of_the_subnet


def test_attempts_that_are_refunded_leave_no_entries(limiter: ActionLimiter, buckets: MemoryBucketStore) -> None:
    """At unknown verifications, with made-up ids."""
    for client in CLIENTS:
        with limiter.attempt_code(client, now=NOW):
            pass
    assert count_entries(buckets) == 0


def test_a_client_that_is_always_denied_leaves_no_more_entries(
    limiter: ActionLimiter, buckets: MemoryBucketStore
) -> None:
    counts = set()
    for _ in range(500):
        with suppress(RateLimited):
            limiter.charge_code_request(CLIENTS[0], now=NOW)
        counts.add(count_entries(buckets))
    assert counts == {3}


def test_entries_are_dropped_when_their_buckets_are_full_again(
    limiter: ActionLimiter, buckets: MemoryBucketStore
) -> None:
    subject = LimitSubject("82", b"p" * 16)
    for client in CLIENTS[:100]:
        limiter.charge_code_request(client, now=NOW)
        limiter.charge_message(client, subject, now=NOW)
    assert count_entries(buckets) > 200
    tomorrow = NOW + timedelta(days=1, minutes=1)
    with limiter.attempt_code(CLIENTS[0], now=tomorrow):
        pass
    assert count_entries(buckets) == 0


def test_windows_are_dropped_when_they_are_over(monkeypatch: pytest.MonkeyPatch) -> None:
    clock: Any = NOW.timestamp()
    monkeypatch.setattr("app.http.rate_limit.windows.time", lambda: clock)
    windows = MemoryWindows(subkey=SUBKEY)
    for client in CLIENTS:
        for _ in range(3):
            windows.incr(client.client, 60)
    assert count_entries(windows) == len(CLIENTS)
    clock += 121
    windows.incr("another", 60)
    assert count_entries(windows) == 1
