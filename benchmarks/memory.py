"""Peak memory of a process tree, sampled twice a second."""

import threading
from types import TracebackType
from typing import Self

from benchmarks.processes import process_tree, pss_mib

SAMPLE_SECONDS = 0.5


class PeakMemoryMonitor:
    """Sample the memory of a process and its descendants while the block runs."""

    def __init__(self, root_pid: int) -> None:
        self.peak_mib = 0.0
        """Highest sum over all processes in one sample."""
        self._root_pid = root_pid
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, _: type[BaseException] | None, __: BaseException | None, ___: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._stop.wait(SAMPLE_SECONDS):
            self.peak_mib = max(self.peak_mib, pss_mib(process_tree(self._root_pid)))
