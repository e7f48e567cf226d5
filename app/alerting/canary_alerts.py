"""Reacts to a request for a canary's code: drains the client's rate limits and alerts the operators.

A request only puts the hit into a queue. One thread handles hits at once; another posts to the webhook, which may be slow or down.
Alerts contain neither an identifier nor an address: the client is named by its bucket keys, which change daily.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from queue import SimpleQueue
from threading import Thread
from uuid import uuid4

from app.alerting.webhook import AlertWebhook
from app.rate_limits import ActionLimiter, ClientAddress

_JOIN_SECONDS = 2


@dataclass(frozen=True, slots=True)
class CanaryHit:
    """A code was requested for a canary."""

    at: datetime
    client: ClientAddress = field(repr=False)
    channel: str
    incident: str


@dataclass(frozen=True, slots=True)
class CanaryAlert:
    """The alert for one hit."""

    id: str
    """The same for every delivery attempt."""
    at: datetime
    channel: str
    incident: str
    drained_buckets: tuple[str, ...]
    """Today's keys of the client's buckets that were drained."""


class CanaryAlerter:
    """Turns canary hits into alerts.

    Args:
        limiter: its buckets of the client are drained.
        on_alert: called once for each hit, for logging and metrics.
        on_error: called with an error of the handling thread, which continues.
        webhook: also receives each alert.
    """

    def __init__(
        self,
        limiter: ActionLimiter,
        on_alert: Callable[[CanaryAlert], object],
        on_error: Callable[[Exception], object],
        webhook: AlertWebhook | None = None,
    ) -> None:
        self._limiter = limiter
        self._on_alert = on_alert
        self._on_error = on_error
        self._webhook = webhook
        self._hits: SimpleQueue[CanaryHit | None] = SimpleQueue()

    def report_hit(self, hit: CanaryHit) -> None:
        """Queue a hit. This is all that happens on the request path."""
        self._hits.put(hit)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Handle hits in background threads for the duration of the block. Hits queued before its end are still handled."""
        threads = [Thread(target=self._handle_hits, name="canary alerts", daemon=True)]
        if self._webhook is not None:
            threads.append(Thread(target=self._webhook.run, name="alert webhook", daemon=True))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._hits.put(None)
            threads[0].join(timeout=_JOIN_SECONDS)
            if self._webhook is not None:
                self._webhook.stop()
            for thread in threads:
                thread.join(timeout=_JOIN_SECONDS)

    def _handle_hits(self) -> None:
        while (hit := self._hits.get()) is not None:
            self._handle_hit(hit)

    def _handle_hit(self, hit: CanaryHit) -> None:
        try:
            drained = self._limiter.drain_code_limits(hit.client, now=hit.at)
            alert = CanaryAlert(f"alert_{uuid4().hex}", hit.at, hit.channel, hit.incident, drained)
            self._on_alert(alert)
            if self._webhook is not None:
                self._webhook.enqueue(alert.id, "canary.hit", hit.at, _event_data(alert))
        except Exception as error:  # noqa: BLE001  the thread must survive any error of one alert
            self._on_error(error)


def _event_data(alert: CanaryAlert) -> dict[str, object]:
    return {"incident": alert.incident, "channel": alert.channel, "drained_buckets": list(alert.drained_buckets)}
