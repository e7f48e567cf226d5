"""Budgets that refused, until somebody has time to say so: the line of the log took a fiftieth of an answer, by which a silent refusal was told."""

from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue


class DeferredDenials:
    """Notes them at once, and tells of them later, on another thread than the one that answers."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        """Know whom to tell the name of each budget."""
        self._tell = tell
        self._noted: SimpleQueue[str] = SimpleQueue()

    def record(self, budget: str) -> None:
        """Note that a budget refused, or in the record-only mode would have."""
        self._noted.put(budget)

    def flush(self) -> None:
        """Tell of all that were noted."""
        with suppress(Empty):
            while True:
                self._tell(self._noted.get_nowait())
