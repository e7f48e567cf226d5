"""Measure everything, print the table of ratios, and keep it as JSON.

python -m benchmarks [--people N] [--rounds N] [--hints] [--point-read-rows N,N] [--samples N] [--json FILE]
"""

import argparse
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import PROJECT_ROOT, timing
from benchmarks import request_cost
from benchmarks import report_sections
from benchmarks import redis_outage
from benchmarks import overload
from benchmarks.table import TableRow, value_row, ratio_row, print_table
from benchmarks.environment import benchmark_environment

RESULTS = PROJECT_ROOT / "benchmarks" / "results.json"


def main() -> None:
    """Measure; each table is printed as soon as it is known."""
    options, samples, json_file = _options()
    tables: dict[str, Sequence[TableRow]] = {}

    def show(title: str, lines: Sequence[TableRow]) -> None:
        tables[title] = lines
        print_table(title, lines)

    with benchmark_environment(hints=options.hints) as bench:
        imported, steps, sizes = report_sections.measure_import(bench, options)
        show(f"Import of {options.people:,} accounts on PostgreSQL, against the bare primitives", imported)
        show("That floor, step by step", steps)
        show(
            f"Import of {options.people_at_default:,} accounts at default cost, against Argon2id alone",
            report_sections.measure_default_cost(bench, options),
        )
        show("Bytes of a row", [*sizes, *report_sections.measure_sqlite_rows(bench, options)])
        show("Point read on PostgreSQL", report_sections.measure_point_reads(bench, options))
        show("While the store of limits is down", redis_outage.measure_outages(bench, seconds=4.0))
        show("Requests a second with the limits, against none", redis_outage.measure_cost(bench, rounds=3, seconds=2.0))
    measured = request_cost.measure(rounds=3)
    show("Requests, against a bare route with one SELECT", [_as_line(one) for one in measured])
    found = overload.measure()
    show("Twice as many people as are carried", [value_row(name, value, "") for name, value in found.items()])
    alike = timing.measure(samples=samples)
    show(f"Times of answers that look alike, {samples:,} of each", [_as_area(one) for one in alike])
    _keep(json_file, options, tables, measured)


def _options() -> tuple[report_sections.BenchmarkOptions, int, Path]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=300_000, help="accounts that are imported (%(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="of the import and its floor (%(default)s)")
    parser.add_argument("--hints", action="store_true", help="keep masked hints, which takes larger rows")
    parser.add_argument(
        "--point-read-rows",
        type=_sizes,
        default=(100_000, 1_000_000),
        metavar="N,N",
        help="sizes of the tables that are read from, each at least 10,000 (100000,1000000)",
    )
    parser.add_argument(
        "--samples", type=int, default=3000, help="of each side of a pair that must look alike (%(default)s)"
    )
    parser.add_argument("--json", type=Path, default=RESULTS, metavar="FILE", help="where the figures are kept")
    given = parser.parse_args()
    if given.people < 100 or given.rounds < 1 or given.samples < 1:
        parser.error("at least 100 people, one round and one sample")
    if not given.json.absolute().parent.is_dir():
        parser.error(f"--json: no folder for {given.json}")
    options = report_sections.BenchmarkOptions(
        people=given.people,
        people_at_default=max(given.people // 3, 100),
        people_on_sqlite=max(given.people // 6, 100),
        rounds=given.rounds,
        hints=given.hints,
        point_read_rows=given.point_read_rows,
    )
    return options, given.samples, given.json


def _sizes(text: str) -> Sequence[int]:
    sizes = [int(one) for one in text.split(",")]
    if min(sizes) < 10_000:
        raise argparse.ArgumentTypeError("a table is of at least 10,000 rows")
    return sizes


def _as_line(measured: Mapping[str, Any]) -> TableRow:
    if "per_second" not in measured:
        return value_row(measured["call"], measured["cpu_ms"], "CPU ms")
    return ratio_row(
        measured["call"], measured=measured["per_second"], reference=measured["baseline_per_second"], unit="requests/s"
    )


def _as_area(measured: Mapping[str, Any]) -> TableRow:
    one, other = measured["medians_us"]
    return value_row(
        measured["pair"], measured["area"], "of the curve", f"<= {timing.GOAL}; {one:,.0f} and {other:,.0f} µs"
    )


def _keep(
    file: Path, options: report_sections.BenchmarkOptions, tables: Mapping[str, Sequence[TableRow]], measured: Sequence[Mapping[str, Any]]
) -> None:
    kept = {
        "machine": {"cores": report_sections.CORES, "machine": platform.machine(), "python": platform.python_version()},
        "options": asdict(options),
        "tables": {title: [asdict(line) for line in lines] for title, lines in tables.items()},
        "requests": measured,
    }
    file.write_text(json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    print(f"\nkept in {file}")


if __name__ == "__main__":
    main()
