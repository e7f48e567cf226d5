"""Taking turns at Argon2id, which fills a core and its memory: at most so many at once, and nobody waits for ever."""

import threading

from app import cpu_affinity
from app.errors import DependencyUnavailable

PATIENCE_SECONDS = 2.0
"""Less than anything that a waiting call holds on to would be waited for by others."""


class HashingOverloaded(DependencyUnavailable):
    """It was nobody's turn in time. Nothing was spent; the caller comes again."""


class Argon2Slots:
    """``with turns:`` waits for a turn, and gives it back."""

    def __init__(self, at_once: int, *, patience: float = PATIENCE_SECONDS) -> None:
        """Admit so many.

        Args:
            at_once: how many have a turn at the same time; less than one is one.
            patience: seconds to wait for a turn.
        """
        self._free = threading.Semaphore(max(1, at_once))
        self._patience = patience

    def __enter__(self) -> None:
        """Wait for a turn.

        Raises:
            Crowded: there was none in time.
        """
        if not self._free.acquire(timeout=self._patience):
            raise HashingOverloaded("too many are being stretched at once")
        cpu_affinity.unpin_thread()

    def __exit__(self, *_: object) -> None:
        cpu_affinity.repin_thread()
        self._free.release()
