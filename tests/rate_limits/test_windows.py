"""The fixed windows of request limits: blinded, shared, and not begun anew at midnight."""

from collections.abc import Callable
from itertools import count

import pytest

from app.http.rate_limit.windows import MemoryWindows, RedisWindows
from app.rate_limits import RedisCircuitBreaker
from app.rate_limits.blinding import DAY_SECONDS, LocalBlinding

SUBKEY = b"s" * 32
MIDNIGHT = 20_000 * DAY_SECONDS
_unique_numbers = count()


class SettableTime:
    """A replacement for `time.time`."""

    def __init__(self) -> None:
        self.now = MIDNIGHT - 30

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SettableTime:
    clock = SettableTime()
    monkeypatch.setattr("app.http.rate_limit.windows.time", clock)
    return clock


@pytest.fixture(params=["local", "valkey"])
def create_windows(request: pytest.FixtureRequest) -> Callable[[], MemoryWindows]:
    if request.param == "local":
        return lambda: MemoryWindows(subkey=SUBKEY)
    url = request.getfixturevalue("valkey_url")
    return lambda: RedisWindows(subkey=SUBKEY, breaker=RedisCircuitBreaker(url))


@pytest.fixture
def key() -> str:
    return f"198.51.100.{next(_unique_numbers)}/32"


def test_a_window_that_began_before_midnight_goes_on(
    create_windows: Callable[[], MemoryWindows], clock: SettableTime, key: str
) -> None:
    """Valkey expires windows by its own clock, so none ends here."""
    windows = create_windows()
    assert [windows.incr(key, 60) for _ in range(3)] == [1, 2, 3]
    clock.now = MIDNIGHT + 15
    assert [windows.incr(key, 60) for _ in range(2)] == [4, 5]
    assert windows.get(key) == 5
    assert clock.now < windows.get_expiry(key) <= clock.now + 60


def test_a_window_in_memory_ends_after_midnight(clock: SettableTime, key: str) -> None:
    windows = MemoryWindows(subkey=SUBKEY)
    windows.incr(key, 60)
    clock.now = MIDNIGHT + 15
    windows.incr(key, 60)
    clock.now = MIDNIGHT + 31
    assert windows.incr(key, 60) == 1
    assert windows.get_expiry(key) == MIDNIGHT + 91


def test_a_window_that_was_incremented_in_another_thread_can_be_read(
    create_windows: Callable[[], MemoryWindows], clock: SettableTime, key: str
) -> None:
    windows = create_windows()
    windows.incr(key, 60)
    windows.incr(f"{key} 2", 60)
    windows.incr(f"{key} 3", 60)  # only the last two windows of a thread are remembered
    clock.now = MIDNIGHT + 1
    assert windows.get(key) == 1
    assert windows.get(f"{key} unknown") == 0


def test_the_repr_of_blinding_keys_hides_them() -> None:
    assert repr(LocalBlinding(SUBKEY).keys(MIDNIGHT)) == "BlindingKeys(…)"


def test_no_name_contains_an_address(clock: SettableTime, key: str) -> None:
    windows = MemoryWindows(subkey=SUBKEY)
    windows.incr(key, 60)
    assert clock.now
    assert key not in repr(windows._windows)
