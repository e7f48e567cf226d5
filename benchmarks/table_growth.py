"""Time of a look-up's point read in tables of different sizes. The tables have the application's layout and hold random bytes."""

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
from app.datasets.copy_format import encode_copy_rows
from app.db import Database, fetch
from app.db.upgrade import upgrade

SEALED_BYTES = 124
ROUNDS = 5
READS = 1000
"""Point reads in each round, each of another row."""

_LOCATOR_RANGES = 256
"""The locators are generated and sorted range by range, so that the whole table need not fit in memory."""


@dataclass(frozen=True, slots=True)
class PointReadTimes:
    """Median time of a point read on one table, in seconds."""

    rows: int
    look_up: float
    """The application's own query, for one identifier and the data set's sentinel."""
    prepared_select: float
    """A prepared SELECT of one row with psycopg alone."""
    round_trip: float
    """The round trip to the server: ``SELECT 1`` through the application's database layer."""


@dataclass(frozen=True, slots=True)
class _Table:
    rows: int
    dataset: UUID
    sample_locators: Sequence[bytes]


def measure_point_reads(url: str, sizes: Sequence[int]) -> list[PointReadTimes]:
    """Fill tables of *sizes* rows in the empty database at *url*, and read from all of them in turn."""
    database = Database(url)
    try:
        upgrade(database)
        tables = [_fill_table(database, size) for size in sizes]
        medians_by_table: list[tuple[list[float], list[float], list[float]]] = [([], [], []) for _ in tables]
        with psycopg.connect(url, autocommit=True) as connection, database.autocommit_reader() as reader:
            for round_index in range(ROUNDS + 1):
                for table, medians_by_query in zip(tables, medians_by_table, strict=True):
                    sentinel, *locators = random.sample(table.sample_locators, READS + 1)

                    def look_up(
                        locator: bytes, dataset: UUID = table.dataset, sentinel: bytes = sentinel
                    ) -> Sequence[object]:
                        return sealed_rows.find_rows(reader, [(dataset, [sentinel, locator])])

                    statement = f"SELECT sealed FROM {sealed_rows.table_name(table.dataset)} WHERE locator = %s"  # noqa: S608

                    def prepared_select(locator: bytes, statement: str = statement) -> Sequence[object]:
                        return connection.execute(statement, (locator,), prepare=True, binary=True).fetchall()

                    def round_trip(_: bytes) -> Sequence[object]:
                        return fetch(reader, "SELECT 1", [])

                    reads: list[tuple[Callable[[bytes], Sequence[object]], int]] = [
                        (look_up, 2),
                        (prepared_select, 1),
                        (round_trip, 1),
                    ]
                    for medians, (read, expected_rows) in zip(medians_by_query, reads, strict=True):
                        median = _median_seconds(read, locators, expected_rows)
                        if round_index:  # the first round is a warm-up
                            medians.append(median)
        return [
            PointReadTimes(table.rows, *map(statistics.median, medians_by_query))
            for table, medians_by_query in zip(tables, medians_by_table, strict=True)
        ]
    finally:
        database.close()


def _median_seconds(read: Callable[[bytes], Sequence[object]], locators: Sequence[bytes], expected_rows: int) -> float:
    seconds = []
    for locator in locators:
        start = time.perf_counter()
        rows = read(locator)
        seconds.append(time.perf_counter() - start)
        assert len(rows) == expected_rows
    return statistics.median(seconds)


def _fill_table(database: Database, row_count: int) -> _Table:
    dataset, sample_locators = uuid4(), list[bytes]()
    samples_per_range = max(READS * 4 // _LOCATOR_RANGES, 8)

    def copy_batches() -> Iterator[bytes]:
        for index in range(_LOCATOR_RANGES):
            rows_in_range = row_count * (index + 1) // _LOCATOR_RANGES - row_count * index // _LOCATOR_RANGES
            locators = _random_locators(index, rows_in_range)
            sample_locators.extend(random.sample(locators, min(samples_per_range, len(locators))))
            noise = os.urandom(SEALED_BYTES * len(locators))
            sealed = [noise[start : start + SEALED_BYTES] for start in range(0, len(noise), SEALED_BYTES)]
            yield encode_copy_rows(locators, [0] * len(locators), sealed)

    with database.write() as db:
        sealed_rows.create_table(db, dataset)
        sealed_rows.copy_rows(db, dataset, copy_batches())
    with database.write() as db:
        db.execute(text(f"ANALYZE {sealed_rows.table_name(dataset)}"))
    return _Table(row_count, dataset, sample_locators)


def _random_locators(range_index: int, count: int) -> list[bytes]:
    noise = os.urandom(15 * count)
    return sorted(bytes((range_index,)) + noise[start : start + 15] for start in range(0, len(noise), 15))
