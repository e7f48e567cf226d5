"""Inspect rows as a CSV file."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from app.importing.inspection.inspect_file import inspect_file
from app.importing.inspection.report import InspectionReport
from app.source_files import COLUMNS
from tests.support.deployment import make_row


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def inspect(path: Path, **options: Any) -> InspectionReport:
    work_dir = path.parent / "inspections"
    report = inspect_file(path, workers=options.pop("workers", 1), work_dir=work_dir, **options)
    assert [*work_dir.iterdir()] == []
    return report


def inspect_rows(folder: Path, rows: Sequence[Mapping[str, str]], **options: Any) -> InspectionReport:
    return inspect(write_csv(folder / "people.csv", rows), **options)


def many_people(number: int, **columns: Any) -> list[dict[str, str]]:
    return [
        make_row(f"a{index}", **{"email": f"p{index}@example.com", "items": "name"} | columns)
        for index in range(number)
    ]
