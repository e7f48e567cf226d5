"""Posting alarms to where the company keeps watch.

The body and headers are those of Standard Webhooks (https://www.standardwebhooks.com), but for the signature: `webhook-id` stays the same over the
attempts, so that a receiver can tell an alarm that came twice. Whoever may raise alarms there is told by the address, which is a secret.
"""

import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from queue import Full, Queue
from threading import Event
from time import time

import httpx

TIMEOUT = 5.0
"""Seconds for one attempt."""
WAITS = (1.0, 10.0, 60.0, 300.0)
"""Seconds before each attempt but the first."""
QUEUE_SIZE = 1000
"""Alarms that wait to be posted; what comes beyond is in the log only."""


class AlertWebhook:
    """One address, and the alarms on their way to it."""

    def __init__(
        self, url: str, failed: Callable[[str], object], *, waits: tuple[float, ...] = WAITS, timeout: float = TIMEOUT
    ) -> None:
        """Know where they go.

        Args:
            url: http or https.
            failed: is told of each attempt that failed, by the status or the kind of failure.
            waits: seconds before each attempt but the first.
            timeout: seconds for one attempt.
        """
        self._url = url
        self._failed = failed
        self._waits = waits
        self._timeout = timeout
        self._waiting: Queue[tuple[str, bytes] | None] = Queue(QUEUE_SIZE)
        self._stopped = Event()

    def put(self, number: str, kind: str, at: datetime, data: Mapping[str, object]) -> None:
        """Have an event sent, in the background."""
        body = {"type": kind, "timestamp": at.isoformat().replace("+00:00", "Z"), "data": data}
        try:
            self._waiting.put_nowait((number, json.dumps(body).encode()))
        except Full:
            self._failed("Full")

    def work(self) -> None:
        """Send what comes, one after the other, until told to stop."""
        while (event := self._waiting.get()) is not None:
            self._deliver(*event)

    def stop(self) -> None:
        """Let `work` end: what waits is tried once more, and nothing after that."""
        self._stopped.set()
        with suppress(Full):
            self._waiting.put_nowait(None)

    def _deliver(self, number: str, body: bytes) -> None:
        for wait in (0.0, *self._waits):
            if wait and self._stopped.wait(wait):
                return
            try:
                answer = httpx.post(self._url, content=body, headers=_headers(number), timeout=self._timeout)
            except Exception as error:  # noqa: BLE001  the thread must outlive whatever happens to one attempt
                self._failed(type(error).__name__)
                continue
            if answer.is_success:
                return
            self._failed(str(answer.status_code))


def _headers(number: str) -> dict[str, str]:
    return {"content-type": "application/json", "webhook-id": number, "webhook-timestamp": str(int(time()))}
