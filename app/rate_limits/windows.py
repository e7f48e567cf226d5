"""What slowapi counts its windows in: this process's memory or the shared store, as storages of `limits`."""

import threading
from time import time

from limits.storage import RedisStorage, Storage

from app.rate_limits.redis_breaker import RedisCircuitBreaker

LOCAL, SHARED = "exposure-local", "exposure-shared"
_SWEEP_SECONDS = 60.0
_COUNT = """
local spent = redis.call('INCRBY', KEYS[1], ARGV[2])
if redis.call('TTL', KEYS[1]) < 0 then redis.call('EXPIRE', KEYS[1], ARGV[1]) end
return {spent, redis.call('PTTL', KEYS[1])}
"""

Window = tuple[int, float]
"""What is spent of it, and when it ends, in seconds of the epoch."""


class MemoryWindows(Storage):
    """Fixed windows in this process's memory.

    The library's own forgets by a timer, which is a new thread every ten milliseconds: a fifth of a busy event loop. This one forgets as it counts.
    """

    STORAGE_SCHEME = [LOCAL]  # noqa: RUF012  as limits declares it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, **options: str) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._lock = threading.Lock()
        self._windows: dict[str, Window] = {}
        self._sweep_at = 0.0

    @property
    def base_exceptions(self) -> type[Exception]:
        """Nothing here fails."""
        return ValueError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Spend *amount* of the window of *key*, which lasts *expiry* seconds from its first call; gives what is spent."""
        return self._count(key, expiry, amount)[0]

    def get(self, key: str) -> int:
        """Say how much is spent."""
        spent, ends = self._window(key)
        return spent if ends > time() else 0

    def get_expiry(self, key: str) -> float:
        """Say when the window ends, in seconds of the epoch."""
        return self._window(key)[1]

    def check(self) -> bool:
        """Say that it works."""
        return True

    def reset(self) -> int | None:
        """Forget everything; gives how much that was."""
        with self._lock:
            count = len(self._windows)
            self._windows.clear()
        return count

    def clear(self, key: str) -> None:
        """Forget one window."""
        with self._lock:
            self._windows.pop(key, None)

    def _count(self, key: str, expiry: float, amount: int) -> Window:
        now = time()
        with self._lock:
            self._sweep(now)
            spent, ends = self._windows.get(key, (0, 0.0))
            if ends <= now:
                spent, ends = 0, now + expiry
            self._windows[key] = spent + amount, ends
            return self._windows[key]

    def _window(self, key: str) -> Window:
        return self._windows.get(key, (0, time()))

    def _sweep(self, now: float) -> None:
        if now >= self._sweep_at:
            self._sweep_at = now + _SWEEP_SECONDS
            self._windows = {key: window for key, window in self._windows.items() if window[1] > now}


class RedisWindows(MemoryWindows):
    """Fixed windows in the shared store; in this process while that does not answer."""

    STORAGE_SCHEME = [SHARED]  # noqa: RUF012  as limits declares it

    def __init__(self, uri: str | None = None, wrap_exceptions: bool = False, *, store: RedisCircuitBreaker, **options: str) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self._store = store
        self._counted = _Counted()

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Spend *amount* of the window of *key*."""

        def there(storage: RedisStorage) -> Window:
            count = storage.storage.register_script(_COUNT)
            spent, milliseconds = count([storage.prefixed_key(key)], [int(expiry), amount])
            return int(spent), time() + int(milliseconds) / 1000

        window = self._store.ask(there, lambda: self._count(key, expiry, amount))
        self._counted.last = (*self._counted.last[-1:], (key, window))
        return window[0]

    def _window(self, key: str) -> Window:
        for counted, window in reversed(self._counted.last):
            if counted == key:
                return window
        return self._store.ask(
            lambda there: (there.get(key), there.get_expiry(key)), lambda: super(RedisWindows, self)._window(key)
        )


class _Counted(threading.local):
    """The windows that this thread counted last. slowapi counts the one or two of a call, and then asks how the narrower one stands: it was said."""

    last: tuple[tuple[str, Window], ...] = ()
