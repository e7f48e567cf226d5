"""Alerts the operators when a service-wide rate limit is exhausted, above all the cap on messages: once an hour for each limit."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from app.alerting.webhook import AlertWebhook

ALERT_INTERVAL = timedelta(hours=1)
"""Time between two alerts for the same limit, which may deny thousands of requests meanwhile."""
_GLOBAL_LIMIT_PREFIX = "service."


class GlobalLimitAlerter:
    """Receives all denials of rate limits, and raises an alert for those of service-wide limits.

    Args:
        clock: returns the time.
        on_alert: called with the name of the limit, for logging.
        webhook: also receives each alert.
    """

    def __init__(
        self, clock: Callable[[], datetime], on_alert: Callable[[str], object], webhook: AlertWebhook | None = None
    ) -> None:
        self._clock = clock
        self._on_alert = on_alert
        self._webhook = webhook
        self._lock = threading.Lock()
        self._muted_until: dict[str, datetime] = {}

    def record_denial(self, limit: str) -> None:
        """Record that a limit denied a request, or would have if it were not a dry run."""
        if not limit.startswith(_GLOBAL_LIMIT_PREFIX):
            return
        now = self._clock()
        with self._lock:
            if now < self._muted_until.get(limit, now):
                return
            self._muted_until[limit] = now + ALERT_INTERVAL
        self._on_alert(limit)
        if self._webhook is not None:
            self._webhook.enqueue(f"alert_{uuid4().hex}", "limit.exhausted", now, {"limit": limit})
