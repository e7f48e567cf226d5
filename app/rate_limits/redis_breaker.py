"""A circuit breaker around Redis or Valkey (one server or a cluster), the store that all processes share.

A call waits at most `TIMEOUT_SECONDS` for Redis. After the first failure the circuit is open: calls use their fallback, which counts in this process,
so that nothing passes uncounted. A background thread probes Redis every `PROBE_INTERVAL_SECONDS`, so that no call has to wait for a probe.
"""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

from limits.errors import ConfigurationError
from limits.storage import RedisStorage, storage_from_string
from redis.backoff import NoBackoff
from redis.exceptions import RedisClusterException, RedisError
from redis.retry import Retry

T = TypeVar("T")

TIMEOUT_SECONDS = 0.08
"""Two timeouts still leave time for an answer within 200 ms."""
PROBE_INTERVAL_SECONDS = 1.0
_REDIS_ERRORS = (RedisError, RedisClusterException, ConfigurationError, OSError)
"""What the client raises when there is no usable answer. RedisClusterException is not a RedisError."""
_MAX_CONCURRENT_CALLS = 64


class RedisCircuitBreaker:
    """Runs operations on Redis, or their fallbacks while Redis is not available. A Redis that is down does not prevent the start.

    Args:
        url: of one server, or of a cluster's nodes.
        on_state_change: called once when Redis becomes unavailable, with the name of the error, and once with None when it is available again.
        on_fallback: called for each operation that used its fallback.
    """

    def __init__(
        self,
        url: str,
        on_state_change: Callable[[str | None], object] = lambda _: None,
        on_fallback: Callable[[], object] = lambda: None,
    ) -> None:
        self._url = re.sub(r"^valkey", "redis", url)
        self._on_state_change = on_state_change
        self._on_fallback = on_fallback
        self._lock = threading.Lock()
        self._client: RedisStorage | None = None
        self._is_probing = False
        self._next_probe_at = 0.0
        # The client of one server waits for one answer and respects its timeout. The client of a cluster tries node after node and sleeps in between,
        # so only a call in another thread can be abandoned in time. That costs a thread switch.
        self._executor = ThreadPoolExecutor(_MAX_CONCURRENT_CALLS, "limits") if "+cluster" in url else None
        try:
            self._client = self._connect()
        except _REDIS_ERRORS as error:
            self._on_state_change(type(error).__name__)

    @property
    def is_available(self) -> bool:
        """Whether the last call or probe succeeded."""
        return self._client is not None

    def call(self, operation: Callable[[RedisStorage], T], fallback: Callable[[], T]) -> T:
        """Run *operation* on Redis, or *fallback* if Redis is not available or fails."""
        client = self._client
        if client is None:
            self._schedule_probe()
        else:
            try:
                if self._executor is not None:
                    return self._executor.submit(operation, client).result(TIMEOUT_SECONDS)
                return operation(client)
            except _REDIS_ERRORS as error:
                self._trip(client, error)
        self._on_fallback()
        return fallback()

    def _trip(self, client: RedisStorage, error: Exception) -> None:
        """Open the circuit. The connections of *client* are not used again, since a late answer might still arrive on them."""
        with self._lock:
            if self._client is client:  # of all calls that were waiting, only the first reports the failure
                self._client = None
                self._next_probe_at = time.monotonic() + PROBE_INTERVAL_SECONDS
                self._on_state_change(type(error).__name__)

    def _schedule_probe(self) -> None:
        if time.monotonic() < self._next_probe_at:
            return
        with self._lock:
            if self._is_probing or self._client is not None:
                return
            self._is_probing = True
        threading.Thread(target=self._probe, name="limits", daemon=True).start()

    def _probe(self) -> None:
        client = None
        try:
            client = self._connect()
        except _REDIS_ERRORS:
            pass
        finally:
            with self._lock:
                self._is_probing = False
                self._next_probe_at = time.monotonic() + PROBE_INTERVAL_SECONDS
                if client is not None:
                    self._client = client
                    self._on_state_change(None)

    def _connect(self) -> RedisStorage:
        """Connect, and check that all nodes answer and that Redis accepts writes: a full or read-only one is not available."""
        options: dict[str, Any] = {
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        client = cast("RedisStorage", storage_from_string(self._url, **options))
        client.storage.ping()
        client.incr("exposure-looked", 60)
        return client
