"""Redis or Valkey, one server or a cluster, as the store that all processes share; and doing without it while it does not answer.

A call waits for it `TIMEOUT_SECONDS` at most, once. From its first failure on no call waits: what is done instead counts in this process, so nothing is let
through uncounted, and each `PROBE_INTERVAL_SECONDS` a thread of its own looks whether the store is there again. No call finds that out at its own cost.
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
"""Seconds; two of them still leave an answer within 200 ms."""
PROBE_INTERVAL_SECONDS = 1.0
_FAILURES = (RedisError, RedisClusterException, ConfigurationError, OSError)
"""What the client raises when there is no answer, or none that can be used. A cluster's error is none of Redis' own kind."""
_CALLS_AT_ONCE = 64


class RedisCircuitBreaker:
    """The shared store."""

    def __init__(
        self,
        url: str,
        changed: Callable[[str | None], object] = lambda _: None,
        fell_back: Callable[[], object] = lambda: None,
    ) -> None:
        """Look for it; a store that is not there does not stop a start.

        Args:
            url: of one server, or of a cluster's nodes.
            changed: is told once that it does not answer any more, by the kind of error, and with None that it does again.
            fell_back: is told of each piece of work that was done without it.
        """
        self._url = re.sub(r"^valkey", "redis", url)
        self._changed = changed
        self._fell_back = fell_back
        self._lock = threading.Lock()
        self._there: RedisStorage | None = None
        self._looking = False
        self._look_at = 0.0
        # One server's client waits for one answer, and no longer than it is told. A cluster's asks node after node for the others when one fails, and
        # sleeps when they have none: only who waits for it elsewhere stops waiting in time. That costs a change of threads.
        self._elsewhere = ThreadPoolExecutor(_CALLS_AT_ONCE, "limits") if "+cluster" in url else None
        try:
            self._there = self._opened()
        except _FAILURES as error:
            self._changed(type(error).__name__)

    @property
    def answers(self) -> bool:
        """Whether it does, as far as is known."""
        return self._there is not None

    def ask(self, work: Callable[[RedisStorage], T], instead: Callable[[], T]) -> T:
        """Do *work* there, or something else *instead* where it does not answer."""
        there = self._there
        if there is None:
            self._look_again()
        else:
            try:
                if self._elsewhere is not None:
                    return self._elsewhere.submit(work, there).result(TIMEOUT_SECONDS)
                return work(there)
            except _FAILURES as error:
                self._lose(there, error)
        self._fell_back()
        return instead()

    def _lose(self, there: RedisStorage, error: Exception) -> None:
        """Go on without it. Its connections are not used again: who knows what still comes through them."""
        with self._lock:
            if self._there is there:  # of all those that wait when it falls silent, one says so
                self._there = None
                self._look_at = time.monotonic() + PROBE_INTERVAL_SECONDS
                self._changed(type(error).__name__)

    def _look_again(self) -> None:
        if time.monotonic() < self._look_at:
            return
        with self._lock:
            if self._looking or self._there is not None:
                return
            self._looking = True
        threading.Thread(target=self._look, name="limits", daemon=True).start()

    def _look(self) -> None:
        there = None
        try:
            there = self._opened()
        except _FAILURES:
            pass
        finally:
            with self._lock:
                self._looking = False
                self._look_at = time.monotonic() + PROBE_INTERVAL_SECONDS
                if there is not None:
                    self._there = there
                    self._changed(None)

    def _opened(self) -> RedisStorage:
        """Reach for it, and see that all of it answers and that something can be counted there: a full or a read-only one is none."""
        options: dict[str, Any] = {
            "socket_timeout": TIMEOUT_SECONDS,
            "socket_connect_timeout": TIMEOUT_SECONDS,
            "retry": Retry(NoBackoff(), 0),
        }
        there = cast("RedisStorage", storage_from_string(self._url, **options))
        there.storage.ping()
        there.incr("exposure-looked", 60)
        return there
