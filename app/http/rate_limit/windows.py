"""The fixed windows that slowapi counts in, as storages of the `limits` library: in this process's memory, or in Redis.

Their keys contain the client's address, so they are stored under blinded names.
"""

import threading
from collections.abc import Sequence
from time import time

from limits.storage import RedisStorage, Storage

from app.rate_limits.blinding import DAY_SECONDS, BlindingKeys, LocalBlinding, RedisBlinding, blind
from app.rate_limits.redis_breaker import RedisCircuitBreaker

MEMORY_SCHEME, REDIS_SCHEME = "exposure-local", "exposure-shared"
_SWEEP_INTERVAL_SECONDS = 60.0
_INCREMENT_SCRIPT = """
if ARGV[3] == '1' and redis.call('EXISTS', KEYS[1]) == 0 then return false end
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
        self._recent = _RecentWindows()
        self._lock = threading.Lock()
        self._windows: dict[str, Window] = {}
        self._next_sweep_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """The errors of this storage. It raises none."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add *amount* to the window of *key*, which lasts *expiry* seconds from its first request. Return the new count."""
        window = self._increment(key, expiry, amount)
        self._recent.windows = (*self._recent.windows[-1:], (key, window))
        return window[0]

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
            for name in self._names(key, time()):
                self._windows.pop(name, None)

    def _increment(self, key: str, expiry: float, amount: int) -> Window:
        now = time()
        with self._lock:
            self._remove_expired(now)
            name, (count, ends_at) = self._find(self._names(key, now, expiry), now)
            if ends_at <= now:
                count, ends_at = 0, now + expiry
            self._windows[name] = count + amount, ends_at
            return self._windows[name]

    def _window(self, key: str) -> Window:
        for recent_key, window in reversed(self._recent.windows):
            if recent_key == key:
                return window
        return self._read(key)

    def _read(self, key: str) -> Window:
        now = time()
        with self._lock:
            return self._find(self._names(key, now), now)[1]

    def _find(self, names: Sequence[str], now: float) -> tuple[str, Window]:
        """Return the first window that has not ended, and its name; else the last name, which is today's."""
        for name in names:
            window = self._windows.get(name, (0, now))
            if window[1] > now:
                break
        return name, window

    def _names(self, key: str, now: float, expiry: float = DAY_SECONDS) -> list[str]:
        return _window_names(self._blinding.keys(now), key, now, expiry)

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

    def _increment(self, key: str, expiry: float, amount: int) -> Window:
        def increment(client: RedisStorage) -> Window:
            now = time()
            script = client.storage.register_script(_INCREMENT_SCRIPT)
            *earlier, current = self._shared_names(client, key, now, expiry)
            for name in earlier:
                if found := script([name], [int(expiry), amount, 1]):
                    break
            else:
                found = script([current], [int(expiry), amount, 0])
            count, milliseconds = found
            return int(count), now + int(milliseconds) / 1000

        return self._breaker.call(increment, lambda: super(RedisWindows, self)._increment(key, expiry, amount))

    def _read(self, key: str) -> Window:
        def read(client: RedisStorage) -> Window:
            now = time()
            for name in self._shared_names(client, key, now):
                if (milliseconds := client.storage.pttl(name)) > 0:
                    return int(client.storage.get(name) or 0), now + milliseconds / 1000
            return 0, now

        return self._breaker.call(read, lambda: super(RedisWindows, self)._read(key))

    def _shared_names(self, client: RedisStorage, key: str, now: float, expiry: float = DAY_SECONDS) -> list[str]:
        names = _window_names(self._shared_blinding.keys(client, now), key, now, expiry)
        return [f"exposure:window:{name}" for name in names]


def _window_names(keys: BlindingKeys, key: str, now: float, expiry: float) -> list[str]:
    """Return the names that a window may have, in the order in which to look for it.

    A window that began yesterday goes on under its name until it ends. There can be none once a day is older than a window lasts.
    """
    blinding_keys = (keys.yesterday, keys.today) if now % DAY_SECONDS < expiry else (keys.today,)
    return [blind(blinding_key, b"window", key.encode()) for blinding_key in blinding_keys]


class _RecentWindows(threading.local):
    """The two windows that this thread incremented last.

    slowapi increments the one or two windows of a request and then reads the narrower one. Its value is already here, which saves a lookup,
    or a round trip to Redis.
    """

    windows: tuple[tuple[str, Window], ...] = ()
