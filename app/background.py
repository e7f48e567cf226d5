"""Periodic jobs of a server process: log denials, refresh canaries, deliver the outbox, erase what has expired, and destroy its keys.

One thread runs them in turn. Each job has its own error handling, so a failing sender does not postpone erasure.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from app.datasets.service import has_synthetic_data
from app.db import Database
from app.delivery import Sender
from app.http.services import Services

TICK_SECONDS = 0.2
CANARY_REFRESH_SECONDS = 1.0
ERASURE_SECONDS = 60.0

log = structlog.get_logger()


@dataclass(slots=True)
class _Job:
    name: str
    interval: float
    """Seconds from one run to the next."""
    run: Callable[[], object]
    next_run: float = field(default=float("-inf"))


class BackgroundJobs:
    """The jobs of one application, and the thread that runs them."""

    def __init__(self, services: Services, sender: Sender) -> None:
        self._services = services
        self._sender = sender
        self._jobs = (
            _Job("flush-denials", TICK_SECONDS, services.deferred_denials.flush),
            _Job("refresh-canaries", CANARY_REFRESH_SECONDS, self._refresh_canaries),
            _Job("deliver-outbox", TICK_SECONDS, self._deliver_outbox),
            _Job("erase-expired", ERASURE_SECONDS, self._erase_expired),
            _Job("advance-ratchet", ERASURE_SECONDS, self._advance_ratchet),
            _Job("truncate-wal", ERASURE_SECONDS, services.database.truncate_wal),
        )

    def tick(self, now: float) -> None:
        """Run the jobs that are due. A failure is logged, and the job runs again at its next time.

        Args:
            now: seconds of a monotonic clock.
        """
        for job in self._jobs:
            if now < job.next_run:
                continue
            job.next_run = now + job.interval
            try:
                job.run()
            except Exception as error:  # noqa: BLE001  the thread must survive every failure of a job
                log.warning("background-job-failed", job=job.name, error=type(error).__name__)

    @contextmanager
    def running(self) -> Iterator[None]:
        """Run the jobs in a thread for as long as the block lasts, and log the remaining denials at its end."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run_until, args=(stop,), name="background", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=5)
            self._services.deferred_denials.flush()

    def _run_until(self, stop: threading.Event) -> None:
        while not stop.wait(TICK_SECONDS):
            self.tick(time.monotonic())

    def _refresh_canaries(self) -> None:
        self._services.canaries.refresh(self._services.database)

    def _deliver_outbox(self) -> None:
        if may_send(
            self._services.database, self._sender
        ):  # a synthetic data set may have been imported since the start
            self._services.outbox.deliver_due(self._services.database, self._sender, self._services.clock)

    def _erase_expired(self) -> None:
        services, now = self._services, self._services.clock()
        with services.database.write() as db:
            services.verification.erase_expired(db, now=now)
        services.outbox.erase_expired(services.database, now=now)

    def _advance_ratchet(self) -> None:
        services, now = self._services, self._services.clock()
        services.key_ratchet.advance(now)
        if services.key_ratchet.is_ahead(now):
            services.reporter.report_ratchet_problem("ratchet-ahead", now)


def may_send(database: Database, sender: Sender) -> bool:
    """Return whether *sender* may be used. A live sender may not while a data set is synthetic: Korea reserves no phone numbers for examples."""
    if not sender.is_live:
        return True
    with database.read() as db:
        return not has_synthetic_data(db)
