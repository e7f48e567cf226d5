"""Limits how many Argon2id computations run at the same time. Each one occupies a core and its memory."""

import threading

from app import cpu_affinity
from app.errors import DependencyUnavailable

TIMEOUT_SECONDS = 2.0
"""Shorter than every lock timeout, so a caller waiting here cannot time out another that waits for a lock it holds."""


class HashingOverloaded(DependencyUnavailable):
    """No Argon2id slot became free in time. Nothing was spent; the caller may try again."""


class Argon2Slots:
    """A semaphore for Argon2id computations: ``with slots:`` waits for a free slot and releases it at the end.

    While a thread holds a slot it may run on any core.

    Args:
        slot_count: how many computations may run at the same time; at least one.
        timeout: seconds to wait for a slot.
    """

    def __init__(self, slot_count: int, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self._semaphore = threading.Semaphore(max(1, slot_count))
        self._timeout = timeout

    def __enter__(self) -> None:
        """Wait for a slot.

        Raises:
            HashingOverloaded: no slot became free in time.
        """
        if not self._semaphore.acquire(timeout=self._timeout):
            raise HashingOverloaded("too many Argon2id computations are running")
        cpu_affinity.unpin_thread()

    def __exit__(self, *_: object) -> None:
        cpu_affinity.repin_thread()
        self._semaphore.release()
