"""Prometheus metrics. No label identifies a client or a person: every label value comes from a fixed set.

With several workers, each process counts into its own files in one directory, and the worker that is scraped adds them all up. prometheus_client
chooses this mode when it is *imported*, by an environment variable. So the directory must exist before the workers start (`multiprocess_metrics`);
in a process that has already imported this module nothing changes.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

MULTIPROCESS_DIR_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
DURATION_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.5, 1.0, 2.5)
"""Seconds. 0.2 is the promised response time while Redis is unavailable."""

# the creation time of each label set would double the output, and is that of one worker only
disable_created_metrics()  # type: ignore[no-untyped-call]


@contextmanager
def multiprocess_metrics() -> Iterator[None]:
    """Make processes that start inside the block count together. The directory is fresh, since old files would be added to the counts."""
    with TemporaryDirectory(prefix="exposure-metrics-") as directory:
        os.environ[MULTIPROCESS_DIR_VARIABLE] = directory
        try:
            yield
        finally:
            del os.environ[MULTIPROCESS_DIR_VARIABLE]


class Metrics:
    """The metrics of one application.

    Args:
        has_redis: whether rate limits are kept in Redis; without it there is no gauge of its availability.
    """

    def __init__(self, *, has_redis: bool) -> None:
        self._registry = registry = CollectorRegistry()
        self._responses = Counter(
            "exposure_requests", "Responses by route", ["route", "method", "status"], registry=registry
        )
        self._durations = Histogram(
            "exposure_request_duration_seconds",
            "Response times by route",
            ["route"],
            registry=registry,
            buckets=DURATION_BUCKETS,
        )
        self._denials = Counter(
            "exposure_rate_limit_denials",
            "Calls and messages denied by a rate limit, or that would be in a dry run",
            ["limit"],
            registry=registry,
        )
        self._redis_fallbacks = Counter(
            "exposure_redis_fallbacks",
            "Rate-limit operations done in process memory because Redis was unavailable",
            registry=registry,
        )
        self._messages = Counter(
            "exposure_messages", "Code messages by outcome", ["channel", "outcome"], registry=registry
        )
        self._code_attempts = Counter("exposure_code_attempts", "Codes entered", ["outcome"], registry=registry)
        self._canary_hits = Counter("exposure_canary_hits", "Codes requested for a canary", registry=registry)
        self._refused_connections = Counter(
            "exposure_refused_connections",
            "Connections closed because too many were open, or because a request was not sent in time",
            ["reason"],
            registry=registry,
        )
        self._redis_up: Gauge | None = None
        if has_redis:
            # the minimum over all workers: a worker that has lost Redis counts on its own
            self._redis_up = Gauge(
                "exposure_redis_up",
                "Whether Redis is available for rate limits",
                registry=registry,
                multiprocess_mode="livemin",
            )
            self._redis_up.set(1)

    def count_response(self, route: str | None, method: str, status: int, seconds: float) -> None:
        """Count one response.

        Args:
            route: the route's template; None if no route matched.
            method: an HTTP method, or ``other``.
            status: 0 if no response was sent.
            seconds: the time it took.
        """
        template = route or "none"
        self._responses.labels(template, method, f"{status // 100}xx" if status else "none").inc()
        self._durations.labels(template).observe(seconds)

    def count_denial(self, limit: str) -> None:
        """Count a denial by the limit of this name, such as ``client.other``."""
        self._denials.labels(limit).inc()

    def count_refused_connection(self, reason: str) -> None:
        """Count a connection that was closed by a limit of `app.http.connections`."""
        self._refused_connections.labels(reason).inc()

    def count_redis_fallback(self) -> None:
        """Count a rate-limit operation that was done in process memory instead of in Redis."""
        self._redis_fallbacks.inc()

    def set_redis_available(self, available: bool) -> None:
        """Record whether Redis is available."""
        if self._redis_up is not None:
            self._redis_up.set(available)

    def count_message(self, channel: str | None, outcome: str) -> None:
        """Count a message by its outcome. *channel* is None if the message could not be decrypted."""
        self._messages.labels(channel or "unknown", outcome).inc()

    def count_canary_hit(self) -> None:
        """Count a code that was requested for a canary."""
        self._canary_hits.inc()

    def count_code_attempt(self, *, is_correct: bool) -> None:
        """Count a code that was entered."""
        self._code_attempts.labels("confirmed" if is_correct else "wrong").inc()

    def render(self) -> bytes:
        """Return all metrics in Prometheus' text format, summed over the workers in multiprocess mode."""
        directory = os.environ.get(MULTIPROCESS_DIR_VARIABLE)
        if directory is None:
            return generate_latest(self._registry)
        _remove_dead_workers(Path(directory))
        all_workers = CollectorRegistry()
        MultiProcessCollector(all_workers, directory)  # type: ignore[no-untyped-call]
        return generate_latest(all_workers)


def _remove_dead_workers(directory: Path) -> None:
    """Remove the gauges of dead workers: one that died while Redis was down would report that for ever. Their counters stay."""
    for file in directory.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)  # signal 0 only checks that the process exists
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another worker may be scraped at the same time
                mark_process_dead(pid, str(directory))  # type: ignore[no-untyped-call]
