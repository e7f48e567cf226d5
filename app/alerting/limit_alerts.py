"""A budget of the whole service is spent, the cap of messages above all: those who keep watch are told, for each budget once an hour."""

import threading
from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

from app.alerting.webhook import AlertWebhook

PAUSE = timedelta(hours=1)
"""Before the same budget raises the alarm again: it refuses thousands of times meanwhile."""
_OF_THE_SERVICE = "service."


class GlobalLimitAlerter:
    """Hears of all that budgets refuse, and raises the alarm for those of the service."""

    def __init__(
        self, clock: Callable[[], datetime], told: Callable[[str], object], webhook: AlertWebhook | None = None
    ) -> None:
        """Know whom to tell.

        Args:
            clock: gives the time.
            told: is told the budget of each alarm: to log it.
            webhook: is sent each alarm as well.
        """
        self._clock = clock
        self._told = told
        self._webhook = webhook
        self._lock = threading.Lock()
        self._quiet_until: dict[str, datetime] = {}

    def refused(self, budget: str) -> None:
        """Take it that a budget refused, or in the record-only mode would have."""
        if not budget.startswith(_OF_THE_SERVICE):
            return
        now = self._clock()
        with self._lock:
            if now < self._quiet_until.get(budget, now):
                return
            self._quiet_until[budget] = now + PAUSE
        self._told(budget)
        if self._webhook is not None:
            self._webhook.put(f"alarm_{uuid4().hex}", "budget.spent", now, {"budget": budget})
