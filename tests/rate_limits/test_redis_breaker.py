"""The circuit breaker: when Redis is considered not available, and that no call hangs."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from app.rate_limits import RedisBucketStore, RedisCircuitBreaker
from app.rate_limits.gcra import Limit
from app.rate_limits.redis_bucket_store import FALLBACK_DIVISOR
from app.rate_limits.transaction import Transaction
from tests.rate_limits.helpers import MAX_WAIT_SECONDS, RestartableValkey, wait_until
from tests.support.external_servers import run_valkey_cluster

pytestmark = pytest.mark.kill


def test_a_redis_that_accepts_no_connection_is_not_available(monkeypatch: pytest.MonkeyPatch) -> None:
    """If its connection backlog is full, connecting hangs rather than answering."""
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 0.1)
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        port = listening.getsockname()[1]
        backlog = [socket.socket() for _ in range(4)]
        for connection in backlog:
            connection.setblocking(False)
            connection.connect_ex(("127.0.0.1", port))
        breaker = RedisCircuitBreaker(f"redis://127.0.0.1:{port}/0")
        assert not breaker.is_available
        assert breaker.call(lambda _: "redis", lambda: "fallback") == "fallback"
        for connection in backlog:
            connection.close()


def test_a_redis_that_accepts_no_writes_is_not_available(valkey: RestartableValkey) -> None:
    state_changes: list[str | None] = []
    breaker = RedisCircuitBreaker(valkey.url, state_changes.append)
    client: Any = breaker._client
    client.storage.config_set("maxmemory", "1")
    buckets = RedisBucketStore(breaker, b"s" * 32)
    transaction = Transaction("a", Limit(10 * FALLBACK_DIVISOR, 60.0), b"subject")
    assert [buckets.spend([transaction], now=0.0).denied is None for _ in range(11)] == [True] * 10 + [False]
    assert (state_changes, breaker.is_available) == (["OutOfMemoryError"], False)
    client.storage.config_set("maxmemory", "0")


def increment_counter(breaker: RedisCircuitBreaker) -> str:
    """Increment a counter in Redis. Return ``fallback`` if Redis is not available."""
    return breaker.call(lambda client: f"redis {client.incr('a', 60) > 0}", lambda: "fallback")


def test_a_call_does_not_wait_for_the_retries_of_a_cluster_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 1.0)
    monkeypatch.setattr("app.rate_limits.redis_breaker.PROBE_INTERVAL_SECONDS", 0.1)
    state_changes: list[str | None] = []
    with run_valkey_cluster() as url:
        breaker, release = RedisCircuitBreaker(url, state_changes.append), threading.Event()
        assert increment_counter(breaker) == "redis True"
        assert breaker.call(lambda _: str(release.wait(MAX_WAIT_SECONDS)), lambda: "fallback") == "fallback"
        assert not release.is_set()
        release.set()
        wait_until(lambda: increment_counter(breaker) == "redis True")
        assert state_changes == ["TimeoutError", None]
    wait_until(lambda: increment_counter(breaker) == "fallback")
    assert state_changes[2:] != []


def test_only_one_thread_probes_redis(valkey: RestartableValkey, monkeypatch: pytest.MonkeyPatch) -> None:
    """A suspended Redis blocks one thread, however many calls arrive."""
    monkeypatch.setattr("app.rate_limits.redis_breaker.TIMEOUT_SECONDS", 1.0)
    breaker = RedisCircuitBreaker(valkey.url)
    valkey.suspend()
    assert increment_counter(breaker) == "fallback"
    probing, release = threading.Event(), threading.Event()
    probes: list[int] = []

    def connect(self: RedisCircuitBreaker) -> None:
        probes.append(1)
        probing.set()
        release.wait(MAX_WAIT_SECONDS)
        raise OSError

    monkeypatch.setattr(RedisCircuitBreaker, "_connect", connect)
    monkeypatch.setattr("app.rate_limits.redis_breaker.PROBE_INTERVAL_SECONDS", 0.0)
    breaker._next_probe_at = 0.0
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: increment_counter(breaker), range(200))) == {"fallback"}
    probing.wait(MAX_WAIT_SECONDS)
    assert len(probes) == 1
    release.set()
