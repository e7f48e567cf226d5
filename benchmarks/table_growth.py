"""The point read of a look-up as tables grow: filled with random bytes of a sealed row's size, in the application's own layout."""

import os
import random
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import psycopg
from sqlalchemy import text

from app.datasets import sealed_rows
from app.db import Database, fetch
from app.db.upgrade import upgrade

SEALED_BYTES = 124
ROUNDS = 5
READS = 1000
"""In each round, each of another row."""

_SHELVES = 256
"""Ranges of locators, made and sorted one after the other: the whole need not fit into memory."""


@dataclass(frozen=True, slots=True)
class Reads:
    """The median of a point read on one table, in seconds."""

    rows: int
    application: float
    """The application's own query, for one identifier with the data set's sentinel."""
    bare: float
    """One row by the bare driver, prepared."""
    exchange: float
    """The way to the server and back: ``SELECT 1``, as the application asks."""


@dataclass(frozen=True, slots=True)
class _Table:
    rows: int
    dataset: UUID
    known: Sequence[bytes]
    """Some locators that are there."""


def measure(url: str, sizes: Sequence[int]) -> list[Reads]:
    """Fill tables of *sizes* in the empty database at *url*, and read from all of them in turn."""
    database = Database(url)
    try:
        upgrade(database)
        tables = [_filled(database, size) for size in sizes]
        found: list[tuple[list[float], list[float], list[float]]] = [([], [], []) for _ in tables]
        with psycopg.connect(url, autocommit=True) as connection, database.autocommit_reader() as reader:
            for number in range(ROUNDS + 1):
                for table, medians in zip(tables, found, strict=True):
                    sentinel, *asked = random.sample(table.known, READS + 1)

                    def look_up(
                        locator: bytes, dataset: UUID = table.dataset, sentinel: bytes = sentinel
                    ) -> Sequence[object]:
                        return sealed_rows.find_rows(reader, [(dataset, [sentinel, locator])])

                    query = f"SELECT sealed FROM {sealed_rows.table_name(table.dataset)} WHERE locator = %s"  # noqa: S608

                    def read(locator: bytes, query: str = query) -> Sequence[object]:
                        return connection.execute(query, (locator,), prepare=True, binary=True).fetchall()

                    def exchange(_: bytes) -> Sequence[object]:
                        return fetch(reader, "SELECT 1", [])

                    ways: list[tuple[Callable[[bytes], Sequence[object]], int]] = [
                        (look_up, 2),
                        (read, 1),
                        (exchange, 1),
                    ]
                    for kept, (way, expected) in zip(medians, ways, strict=True):
                        median = _median(way, asked, expected)
                        if number:  # the first round warms up
                            kept.append(median)
        return [
            Reads(table.rows, *map(statistics.median, medians)) for table, medians in zip(tables, found, strict=True)
        ]
    finally:
        database.close()


def _median(read: Callable[[bytes], Sequence[object]], locators: Sequence[bytes], expected: int) -> float:
    took = []
    for locator in locators:
        began = time.perf_counter()
        found = read(locator)
        took.append(time.perf_counter() - began)
        assert len(found) == expected
    return statistics.median(took)


def _filled(database: Database, rows: int) -> _Table:
    dataset, known = uuid4(), list[bytes]()
    each = max(READS * 4 // _SHELVES, 8)

    def parts() -> Iterator[bytes]:
        for shelf in range(_SHELVES):
            made = _shelf(shelf, rows * (shelf + 1) // _SHELVES - rows * shelf // _SHELVES)
            known.extend(random.sample(made, min(each, len(made))))
            noise = os.urandom(SEALED_BYTES * len(made))
            sealed = [noise[at : at + SEALED_BYTES] for at in range(0, len(noise), SEALED_BYTES)]
            yield sealed_rows.encode_copy_rows(made, [0] * len(made), sealed)

    with database.write() as session:
        sealed_rows.create_table(session, dataset)
        sealed_rows.copy_rows(session, dataset, parts())
    with database.write() as session:
        session.execute(text(f"ANALYZE {sealed_rows.table_name(dataset)}"))
    return _Table(rows, dataset, known)


def _shelf(number: int, rows: int) -> list[bytes]:
    noise = os.urandom(15 * rows)
    return sorted(bytes((number,)) + noise[at : at + 15] for at in range(0, len(noise), 15))
