"""Time as a parameter. Domains receive a clock and never read the system's, so that tests can move time."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Returns the current time: aware, in UTC."""


def system_clock() -> datetime:
    """Return the system's time."""
    return datetime.now(UTC)


def format_rfc3339(time: datetime) -> str:
    """Format an aware *time* as RFC 3339 in UTC, to the second: ``2026-01-14T09:00:00Z``."""
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
