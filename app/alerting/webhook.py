"""Posts alerts to the operators' webhook.

Body and headers follow Standard Webhooks (https://www.standardwebhooks.com), without a signature: knowledge of the secret URL authorises the
sender. `webhook-id` is the same for all attempts, so that the receiver can recognise duplicates.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from queue import Full, Queue
from threading import Event
from time import time

import httpx

TIMEOUT_SECONDS = 5.0
"""For one attempt."""
RETRY_DELAYS = (1.0, 10.0, 60.0, 300.0)
"""Seconds before each attempt after the first."""
QUEUE_SIZE = 1000
"""Alerts waiting to be posted. Further ones are dropped; they are still in the log."""


class AlertWebhook:
    """Posts queued alerts to one URL.

    Args:
        url: http or https.
        on_failure: called after each failed attempt with the HTTP status or the type of error.
        retry_delays: seconds before each attempt after the first.
        timeout: seconds for one attempt.
    """

    def __init__(
        self,
        url: str,
        on_failure: Callable[[str], object],
        *,
        retry_delays: tuple[float, ...] = RETRY_DELAYS,
        timeout: float = TIMEOUT_SECONDS,
    ) -> None:
        self._url = url
        self._on_failure = on_failure
        self._retry_delays = retry_delays
        self._timeout = timeout
        self._queue: Queue[tuple[str, bytes] | None] = Queue(QUEUE_SIZE)
        self._stopped = Event()

    def enqueue(self, event_id: str, event_type: str, at: datetime, data: Mapping[str, object]) -> None:
        """Queue an event, to be posted in the background."""
        body = {"type": event_type, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": data}
        try:
            self._queue.put_nowait((event_id, json.dumps(body).encode()))
        except Full:
            self._on_failure("Full")

    def run(self) -> None:
        """Post queued events one after the other, until stopped."""
        while (event := self._queue.get()) is not None:
            self._post(*event)

    def stop(self) -> None:
        """Stop `run`. Each event still queued is attempted once."""
        self._stopped.set()
        with suppress(Full):
            self._queue.put_nowait(None)

    def _post(self, event_id: str, body: bytes) -> None:
        for delay in (0.0, *self._retry_delays):
            if delay and self._stopped.wait(delay):
                return
            try:
                response = httpx.post(self._url, content=body, headers=_headers(event_id), timeout=self._timeout)
            except Exception as error:  # noqa: BLE001  the thread must survive any error of one attempt
                self._on_failure(type(error).__name__)
                continue
            if response.is_success:
                return
            self._on_failure(str(response.status_code))


def _headers(event_id: str) -> dict[str, str]:
    return {"content-type": "application/json", "webhook-id": event_id, "webhook-timestamp": str(int(time()))}
