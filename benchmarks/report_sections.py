"""The parts of the table, each measured and held against its floor here."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import argon2
from benchmarks import lower_bound
from benchmarks import row_sizes
from benchmarks import import_stats
from benchmarks import table_growth
from benchmarks.import_run import ImportRun, run_import
from benchmarks.table import TableRow, cost_row, value_row, ratio_row
from benchmarks.environment import BenchmarkEnvironment

CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class BenchmarkOptions:
    """How much is measured."""

    people: int
    people_at_default: int
    people_on_sqlite: int
    rounds: int
    hints: bool
    point_read_rows: Sequence[int]


def measure_import(bench: BenchmarkEnvironment, options: BenchmarkOptions) -> tuple[list[TableRow], list[TableRow], list[TableRow]]:
    """Import on PostgreSQL at the least cost; gives the import, its floor step by step, and the bytes of a row."""
    file = bench.data_set_file(options.people)
    held = import_stats.take(file)
    deployment = bench.install_on_postgresql("importing")
    imports: list[ImportRun] = []
    floors: list[dict[str, float]] = []
    rows: list[lower_bound.SealedRow] = []
    for _ in range(options.rounds):
        imported = run_import(deployment, file, cost="minimal", workers=CORES, postmaster_pid=bench.postmaster_pid)
        imports.append(imported)
        rows = row_sizes.stored(deployment.database_url, imported)
        # sealed rows lie aside twice, 16 bytes of locator in front, without the outer seal's tag and padding: 4 bytes more than they are in the end
        aside = held.read_bytes + 2 * sum(len(sealed) + 4 for _, _, sealed in rows)
        work = lower_bound.ImportWorkload(file, held.questions, rows, aside)
        floors.append(lower_bound.measure(work, bench.server, bench.postmaster_pid, processes=CORES))
    stretching = held.identifiers * argon2.measure_throughput("minimal", processes=CORES, rounds=3, seconds=1.0).cpu_seconds_per_digest
    least = {step: median(one[step] for one in floors) for step in floors[0]}
    table = _import_lines(imports, sum(least.values()), stretching, held)
    steps = [value_row(step, took, "CPU s") for step, took in least.items()]
    return table, steps, _size_lines(rows, row_sizes.on_postgresql(deployment.database_url, imports[-1]), "PostgreSQL", 90)


def _import_lines(imports: Sequence[ImportRun], least: float, stretching: float, held: import_stats.Inventory) -> list[TableRow]:
    cpu = median(one.all_cpu for one in imports)
    wall = median(one.wall for one in imports)
    rows = imports[0].rows
    return [
        cost_row("CPU, without Argon2id", measured=cpu - stretching, reference=least, unit="CPU s"),
        cost_row(
            f"wall, without Argon2id (floor: CPU / {CORES} cores)",
            measured=wall - stretching / CORES,
            reference=least / CORES,
            unit="s",
        ),
        cost_row("CPU, with Argon2id at minimal cost in both", measured=cpu, reference=least + stretching, unit="CPU s"),
        value_row("Argon2id itself, at minimal cost", stretching, "CPU s"),
        value_row("wall, all of it", wall, "s"),
        value_row("CPU of command, workers and keyholder", median(one.cpu for one in imports), "CPU s"),
        value_row("CPU of PostgreSQL", median(one.postgresql_cpu for one in imports), "CPU s"),
        value_row("rows read", held.rows, "rows"),
        value_row("questions to the keyholder", len(held.questions), "questions"),
        value_row("identifiers stretched", held.identifiers, "identifiers"),
        value_row("rows sealed", rows, "rows"),
        value_row("rows sealed in a second", rows / wall, "rows/s"),
        value_row("peak memory of command, workers and keyholder", max(one.peak for one in imports), "MiB (PSS)"),
        value_row("peak memory of PostgreSQL", max(one.postgresql_peak for one in imports), "MiB (PSS)"),
    ]


def measure_default_cost(bench: BenchmarkEnvironment, options: BenchmarkOptions) -> list[TableRow]:
    """Import on PostgreSQL at the default cost, against Argon2id alone, measured before and after."""
    file = bench.data_set_file(options.people_at_default)
    held = import_stats.take(file)
    deployment = bench.install_on_postgresql("at_default_cost")
    before = argon2.measure_throughput("default", processes=CORES, rounds=3, seconds=1.5)
    imported = run_import(deployment, file, cost="default", workers=CORES, postmaster_pid=bench.postmaster_pid)
    after = argon2.measure_throughput("default", processes=CORES, rounds=3, seconds=1.5)
    alone_rate = (before.digests_per_second + after.digests_per_second) / 2
    stretching = held.identifiers * (before.cpu_seconds_per_digest + after.cpu_seconds_per_digest) / 2
    return [
        ratio_row(
            "identifiers in a second, against Argon2id alone",
            measured=held.identifiers / imported.wall,
            reference=alone_rate,
            unit="identifiers/s",
            goal=">= 0.90",
        ),
        cost_row("CPU, against Argon2id alone", measured=imported.all_cpu, reference=stretching, unit="CPU s"),
        value_row("identifiers stretched", held.identifiers, "identifiers"),
        value_row("wall", imported.wall, "s"),
    ]


def measure_sqlite_rows(bench: BenchmarkEnvironment, options: BenchmarkOptions) -> list[TableRow]:
    """Import on SQLite, for the bytes of a row."""
    file = bench.data_set_file(options.people_on_sqlite)
    deployment = bench.install_on_sqlite("on_sqlite")
    database = Path(deployment.database_url.removeprefix("sqlite:///"))
    before = row_sizes.used(database)
    imported = run_import(deployment, file, cost="minimal", workers=CORES, postmaster_pid=bench.postmaster_pid)
    taken = (row_sizes.used(database) - before) / imported.rows
    return _size_lines(row_sizes.on_file(database, imported), taken, "SQLite", 41)


def _size_lines(rows: Sequence[lower_bound.SealedRow], taken: float, store: str, around: int) -> list[TableRow]:
    sealed = row_sizes.mean(rows)
    return [
        value_row(f"sealed bytes of the common row, {store}", row_sizes.common(rows), "bytes", "<= 128"),
        value_row(f"sealed bytes of a row in the mean, {store}", sealed, "bytes"),
        ratio_row(
            f"bytes of a row with its key, against its sealed bytes, {store}",
            measured=taken,
            reference=sealed,
            unit="bytes",
            goal=f"<= sealed + {around}: {taken - sealed:+.1f}",
        ),
    ]


def measure_point_reads(bench: BenchmarkEnvironment, options: BenchmarkOptions) -> list[TableRow]:
    """Read single rows out of small and large tables."""
    reads = sorted(table_growth.measure(bench.create_database("point_reads"), options.point_read_rows), key=lambda one: one.rows)
    lines = [
        line
        for one in reads
        for line in (
            value_row(f"look-up's own query, p50, {one.rows:,} rows", one.application * 1e6, "µs"),
            value_row(f"bare prepared select, p50, {one.rows:,} rows", one.bare * 1e6, "µs"),
            value_row(f"SELECT 1 beside it, p50, {one.rows:,} rows", one.exchange * 1e6, "µs"),
        )
    ]
    small, large = reads[0], reads[-1]
    versus = f"{large.rows:,} rows against {small.rows:,}"
    return [
        *lines,
        ratio_row(
            f"look-up's own query, {versus}", measured=large.application * 1e6, reference=small.application * 1e6, unit="µs"
        ),
        ratio_row(f"bare prepared select, {versus}", measured=large.bare * 1e6, reference=small.bare * 1e6, unit="µs"),
    ]
