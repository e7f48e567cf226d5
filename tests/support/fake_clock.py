"""A clock that tests control."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """A clock that stands still until `advance` is called."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **delta: float) -> None:
        """Move the clock forward by a `timedelta`."""
        self.now += timedelta(**delta)
