"""Peak memory of a family of processes, looked at twice a second."""

import threading
from types import TracebackType
from typing import Self

from benchmarks.processes import process_tree, pss_mib

SECONDS_BETWEEN = 0.5


class PeakMemoryMonitor:
    """Looks at the memory of a process and all that descend from it for as long as the block lasts."""

    def __init__(self, head: int) -> None:
        self.peak_mib = 0.0
        """MiB, in sum over all of them at one moment."""
        self._head = head
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._over.wait(SECONDS_BETWEEN):
            self.peak_mib = max(self.peak_mib, pss_mib(process_tree(self._head)))
