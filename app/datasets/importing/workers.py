"""Processes that work for an import: a few tasks ahead, answers in the order of the tasks, the work of one that died done over."""

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

DEATHS_AT_MOST = 5
"""Of workers in one import. One that was killed is replaced; a task that kills whoever takes it is not tried for ever."""


class Workers:
    """As many processes as are asked for; none while there is one task only."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None
        self._deaths = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=kind is None, cancel_futures=True)

    def run(self, work: Callable[[T], R], tasks: Iterable[T]) -> Iterator[R]:
        """Do *work* on each of the tasks, which may be done more than once; gives the results in the order of the tasks.

        Raises:
            WorkerDied: workers died again and again.
        """
        waiting = iter(tasks)
        first = list(islice(waiting, 2))
        if self._count <= 1 or len(first) < 2:
            yield from map(work, chain(first, waiting))
            return
        waiting = chain(first, waiting)
        under_way: deque[tuple[T, Future[R]]] = deque()
        while True:
            for task in islice(waiting, self._count + 1 - len(under_way)):
                under_way.append((task, self._submit(work, task)))
            if not under_way:
                return
            try:
                result = under_way[0][1].result()
            except BrokenProcessPool:
                self._bury()
                under_way = deque((task, self._submit(work, task)) for task, _ in under_way)
                continue
            under_way.popleft()
            yield result

    def _submit(self, work: Callable[[T], R], task: T) -> Future[R]:
        while True:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(self._count, mp_context=get_context("spawn"), initializer=_begin)
            try:
                return self._pool.submit(work, task)
            except BrokenProcessPool:
                self._bury()

    def _bury(self) -> None:
        self._deaths += 1
        if self._deaths > DEATHS_AT_MOST:
            raise WorkerDied("processes that work for the import died again and again; nothing was imported") from None
        if self._pool is not None:
            self._pool.shutdown(wait=True)
        self._pool = None


def _begin() -> None:
    """Set a process up for work on millions of small objects."""
    with suppress(NotImplementedError):  # not built in everywhere
        # gives back what was freed a second ago, where Arrow's first choice keeps it
        pa.set_memory_pool(pa.jemalloc_memory_pool())
    gc.disable()  # no task makes cycles; looking for them among a block's rows takes longer than reading it
    parent = parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()


def _leave_with(parent: int) -> None:
    """End with the process that started this one: it may be killed, and would not say so."""
    connection.wait([parent])
    os._exit(1)
