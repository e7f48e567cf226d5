"""What is done about a canary that was touched: the budgets of whoever asked are emptied, and those who keep watch are told.

A request only puts its touch into a queue. A thread of its own takes it out at once; another one posts to the webhook, which may be slow or down.
Nothing that is told here names an identifier or an address: the asker is named as the store of budgets names him, under the key of the day.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from queue import SimpleQueue
from threading import Thread
from uuid import uuid4

from app.alerting.webhook import AlertWebhook
from app.rate_limits import ClientAddress, ActionLimiter


@dataclass(frozen=True, slots=True)
class CanaryHit:
    """Somebody asked for a code for a canary."""

    at: datetime
    asker: ClientAddress = field(repr=False)
    channel: str
    incident: str


@dataclass(frozen=True, slots=True)
class CanaryAlert:
    """What is told of a touch."""

    id: str
    """The same however often it is sent."""
    at: datetime
    channel: str
    incident: str
    budgets: tuple[str, ...]
    """Those of the asker that were emptied, by the names that they have in their store today."""


class CanaryAlerter:
    """Takes touches, and raises the alarm."""

    def __init__(
        self,
        budgets: ActionLimiter,
        told: Callable[[CanaryAlert], object],
        failed: Callable[[Exception], object],
        webhook: AlertWebhook | None = None,
    ) -> None:
        """Know whom to tell.

        Args:
            budgets: of which the asker's are emptied.
            told: is told of each touch, once: to log it, to count it.
            failed: is told what went wrong in the thread, which goes on.
            webhook: is sent each alarm as well.
        """
        self._budgets = budgets
        self._told = told
        self._failed = failed
        self._webhook = webhook
        self._touches: SimpleQueue[CanaryHit | None] = SimpleQueue()

    def touched(self, touch: CanaryHit) -> None:
        """Take a touch: all that is done on the path of a request."""
        self._touches.put(touch)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Raise alarms as they come, in threads that last as long as the block; what waits at its end is raised still."""
        threads = [Thread(target=self._watch, name="alarms", daemon=True)]
        if self._webhook is not None:
            threads.append(Thread(target=self._webhook.work, name="alarm webhook", daemon=True))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._touches.put(None)
            threads[0].join(timeout=2)
            if self._webhook is not None:
                self._webhook.stop()
            for thread in threads:
                thread.join(timeout=2)

    def _watch(self) -> None:
        while (touch := self._touches.get()) is not None:
            self._raise(touch)

    def _raise(self, touch: CanaryHit) -> None:
        try:
            emptied = self._budgets.drain_code_limits(touch.asker, now=touch.at)
            alarm = CanaryAlert(f"alarm_{uuid4().hex}", touch.at, touch.channel, touch.incident, emptied)
            self._told(alarm)
            if self._webhook is not None:
                self._webhook.put(alarm.id, "canary.touched", touch.at, _data(alarm))
        except Exception as error:  # noqa: BLE001  the thread must outlive whatever happens to one alarm
            self._failed(error)


def _data(alarm: CanaryAlert) -> dict[str, object]:
    return {"incident": alarm.incident, "channel": alarm.channel, "budgets": list(alarm.budgets)}
