"""Run all benchmarks, print the result tables, and save them as JSON.

python -m benchmarks [--people N] [--rounds N] [--hints] [--point-read-rows N,N] [--samples N] [--json FILE]
"""

import argparse
import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks import PROJECT_ROOT, overload, rate_limit_cost, redis_outage, report_sections, request_cost, timing
from benchmarks.environment import benchmark_environment
from benchmarks.table import TableRow, print_table, ratio_row, value_row

DEFAULT_RESULTS_FILE = PROJECT_ROOT / "benchmarks" / "results.json"


def main() -> None:
    """Run all benchmarks. Each table is printed as soon as it is complete."""
    options, samples, results_file = _parse_options()
    tables: dict[str, Sequence[TableRow]] = {}

    def add_table(title: str, rows: Sequence[TableRow]) -> None:
        tables[title] = rows
        print_table(title, rows)

    with benchmark_environment(hints=options.hints) as bench:
        import_rows, primitive_rows, size_rows = report_sections.measure_import(bench, options)
        add_table(f"Import of {options.people:,} accounts on PostgreSQL, against the bare primitives", import_rows)
        add_table("The bare primitives", primitive_rows)
        add_table(
            f"Import of {options.people_at_default:,} accounts at default cost, against Argon2id alone",
            report_sections.measure_default_cost(bench, options),
        )
        add_table("Bytes per row", [*size_rows, *report_sections.measure_sqlite_rows(bench, options)])
        add_table("Point reads on PostgreSQL", report_sections.measure_point_reads(bench, options))
        add_table("Redis outages", redis_outage.measure_outages(bench, seconds=4.0))
        add_table(
            "Requests per second with rate limits, against none",
            rate_limit_cost.measure_cost(bench, rounds=3, seconds=2.0),
        )
    requests = request_cost.measure(rounds=3)
    add_table("Requests, against a bare route with one SELECT", [_request_row(request) for request in requests])
    overload_figures = overload.measure()
    add_table(
        "Twice the load that the service carries",
        [value_row(name, value, "") for name, value in overload_figures.items()],
    )
    pairs = timing.measure(samples=samples)
    add_table(
        f"Response times of indistinguishable calls, {samples:,} samples of each", [_timing_row(pair) for pair in pairs]
    )
    _save_results(results_file, options, tables, requests)


def _parse_options() -> tuple[report_sections.BenchmarkOptions, int, Path]:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--people", type=int, default=300_000, help="number of imported accounts (%(default)s)")
    parser.add_argument("--rounds", type=int, default=2, help="rounds of the import and its lower bound (%(default)s)")
    parser.add_argument("--hints", action="store_true", help="store masked hints, which makes rows larger")
    parser.add_argument(
        "--point-read-rows",
        type=_parse_table_sizes,
        default=(100_000, 1_000_000),
        metavar="N,N",
        help="sizes of the tables for point reads, each at least 10,000 (100000,1000000)",
    )
    parser.add_argument(
        "--samples",
        type=int,
        default=3000,
        help="samples of each side of a pair of indistinguishable calls (%(default)s)",
    )
    parser.add_argument(
        "--json", type=Path, default=DEFAULT_RESULTS_FILE, metavar="FILE", help="file for the results (%(default)s)"
    )
    arguments = parser.parse_args()
    if arguments.people < 100 or arguments.rounds < 1 or arguments.samples < 1:
        parser.error("--people must be at least 100, --rounds and --samples at least 1")
    if not arguments.json.absolute().parent.is_dir():
        parser.error(f"--json: the folder of {arguments.json} must exist")
    options = report_sections.BenchmarkOptions(
        people=arguments.people,
        people_at_default=max(arguments.people // 3, 100),
        people_on_sqlite=max(arguments.people // 6, 100),
        rounds=arguments.rounds,
        hints=arguments.hints,
        point_read_rows=arguments.point_read_rows,
    )
    return options, arguments.samples, arguments.json


def _parse_table_sizes(text: str) -> Sequence[int]:
    sizes = [int(size) for size in text.split(",")]
    if min(sizes) < 10_000:
        raise argparse.ArgumentTypeError("every table must have at least 10,000 rows")
    return sizes


def _request_row(request: Mapping[str, Any]) -> TableRow:
    if "per_second" not in request:
        return value_row(request["call"], request["cpu_ms"], "CPU ms")
    return ratio_row(
        request["call"],
        measured=request["per_second"],
        reference=request["baseline_per_second"],
        unit="requests/s",
    )


def _timing_row(pair: Mapping[str, Any]) -> TableRow:
    first_median, second_median = pair["medians_us"]
    goal = f"<= {timing.GOAL}; {first_median:,.0f} and {second_median:,.0f} µs"
    return value_row(pair["pair"], pair["area"], "ROC area", goal)


def _save_results(
    file: Path,
    options: report_sections.BenchmarkOptions,
    tables: Mapping[str, Sequence[TableRow]],
    requests: Sequence[Mapping[str, Any]],
) -> None:
    results = {
        "machine": {"cores": report_sections.CORES, "machine": platform.machine(), "python": platform.python_version()},
        "options": asdict(options),
        "tables": {title: [asdict(row) for row in rows] for title, rows in tables.items()},
        "requests": requests,
    }
    file.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    print(f"\nresults saved in {file}")


if __name__ == "__main__":
    main()
