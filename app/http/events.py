"""What the services report, as log lines and metrics. None of them contains an identifier or a code."""

from datetime import datetime, timedelta
from typing import Literal

import structlog

from app.alerting import CanaryAlert, GlobalLimitAlerter
from app.http.metrics import Metrics

RATCHET_REPORT_INTERVAL = timedelta(hours=1)

log = structlog.get_logger()


class EventReporter:
    """Callbacks of the services.

    Args:
        metrics: counts the events.
    """

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._ratchet_muted_until: dict[str, datetime] = {}

    def report_denial(self, alerter: GlobalLimitAlerter, limit: str) -> None:
        """Report that a rate limit denied a request, or would have in a dry run."""
        log.warning("rate-limit-denied", limit=limit)
        self._metrics.count_denial(limit)
        alerter.record_denial(limit)

    def report_redis_state(self, error: str | None) -> None:
        """Report that Redis became unavailable, with the kind of *error*, or available again (None)."""
        self._metrics.set_redis_available(error is None)
        if error is None:
            log.warning("redis-recovered")  # the same level as its loss, so that a log of warnings shows both
        else:
            log.warning("redis-lost", error=error)

    def report_ratchet_problem(self, problem: Literal["ratchet-mismatch", "ratchet-ahead"], now: datetime) -> None:
        """Report that hosts have different chains of keys, or that this host's is ahead of the time. At most once an hour for each."""
        if now >= self._ratchet_muted_until.get(problem, now):
            self._ratchet_muted_until[problem] = now + RATCHET_REPORT_INTERVAL
            log.error(problem)

    def report_canary_alert(self, alert: CanaryAlert) -> None:
        """Report that a code was requested for a canary."""
        self._metrics.count_canary_hit()
        log.warning("canary-hit", incident=alert.incident, channel=alert.channel, drained_buckets=alert.drained_buckets)


def log_global_denial(limit: str) -> None:
    """Log that a limit of the whole service is exhausted, which an operator must look at."""
    log.error("global-limit-denied", limit=limit)


def log_invalid_catalog(error: Exception) -> None:
    """Log that an answer was refused because the catalogue does not agree with its signature. Somebody wrote to the database."""
    log.error("catalog-invalid", reason=str(error))


def log_alert_failure(error: Exception) -> None:
    """Log that an alert could not be raised."""
    log.error("alert-failed", error=type(error).__name__)


def log_webhook_failure(reason: str) -> None:
    """Log that an alert could not be posted."""
    log.warning("webhook-failed", error=reason)
