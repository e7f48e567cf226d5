"""The parts of the table, each measured and held against its floor here."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import argon2, floor
from benchmarks import row_sizes
from benchmarks import import_stats
from benchmarks import table_growth
from benchmarks.import_run import ImportRun, run_import
from benchmarks.table import Line, against_floor, alone, as_share
from benchmarks.workbench import Workbench

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


def measure_import(bench: Workbench, options: BenchmarkOptions) -> tuple[list[Line], list[Line], list[Line]]:
    """Import on PostgreSQL at the least cost; gives the import, its floor step by step, and the bytes of a row."""
    file = bench.people(options.people)
    held = import_stats.take(file)
    deployment = bench.on_postgresql("importing")
    imports: list[ImportRun] = []
    floors: list[dict[str, float]] = []
    rows: list[floor.Row] = []
    for _ in range(options.rounds):
        imported = run_import(deployment, file, cost="minimal", workers=CORES, postmaster=bench.postmaster)
        imports.append(imported)
        rows = row_sizes.stored(deployment.database_url, imported)
        # sealed rows lie aside twice, 16 bytes of locator in front, without the outer seal's tag and padding: 4 bytes more than they are in the end
        aside = held.read_bytes + 2 * sum(len(sealed) + 4 for _, _, sealed in rows)
        work = floor.Work(file, held.questions, rows, aside)
        floors.append(floor.measure(work, bench.server, bench.postmaster, processes=CORES))
    stretching = held.identifiers * argon2.measure_throughput("minimal", processes=CORES, rounds=3, seconds=1.0).cpu_seconds_per_digest
    least = {step: median(one[step] for one in floors) for step in floors[0]}
    table = _import_lines(imports, sum(least.values()), stretching, held)
    steps = [alone(step, took, "CPU s") for step, took in least.items()]
    return table, steps, _size_lines(rows, row_sizes.on_postgresql(deployment.database_url, imports[-1]), "PostgreSQL", 90)


def _import_lines(imports: Sequence[ImportRun], least: float, stretching: float, held: import_stats.Inventory) -> list[Line]:
    cpu = median(one.all_cpu for one in imports)
    wall = median(one.wall for one in imports)
    rows = imports[0].rows
    return [
        against_floor("CPU, without Argon2id", ours=cpu - stretching, floor=least, unit="CPU s"),
        against_floor(
            f"wall, without Argon2id (floor: CPU / {CORES} cores)",
            ours=wall - stretching / CORES,
            floor=least / CORES,
            unit="s",
        ),
        against_floor("CPU, with Argon2id at minimal cost in both", ours=cpu, floor=least + stretching, unit="CPU s"),
        alone("Argon2id itself, at minimal cost", stretching, "CPU s"),
        alone("wall, all of it", wall, "s"),
        alone("CPU of command, workers and keyholder", median(one.cpu for one in imports), "CPU s"),
        alone("CPU of PostgreSQL", median(one.postgresql_cpu for one in imports), "CPU s"),
        alone("rows read", held.rows, "rows"),
        alone("questions to the keyholder", len(held.questions), "questions"),
        alone("identifiers stretched", held.identifiers, "identifiers"),
        alone("rows sealed", rows, "rows"),
        alone("rows sealed in a second", rows / wall, "rows/s"),
        alone("peak memory of command, workers and keyholder", max(one.peak for one in imports), "MiB (PSS)"),
        alone("peak memory of PostgreSQL", max(one.postgresql_peak for one in imports), "MiB (PSS)"),
    ]


def measure_default_cost(bench: Workbench, options: BenchmarkOptions) -> list[Line]:
    """Import on PostgreSQL at the default cost, against Argon2id alone, measured before and after."""
    file = bench.people(options.people_at_default)
    held = import_stats.take(file)
    deployment = bench.on_postgresql("at_default_cost")
    before = argon2.measure_throughput("default", processes=CORES, rounds=3, seconds=1.5)
    imported = run_import(deployment, file, cost="default", workers=CORES, postmaster=bench.postmaster)
    after = argon2.measure_throughput("default", processes=CORES, rounds=3, seconds=1.5)
    alone_rate = (before.digests_per_second + after.digests_per_second) / 2
    stretching = held.identifiers * (before.cpu_seconds_per_digest + after.cpu_seconds_per_digest) / 2
    return [
        as_share(
            "identifiers in a second, against Argon2id alone",
            ours=held.identifiers / imported.wall,
            floor=alone_rate,
            unit="identifiers/s",
            goal=">= 0.90",
        ),
        against_floor("CPU, against Argon2id alone", ours=imported.all_cpu, floor=stretching, unit="CPU s"),
        alone("identifiers stretched", held.identifiers, "identifiers"),
        alone("wall", imported.wall, "s"),
    ]


def measure_sqlite_rows(bench: Workbench, options: BenchmarkOptions) -> list[Line]:
    """Import on SQLite, for the bytes of a row."""
    file = bench.people(options.people_on_sqlite)
    deployment = bench.on_sqlite("on_sqlite")
    database = Path(deployment.database_url.removeprefix("sqlite:///"))
    before = row_sizes.used(database)
    imported = run_import(deployment, file, cost="minimal", workers=CORES, postmaster=bench.postmaster)
    taken = (row_sizes.used(database) - before) / imported.rows
    return _size_lines(row_sizes.on_file(database, imported), taken, "SQLite", 41)


def _size_lines(rows: Sequence[floor.Row], taken: float, store: str, around: int) -> list[Line]:
    sealed = row_sizes.mean(rows)
    return [
        alone(f"sealed bytes of the common row, {store}", row_sizes.common(rows), "bytes", "<= 128"),
        alone(f"sealed bytes of a row in the mean, {store}", sealed, "bytes"),
        as_share(
            f"bytes of a row with its key, against its sealed bytes, {store}",
            ours=taken,
            floor=sealed,
            unit="bytes",
            goal=f"<= sealed + {around}: {taken - sealed:+.1f}",
        ),
    ]


def measure_point_reads(bench: Workbench, options: BenchmarkOptions) -> list[Line]:
    """Read single rows out of small and large tables."""
    reads = sorted(table_growth.measure(bench.database("point_reads"), options.point_read_rows), key=lambda one: one.rows)
    lines = [
        line
        for one in reads
        for line in (
            alone(f"look-up's own query, p50, {one.rows:,} rows", one.application * 1e6, "µs"),
            alone(f"bare prepared select, p50, {one.rows:,} rows", one.bare * 1e6, "µs"),
            alone(f"SELECT 1 beside it, p50, {one.rows:,} rows", one.exchange * 1e6, "µs"),
        )
    ]
    small, large = reads[0], reads[-1]
    versus = f"{large.rows:,} rows against {small.rows:,}"
    return [
        *lines,
        as_share(
            f"look-up's own query, {versus}", ours=large.application * 1e6, floor=small.application * 1e6, unit="µs"
        ),
        as_share(f"bare prepared select, {versus}", ours=large.bare * 1e6, floor=small.bare * 1e6, unit="µs"),
    ]
