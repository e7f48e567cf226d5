"""The fixed windows that slowapi counts in, as storages of the `limits` library: in this process's memory, or in Redis.

Their keys contain the client's address, so they are stored under blinded names.
"""

import threading
from time import time

from limits.storage import RedisStorage, Storage

from app.rate_limits.blinding import LocalBlinding, RedisBlinding, blind
from app.rate_limits.redis_breaker import RedisCircuitBreaker

MEMORY_SCHEME, REDIS_SCHEME = "exposure-local", "exposure-shared"
_SWEEP_INTERVAL_SECONDS = 60.0
_INCREMENT_SCRIPT = """
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {count, redis.call('PTTL', KEYS[1])}
"""

Window = tuple[int, float]
"""The count of a window, and when it ends in seconds since the epoch."""


class MemoryWindows(Storage):
    """Fixed windows in this process's memory.

    The library's own memory storage expires windows by a timer that starts a thread every ten milliseconds: a fifth of a busy event loop. This class
    expires them while it counts.

    Args:
        subkey: blinds their names; see `LocalBlinding`.
    """

    STORAGE_SCHEME = [MEMORY_SCHEME]  # noqa: RUF012  as limits declares it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, *, subkey: bytes, **options: str) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._blinding = LocalBlinding(subkey)
        self._lock = threading.Lock()
        self._windows: dict[str, Window] = {}
        self._next_sweep_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """The errors of this storage. It raises none."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add *amount* to the window of *key*, which lasts *expiry* seconds from its first request. Return the new count."""
        return self._increment(key, expiry, amount)[0]

    def get(self, key: str) -> int:
        """Return the count of the window."""
        count, ends_at = self._window(key)
        return count if ends_at > time() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window ends, in seconds since the epoch."""
        return self._window(key)[1]

    def check(self) -> bool:
        """Return True: memory is always available."""
        return True

    def reset(self) -> int | None:
        """Remove all windows. Return how many there were."""
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        """Remove one window."""
        with self._lock:
            self._windows.pop(self._name(key, time()), None)

    def _increment(self, key: str, expiry: float, amount: int) -> Window:
        now = time()
        with self._lock:
            self._remove_expired(now)
            name = self._name(key, now)
            count, ends_at = self._windows.get(name, (0, 0.0))
            if ends_at <= now:
                count, ends_at = 0, now + expiry
            self._windows[name] = count + amount, ends_at
            return self._windows[name]

    def _window(self, key: str) -> Window:
        now = time()
        with self._lock:
            return self._windows.get(self._name(key, now), (0, now))

    def _name(self, key: str, now: float) -> str:
        return blind(self._blinding.key(now), b"window", key.encode())

    def _remove_expired(self, now: float) -> None:
        if now >= self._next_sweep_at:
            self._next_sweep_at = now + _SWEEP_INTERVAL_SECONDS
            self._windows = {key: window for key, window in self._windows.items() if window[1] > now}


class RedisWindows(MemoryWindows):
    """Fixed windows in Redis; in this process while Redis is not available."""

    STORAGE_SCHEME = [REDIS_SCHEME]  # noqa: RUF012  as limits declares it

    def __init__(
        self,
        uri: str | None = None,
        wrap_exceptions: bool = False,
        *,
        subkey: bytes,
        breaker: RedisCircuitBreaker,
        **options: str,
    ) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, subkey=subkey, **options)
        self._breaker = breaker
        self._shared_blinding = RedisBlinding(subkey)
        self._recent = _RecentWindows()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add *amount* to the window of *key*. Return the new count."""

        def increment(client: RedisStorage) -> Window:
            script = client.storage.register_script(_INCREMENT_SCRIPT)
            count, milliseconds = script([self._shared_name(client, key)], [int(expiry), amount])
            return int(count), time() + int(milliseconds) / 1000

        window = self._breaker.call(increment, lambda: self._increment(key, expiry, amount))
        self._recent.windows = (*self._recent.windows[-1:], (key, window))
        return window[0]

    def _window(self, key: str) -> Window:
        for recent_key, window in reversed(self._recent.windows):
            if recent_key == key:
                return window

        def read(client: RedisStorage) -> Window:
            name = self._shared_name(client, key)
            return int(client.storage.get(name) or 0), time() + max(client.storage.pttl(name), 0) / 1000

        return self._breaker.call(read, lambda: super(RedisWindows, self)._window(key))

    def _shared_name(self, client: RedisStorage, key: str) -> str:
        return f"exposure:window:{blind(self._shared_blinding.key(client, time()), b'window', key.encode())}"


class _RecentWindows(threading.local):
    """The two windows that this thread incremented last.

    slowapi increments the one or two windows of a request and then reads the narrower one. Its value is already here, which saves a round trip to
    Redis.
    """

    windows: tuple[tuple[str, Window], ...] = ()
