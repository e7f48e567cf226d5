"""Time as something that is handed over. No domain reads a clock of its own, so that a test can move it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""Answers the present moment: aware, in UTC."""


def system_clock() -> datetime:
    """Read the machine's clock."""
    return datetime.now(UTC)


def format_rfc3339(moment: datetime) -> str:
    """Spell an aware *moment* as RFC 3339 in UTC, to the second: ``2026-01-14T09:00:00Z``."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
