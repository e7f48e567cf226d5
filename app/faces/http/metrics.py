"""What the service counts of itself, for Prometheus. No label says anything of a caller or a person: each value is one of a fixed set.

Where several workers answer, each counts into files of its own in one folder, and whoever is asked adds them all up. The library decides as it is
*imported* whether it counts so, by an environment variable: so the folder must be made before the workers start (`multiprocess_metrics`), and in a
process that has imported this already nothing changes any more.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5)
"""0.2 is what is promised while the store of limits is down."""

disable_created_metrics()  # type: ignore[no-untyped-call]  # when each label first came up: twice as much to read, and of one worker only


@contextmanager
def multiprocess_metrics() -> Iterator[None]:
    """Have the processes that start meanwhile count in common. A folder of its own, since what an earlier start left there would be added."""
    with TemporaryDirectory(prefix="exposure-metrics-") as folder:
        os.environ[FOLDER] = folder
        try:
            yield
        finally:
            del os.environ[FOLDER]


class Metrics:
    """The counters of one application."""

    def __init__(self, *, has_redis: bool) -> None:
        """Begin at nothing.

        Args:
            store: whether limits are kept in a store that may fail; without one nothing is said of it.
        """
        self._registry = own = CollectorRegistry()
        self._requests = Counter("exposure_requests", "Answers, by route", ["route", "method", "status"], registry=own)
        self._seconds = Histogram(
            "exposure_request_duration_seconds", "How long they took", ["route"], registry=own, buckets=DURATION_BUCKETS
        )
        self._refusals = Counter(
            "exposure_rate_limit_denials", "Calls and messages that a budget refused, or would", ["limit"], registry=own
        )
        self._fallbacks = Counter(
            "exposure_redis_fallbacks", "Spent in the process, for the store was silent", registry=own
        )
        self._messages = Counter(
            "exposure_messages", "Messages with a code, by what came of them", ["channel", "outcome"], registry=own
        )
        self._verifications = Counter("exposure_code_attempts", "Codes that were tried", ["outcome"], registry=own)
        self._canaries = Counter("exposure_canary_hits", "Codes asked for a canary", registry=own)
        self._store: Gauge | None = None
        if has_redis:
            # of several workers the worst: one that has lost the store counts apart from the others
            self._store = Gauge(
                "exposure_redis_up",
                "Whether the store of limits answers",
                registry=own,
                multiprocess_mode="livemin",
            )
            self._store.set(1)

    def count_response(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Count one answer.

        Args:
            route: its template; None where no route took the call.
            method: one of HTTP's, or ``other``.
            status: 0 where none was sent.
            seconds: that it took.
        """
        template = route or "none"
        self._requests.labels(template, method, f"{status // 100}xx" if status else "none").inc()
        self._seconds.labels(template).observe(seconds)

    def count_denial(self, budget: str) -> None:
        """Count a refusal of the budget of this name, as in ``client.new_identifiers``."""
        self._refusals.labels(budget).inc()

    def count_redis_fallback(self) -> None:
        """Count what was spent in this process instead of the store."""
        self._fallbacks.inc()

    def set_redis_available(self, answers: bool) -> None:
        """Say whether the store does."""
        if self._store is not None:
            self._store.set(answers)

    def count_message(self, channel: str, outcome: str) -> None:
        """Count what came of a message."""
        self._messages.labels(channel, outcome).inc()

    def count_canary_hit(self) -> None:
        """Count a code that was asked for a canary."""
        self._canaries.inc()

    def count_code_attempt(self, *, is_correct: bool) -> None:
        """Count a code that was tried."""
        self._verifications.labels("confirmed" if is_correct else "wrong").inc()

    def render(self) -> bytes:
        """Write all of it down in Prometheus' text format: of all workers, where they count in common."""
        folder = os.environ.get(FOLDER)
        if folder is None:
            return generate_latest(self._registry)
        _forget_the_dead(Path(folder))
        everybody = CollectorRegistry()
        MultiProcessCollector(everybody, folder)  # type: ignore[no-untyped-call]
        return generate_latest(everybody)


def _forget_the_dead(folder: Path) -> None:
    """Drop the gauges of workers that are no more, or one that died without the store would say so for ever. What they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        process = int(file.stem.rpartition("_")[2])
        try:
            os.kill(process, 0)  # only asks
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another worker is asked as well
                mark_process_dead(process, str(folder))  # type: ignore[no-untyped-call]
