"""How many bytes a row takes: sealed, and in all with its key and the pages around it."""

import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import psycopg

from app.datasets import sealed_rows
from benchmarks.lower_bound import SealedRow
from benchmarks.import_run import ImportRun


def common(rows: Sequence[SealedRow]) -> int:
    """Give the sealed bytes of the commonest row."""
    return Counter(len(sealed) for _, _, sealed in rows).most_common(1)[0][0]


def mean(rows: Sequence[SealedRow]) -> float:
    """Give the sealed bytes of a row in the mean."""
    return sum(len(sealed) for _, _, sealed in rows) / len(rows)


def on_postgresql(url: str, imported: ImportRun) -> float:
    """Give the bytes of a row in its table and its key."""
    with psycopg.connect(url) as connection:
        row = connection.execute("SELECT pg_total_relation_size(%s)", (sealed_rows.table_name(imported.dataset),)).fetchone()
    assert row is not None
    return float(row[0] / imported.rows)


def used(database: Path) -> int:
    """Give the bytes of the pages that an SQLite database uses."""
    with closing(sqlite3.connect(database)) as connection:
        pages, free, size = (
            connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "freelist_count", "page_size")
        )
    return int((pages - free) * size)


def stored(url: str, imported: ImportRun) -> list[SealedRow]:
    """Read the rows of a data set on PostgreSQL, in their order."""
    query = f"SELECT locator, entry, sealed FROM {sealed_rows.table_name(imported.dataset)} ORDER BY locator, entry"  # noqa: S608
    with psycopg.connect(url) as connection:
        return connection.cursor(binary=True).execute(query).fetchall()


def on_file(database: Path, imported: ImportRun) -> list[SealedRow]:
    """Read the rows of a data set on SQLite."""
    query = f"SELECT locator, entry, sealed FROM {sealed_rows.table_name(imported.dataset)}"  # noqa: S608
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute(query).fetchall()
