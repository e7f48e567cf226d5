"""Worker processes of an import. Results come in the order of the tasks, and a task whose worker dies is repeated."""

import gc
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from itertools import chain, islice
from multiprocessing import connection, get_context, parent_process
from types import TracebackType
from typing import Self, TypeVar

import pyarrow as pa

from app.datasets.errors import WorkerDied

T = TypeVar("T")
R = TypeVar("R")

MAX_WORKER_DEATHS = 5
"""Worker deaths tolerated in one import. A killed worker is replaced, but a task that always kills its worker is not repeated forever."""


class WorkerPool:
    """A pool of *size* processes, which are started only when there is more than one task."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._pool: ProcessPoolExecutor | None = None
        self._deaths = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def map(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Run *work* for each task and yield the results in the order of the tasks. A task may run more than once.

        Raises:
            WorkerDied: more than `MAX_WORKER_DEATHS` workers died.
        """
        waiting = iter(tasks)
        first = list(islice(waiting, 2))
        if self._size <= 1 or len(first) < 2:
            yield from map(work, chain(first, waiting))
            return
        waiting = chain(first, waiting)
        pending: deque[tuple[T, Future[R]]] = deque()
        while True:
            for task in islice(waiting, self._size + 1 - len(pending)):
                pending.append((task, self._submit(work, task)))
            if not pending:
                return
            try:
                result = pending[0][1].result()
            except BrokenProcessPool:
                self._replace_dead()
                pending = deque((task, self._submit(work, task)) for task, _ in pending)
                continue
            pending.popleft()
            yield result

    def _submit(self, work: Callable[[T], R], task: T) -> Future[R]:
        while True:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(self._size, mp_context=get_context("spawn"), initializer=_init_worker)
            try:
                return self._pool.submit(work, task)
            except BrokenProcessPool:
                self._replace_dead()

    def _replace_dead(self) -> None:
        self._deaths += 1
        if self._deaths > MAX_WORKER_DEATHS:
            raise WorkerDied("too many worker processes died; nothing was imported") from None
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        self._pool = None


def _init_worker() -> None:
    """Set up a worker process for work on millions of small objects."""
    with suppress(NotImplementedError):  # not every build of Arrow has it
        # jemalloc returns memory that was freed a second ago to the system; Arrow's default allocator keeps it.
        pa.set_memory_pool(pa.jemalloc_memory_pool())
    gc.disable()  # no task creates cycles; a collection among a block's rows takes longer than reading the block
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_exit_with_parent, args=(parent.sentinel,), daemon=True).start()


def _exit_with_parent(parent_sentinel: int) -> None:
    """Exit when the parent process ends: a parent that is killed cannot stop its workers."""
    connection.wait([parent_sentinel])
    os._exit(1)
