"""The sections of the benchmark report about imports and look-ups, each measured against its lower bound."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks import argon2, import_stats, lower_bound, row_sizes, table_growth
from benchmarks.environment import BenchmarkEnvironment
from benchmarks.import_run import ImportRun, run_import
from benchmarks.table import TableRow, cost_row, ratio_row, value_row

CORES = os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class BenchmarkOptions:
    """How much to measure."""

    people: int
    people_at_default: int
    people_on_sqlite: int
    rounds: int
    hints: bool
    point_read_rows: Sequence[int]


def measure_import(
    bench: BenchmarkEnvironment, options: BenchmarkOptions
) -> tuple[list[TableRow], list[TableRow], list[TableRow]]:
    """Import on PostgreSQL at the lowest cost.

    Returns:
        The import, its lower bound step by step, and the bytes per row.
    """
    file = bench.data_set_file(options.people)
    stats = import_stats.count_import(file)
    deployment = bench.install_on_postgresql("importing")
    runs: list[ImportRun] = []
    floors: list[dict[str, float]] = []
    rows: list[lower_bound.SealedRow] = []
    for _ in range(options.rounds):
        run = run_import(deployment, file, cost="minimal", workers=CORES, postmaster_pid=bench.postmaster_pid)
        runs.append(run)
        rows = row_sizes.read_postgresql_rows(deployment.database_url, run)
        # Sealed rows are spilled twice, with a 16-byte locator and without the outer seal's tag and padding: 4 bytes more than when stored.
        spilled_bytes = stats.read_stage_bytes + 2 * sum(len(sealed) + 4 for _, _, sealed in rows)
        work = lower_bound.ImportWorkload(file, stats.mac_inputs, rows, spilled_bytes)
        floors.append(lower_bound.measure(work, bench.server, bench.postmaster_pid, processes=CORES))
    argon2_seconds = (
        stats.identifiers
        * argon2.measure_throughput("minimal", processes=CORES, rounds=3, seconds=1.0).cpu_seconds_per_digest
    )
    floor_by_step = {step: median(seconds[step] for seconds in floors) for step in floors[0]}
    lines = _import_lines(runs, sum(floor_by_step.values()), argon2_seconds, stats)
    steps = [value_row(step, seconds, "CPU s") for step, seconds in floor_by_step.items()]
    bytes_per_row = row_sizes.postgresql_bytes_per_row(deployment.database_url, runs[-1])
    return lines, steps, _size_lines(rows, bytes_per_row, "PostgreSQL", 90)


def _import_lines(
    runs: Sequence[ImportRun], floor_seconds: float, argon2_seconds: float, stats: import_stats.ImportStats
) -> list[TableRow]:
    cpu = median(run.total_cpu_seconds for run in runs)
    wall = median(run.wall_seconds for run in runs)
    rows = runs[0].rows
    return [
        cost_row("CPU, without Argon2id", measured=cpu - argon2_seconds, reference=floor_seconds, unit="CPU s"),
        cost_row(
            f"wall, without Argon2id (floor: CPU / {CORES} cores)",
            measured=wall - argon2_seconds / CORES,
            reference=floor_seconds / CORES,
            unit="s",
        ),
        cost_row(
            "CPU, with Argon2id at minimal cost in both",
            measured=cpu,
            reference=floor_seconds + argon2_seconds,
            unit="CPU s",
        ),
        value_row("Argon2id alone, at minimal cost", argon2_seconds, "CPU s"),
        value_row("wall, total", wall, "s"),
        value_row("CPU of command, workers and keyholder", median(run.command_cpu_seconds for run in runs), "CPU s"),
        value_row("CPU of PostgreSQL", median(run.postgresql_cpu_seconds for run in runs), "CPU s"),
        value_row("rows read", stats.rows, "rows"),
        value_row("keyholder MACs", len(stats.mac_inputs), "MACs"),
        value_row("identifiers stretched", stats.identifiers, "identifiers"),
        value_row("rows sealed", rows, "rows"),
        value_row("rows sealed per second", rows / wall, "rows/s"),
        value_row(
            "peak memory of command, workers and keyholder", max(run.command_peak_mib for run in runs), "MiB (PSS)"
        ),
        value_row("peak memory of PostgreSQL", max(run.postgresql_peak_mib for run in runs), "MiB (PSS)"),
    ]


def measure_default_cost(bench: BenchmarkEnvironment, options: BenchmarkOptions) -> list[TableRow]:
    """Import on PostgreSQL at the default cost, compared with Argon2id alone, which is measured before and after."""
    file = bench.data_set_file(options.people_at_default)
    stats = import_stats.count_import(file)
    deployment = bench.install_on_postgresql("at_default_cost")
    before = argon2.measure_throughput("default", processes=CORES, rounds=3, seconds=1.5)
    run = run_import(deployment, file, cost="default", workers=CORES, postmaster_pid=bench.postmaster_pid)
    after = argon2.measure_throughput("default", processes=CORES, rounds=3, seconds=1.5)
    argon2_rate = (before.digests_per_second + after.digests_per_second) / 2
    argon2_seconds = stats.identifiers * (before.cpu_seconds_per_digest + after.cpu_seconds_per_digest) / 2
    return [
        ratio_row(
            "identifiers per second, against Argon2id alone",
            measured=stats.identifiers / run.wall_seconds,
            reference=argon2_rate,
            unit="identifiers/s",
            goal=">= 0.90",
        ),
        cost_row("CPU, against Argon2id alone", measured=run.total_cpu_seconds, reference=argon2_seconds, unit="CPU s"),
        value_row("identifiers stretched", stats.identifiers, "identifiers"),
        value_row("wall", run.wall_seconds, "s"),
    ]


def measure_sqlite_rows(bench: BenchmarkEnvironment, options: BenchmarkOptions) -> list[TableRow]:
    """Import on SQLite, and measure the bytes per row."""
    file = bench.data_set_file(options.people_on_sqlite)
    deployment = bench.install_on_sqlite("on_sqlite")
    database = Path(deployment.database_url.removeprefix("sqlite:///"))
    bytes_before = row_sizes.sqlite_used_bytes(database)
    run = run_import(deployment, file, cost="minimal", workers=CORES, postmaster_pid=bench.postmaster_pid)
    bytes_per_row = (row_sizes.sqlite_used_bytes(database) - bytes_before) / run.rows
    return _size_lines(row_sizes.read_sqlite_rows(database, run), bytes_per_row, "SQLite", 41)


def _size_lines(
    rows: Sequence[lower_bound.SealedRow], bytes_per_row: float, store: str, max_overhead: int
) -> list[TableRow]:
    mean_size = row_sizes.mean_size(rows)
    return [
        value_row(f"sealed bytes, most common row, {store}", row_sizes.most_common_size(rows), "bytes", "<= 128"),
        value_row(f"sealed bytes per row, mean, {store}", mean_size, "bytes"),
        ratio_row(
            f"bytes per row with its key, against its sealed bytes, {store}",
            measured=bytes_per_row,
            reference=mean_size,
            unit="bytes",
            goal=f"<= sealed + {max_overhead}: {bytes_per_row - mean_size:+.1f}",
        ),
    ]


def measure_point_reads(bench: BenchmarkEnvironment, options: BenchmarkOptions) -> list[TableRow]:
    """Read single rows from small and large tables."""
    times = table_growth.measure_point_reads(bench.create_database("point_reads"), options.point_read_rows)
    times.sort(key=lambda table: table.rows)
    lines = [
        line
        for table in times
        for line in (
            value_row(f"query of a look-up, p50, {table.rows:,} rows", table.look_up * 1e6, "µs"),
            value_row(f"prepared SELECT alone, p50, {table.rows:,} rows", table.prepared_select * 1e6, "µs"),
            value_row(f"SELECT 1 for comparison, p50, {table.rows:,} rows", table.round_trip * 1e6, "µs"),
        )
    ]
    small, large = times[0], times[-1]
    comparison = f"{large.rows:,} rows against {small.rows:,}"
    return [
        *lines,
        ratio_row(
            f"query of a look-up, {comparison}", measured=large.look_up * 1e6, reference=small.look_up * 1e6, unit="µs"
        ),
        ratio_row(
            f"prepared SELECT alone, {comparison}",
            measured=large.prepared_select * 1e6,
            reference=small.prepared_select * 1e6,
            unit="µs",
        ),
    ]
