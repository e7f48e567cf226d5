"""What the one query of a look-up costs, as the driver sees it: an identifier and the sentinel, by their places, in a partition of a million rows.

python -m benchmarks.point_read [--rows N] [--reads N] [--json]
"""

import argparse
import hashlib
import json
import random
import statistics
import time
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy.orm import Session

from app.datasets import queries
from app.db import Database, fetch, upgrade
from tests.support.servers import postgresql


def measure(*, rows: int = 1_000_000, reads: int = 20_000) -> list[dict[str, Any]]:
    """Read some rows; gives the median and the 99th percentile in milliseconds, how often the prepared plan
    was used, and what a prepared ``SELECT 1`` takes in between.

    Args:
        rows: in the partition.
        reads: how many are timed.
    """
    dataset = uuid4()
    table = queries.partition(dataset)
    with postgresql() as url:
        database = Database(url)
        upgrade(database)
        with database.engine.begin() as connection:
            connection.exec_driver_sql(f"CREATE TABLE {table} (locator bytea, entry smallint, sealed bytea)")
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            connection.exec_driver_sql(
                f"INSERT INTO {table} SELECT decode(md5(n::text), 'hex'), 0, decode(repeat(md5(n::text), 8), 'hex') "  # noqa: S608
                f"FROM generate_series(1, {rows}) AS n ORDER BY 1"
            )
            connection.exec_driver_sql(f"ALTER TABLE {table} ADD PRIMARY KEY (locator, entry)")
        found = database.glance(lambda session: _timed(session, dataset, rows, reads))
        database.close()
    return [{"what": "point read", "rows": rows, **found}]


def _timed(session: Session, dataset: UUID, rows: int, reads: int) -> dict[str, Any]:
    draw = random.Random(1)
    times: list[float] = []
    nothing: list[float] = []
    for number in range(-100, reads):
        places = [hashlib.md5(str(draw.randint(1, rows)).encode()).digest() for _ in range(2)]  # noqa: S324  no secret
        began = time.perf_counter()
        found = queries.rows_at(session, [(dataset, places)])
        ended = time.perf_counter()
        fetch(session, "SELECT 1", [])
        if number >= 0:
            times.append(ended - began)
            nothing.append(time.perf_counter() - ended)
        assert len(found) == len(set(places))
    prepared = fetch(session, "SELECT generic_plans FROM pg_prepared_statements WHERE statement LIKE '%%sealed%%'", [])
    cuts = statistics.quantiles(times, n=100)
    return {
        "p50_ms": round(cuts[49] * 1000, 4),
        "p99_ms": round(cuts[98] * 1000, 4),
        "select_1_p50_ms": round(statistics.median(nothing) * 1000, 4),
        "prepared": [plans for (plans,) in prepared],
    }


def main() -> None:
    """Measure, and print a line, or with ``--json`` an object."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--reads", type=int, default=20_000)
    parser.add_argument("--json", action="store_true")
    given = vars(parser.parse_args())
    as_json = given.pop("json")
    for row in measure(**given):
        print(json.dumps(row) if as_json else "  ".join(f"{key} {value}" for key, value in row.items()))


if __name__ == "__main__":
    main()
