"""Redis or Valkey, one server or a cluster, as the store that all processes share; and doing without it while it does not answer.

A call waits for it `TIMEOUT` at most. After a failure it is left alone for `PAUSE`, during which nothing waits; then one call tries it again. What
is done instead counts in this process, so nothing is let through uncounted.
"""

import re
import threading
import time
from collections.abc import Callable
from typing import Any, TypeVar, cast

from limits.errors import ConfigurationError
from limits.storage import RedisStorage, storage_from_string
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

T = TypeVar("T")

TIMEOUT = 0.08
"""Seconds; two of them still leave an answer within 200 ms."""
PAUSE = 1.0


class Store:
    """The shared store."""

    def __init__(self, url: str) -> None:
        self._url = re.sub(r"^valkey", "redis", url)
        self._storage: RedisStorage | None = None
        self._lock = threading.Lock()
        self._try_at = 0.0
        self.answers = True
        """Whether it did when it was asked last."""

    def ask(self, work: Callable[[RedisStorage], T], instead: Callable[[], T]) -> T:
        """Do *work* there, or something else *instead* where it does not answer."""
        if not self._may_try():
            return instead()
        try:
            done = work(self._opened())
        except (RedisError, ConfigurationError, OSError):
            self._try_at = time.monotonic() + PAUSE
            self.answers = False
            return instead()
        self.answers = True
        return done

    def _may_try(self) -> bool:
        if self.answers:
            return True
        with self._lock:
            if time.monotonic() < self._try_at:
                return False
            self._try_at = time.monotonic() + PAUSE  # this one tries, and nobody else meanwhile
            return True

    def _opened(self) -> RedisStorage:
        """Open it when it is first asked: a cluster is reached for at once, and must not stop a start."""
        if self._storage is None:
            options: dict[str, Any] = {
                "socket_timeout": TIMEOUT,
                "socket_connect_timeout": TIMEOUT,
                "retry": Retry(NoBackoff(), 0),
            }
            self._storage = cast("RedisStorage", storage_from_string(self._url, **options))
        return self._storage
