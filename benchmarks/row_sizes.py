"""Bytes per stored row: of its ciphertext alone, and of the table with its key and page overhead."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg

from app.datasets import sealed_rows
from benchmarks.import_run import ImportRun
from benchmarks.lower_bound import SealedRow


def most_common_size(rows: Sequence[SealedRow]) -> int:
    """Return the most common number of sealed bytes of a row."""
    return Counter(len(sealed) for _, _, sealed in rows).most_common(1)[0][0]


def mean_size(rows: Sequence[SealedRow]) -> float:
    """Return the mean number of sealed bytes of a row."""
    return sum(len(sealed) for _, _, sealed in rows) / len(rows)


def postgresql_bytes_per_row(url: str, run: ImportRun) -> float:
    """Return the size of the data set's table with its key, per row."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_total_relation_size(%s)", (sealed_rows.table_name(run.dataset),)).fetchone()
    assert row is not None
    return float(row[0] / run.rows)


def sqlite_used_bytes(database: Path) -> int:
    """Return the size of all pages of an SQLite database that are in use."""
    with closing(sqlite3.connect(database)) as connection:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def read_postgresql_rows(url: str, run: ImportRun) -> list[SealedRow]:
    """Read the rows of a data set on PostgreSQL, in order."""
    query = f"SELECT locator, entry, sealed FROM {sealed_rows.table_name(run.dataset)} ORDER BY locator, entry"  # noqa: S608
    with psycopg.connect(url) as connection:
        return connection.cursor(binary=True).execute(query).fetchall()


def read_sqlite_rows(database: Path, run: ImportRun) -> list[SealedRow]:
    """Read the rows of a data set on SQLite."""
    query = f"SELECT locator, entry, sealed FROM {sealed_rows.table_name(run.dataset)}"  # noqa: S608
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()
