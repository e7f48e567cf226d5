"""`exposure dataset inspect`: it needs neither database nor keys, prints the whole report before it refuses, and prints no value."""

import json
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.cli.demo import SAMPLE_INCIDENT
from tests.cli.cli_driver import CliDriver, CommandResult, run_in_process
from tests.source_files.helpers import SECRET

HEADER = "account_ref,email,phone,name,items,cohort\n"
GOOD = "a1,p1@example.com,010-2000-0001,김민아,name|email,list\na2,p2@example.com,,박준,name,\n"
BAD = f"a3,{SECRET},,,name,\na4,,NULL,{SECRET[:3]},name,\na5,{SECRET},,,name,\n"


@pytest.fixture
def bare(tmp_path: Path) -> CliDriver:
    """Create a folder without database, keys, pepper or settings for them."""
    driver = CliDriver(tmp_path, {"EXPOSURE_WORK_DIR": str(tmp_path / "work")})
    return replace(driver, run=run_in_process)


def inspect(cli: CliDriver, file: str, *options: object, exit_code: int = 0) -> tuple[dict[str, Any], CommandResult]:
    """Inspect a file, and return the last event. The text of the same report must end alike, and neither may hold a value."""
    result = cli("dataset", "inspect", file, *options, "--workers", 1, "--json", exit_code=exit_code)
    as_text = cli("dataset", "inspect", file, *options, "--workers", 1, exit_code=exit_code)
    for output in (result.stdout, result.stderr, as_text.stdout, as_text.stderr):
        assert not any(value in output for value in (SECRET[:3], "example.com", "김민아", "2000-0001"))
    assert as_text.stdout.splitlines()[-1].endswith("refuse this file" if exit_code else "accept this file")
    assert [*(cli.folder / "work").iterdir()] == []
    event = result.objects[-1]
    assert event["event"] == "inspected"
    return event, result


def test_good_file_is_reported_and_accepted(bare: CliDriver) -> None:
    (bare.folder / "people.csv").write_text(HEADER + GOOD, encoding="utf-8")
    event, result = inspect(bare, "people.csv")
    assert result.stderr == ""
    assert event == {
        "event": "inspected",
        "importable": True,
        "format": "csv",
        "encoding": "utf-8",
        "separator": ",",
        "line_ends": "LF",
        "byte_order_marks": 0,
        "columns": {
            "present": ["account_ref", "email", "phone", "name", "items", "cohort"],
            "absent": ["recipient_ref", "address", "count", "confidence"],
        },
        "rows": 2,
        "people": 2,
        "holders": 2,
        "recipients": 0,
        "unreachable": 0,
        "not_served": 0,
        "rejected": 0,
        "rejects": [],
        "markers": {},
        "doubtful_names": 0,
        "emails_left_out": {"count": 0, "lines": []},
        "spellings": {
            "name": {"cells": 2, "values": 2, "several": 0, "rare": 0},
            "address": {"cells": 0, "values": 0, "several": 0, "rare": 0},
            "email": {"cells": 2, "values": 2, "several": 0, "rare": 0},
            "phone": {"cells": 1, "values": 1, "several": 0, "rare": 0},
        },
        "items": {"name": 2, "email": 1},
        "cohorts": {"": {"people": 1, "name": 1}, "list": {"people": 1, "name": 1, "email": 1}},
        "confidences": {"confirmed": 2},
        "several_names": 0,
        "shared": {"email": 0, "phone": 0},
        "repetitions": [],
        "causes": [],
    }
    assert [path.name for path in bare.folder.iterdir() if path.is_dir()] == ["work"]


def test_rejects_are_reported_with_their_places_before_the_refusal(bare: CliDriver) -> None:
    (bare.folder / "people.csv").write_text(HEADER + GOOD + BAD, encoding="utf-8")
    event, result = inspect(bare, "people.csv", exit_code=2)
    assert (event["rows"], event["people"], event["rejected"], event["importable"]) == (2, 2, 3, False)
    email, phone = event["rejects"]
    assert (email["column"], email["count"], email["lines"]) == ("email", 2, [4, 6])
    assert (phone["column"], phone["count"], phone["lines"]) == ("phone", 1, [5])
    assert event["markers"] == {"phone": 1}
    assert result.stderr.startswith("people.csv: line 4, column email: ")
    assert result.stderr.endswith("(and 2 more)\n")


def test_strangers_with_the_same_references_are_refused_and_left_out_emails_are_not(bare: CliDriver) -> None:
    path = bare.folder / "people.csv"
    path.write_text(f"{HEADER}{GOOD}a1,{SECRET},010-2000-0002,,name,\n", encoding="utf-8")
    event, _ = inspect(bare, "people.csv")
    assert (event["emails_left_out"], event["rejected"]) == ({"count": 1, "lines": [4]}, 0)
    text = bare("dataset", "inspect", "people.csv").stdout
    assert "malformed emails, left out of rows with another identifier: 1 (line 4)\n" in text
    path.write_text(f"{HEADER}{GOOD}a1,p3@example.com,,이소라,name,\n", encoding="utf-8")
    event, result = inspect(bare, "people.csv", exit_code=2)
    assert event["repetitions"] == [{"kind": "contradictory_rows", "count": 1, "lines": [2], "people": 1}]
    assert event["importable"] is False
    (cause,) = event["causes"]
    assert cause.startswith("people.csv: line 2: 1 of 2 people have rows with contradictory names")
    assert result.stderr == f"{cause}\n"


def test_ndjson_names_the_columns_that_its_rows_use(bare: CliDriver) -> None:
    rows = [{"account_ref": "a1", "phone": ["010-2000-0001"], "items": ["name"]}, {"account_ref": "a1", "items": "name", "cohort": None}]  # fmt: skip
    (bare.folder / "people.ndjson").write_text("".join(json.dumps(row) + "\n" for row in rows))
    event, _ = inspect(bare, "people.ndjson")
    assert event["columns"]["present"] == ["account_ref", "phone", "items"]
    assert (event["rows"], event["people"], event["format"], "separator" in event) == (2, 1, "ndjson", False)


UNREADABLE: dict[str, tuple[str, bytes, str, dict[str, object]]] = {
    "semicolons": ("a.csv", (HEADER + GOOD).replace(",", ";").encode(), "separated by semicolons", {"separator": ";", "rows": 0}),
    "cp949": ("a.csv", (HEADER + GOOD).encode("cp949"), "--encoding cp949", {"encoding": "cp949", "rows": 2, "people": 2}),
    "UTF-16": ("a.csv", (HEADER + GOOD).encode("utf-16"), "byte order mark", {"encoding": "utf-16-le", "rows": 2, "byte_order_marks": 1}),
    "no header": ("a.csv", GOOD.encode(), "the header seems to be missing", {"rows": 0}),
    "workbook": ("a.csv", b"PK\x03\x04" + bytes(40), "Excel workbook", {"rows": 0}),
    "array": ("a.ndjson", b"[{}]", "JSON array", {"rows": 0}),
    "empty": ("a.csv", b"", "holds no rows", {"rows": 0}),
    "another ending": ("a.xlsx", b"PK\x03\x04", "ending must be one of", {"rows": 0}),
    "no file": ("other.csv", b"", "No such file", {"rows": 0}),
}  # fmt: skip
"""A file's name, its content, a part of the cause, and fields of the report."""


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_file_is_reported_with_its_cause(name: str, bare: CliDriver) -> None:
    file, content, cause, fields = UNREADABLE[name]
    if not name.startswith("no file"):
        (bare.folder / file).write_bytes(content)
    event, result = inspect(bare, file, exit_code=2)
    assert [cause in each for each in event["causes"]] == [True]
    assert result.stderr == event["causes"][0] + "\n"
    assert {key: event.get(key) for key in fields} == fields


def test_named_encoding_is_accepted(bare: CliDriver) -> None:
    (bare.folder / "people.csv").write_bytes((HEADER + GOOD).encode("cp949"))
    event, _ = inspect(bare, "people.csv", "--encoding", "windows-949")
    assert (event["encoding"], event["people"], event["causes"]) == ("cp949", 2, [])
    refusal = bare.expect_refusal("dataset", "inspect", "people.csv", "--encoding", "klingon")
    assert "no such text encoding" in refusal


def test_incident_checks_items_and_compares_with_the_published_data_set(cli: CliDriver) -> None:
    cli = cli.with_settings(EXPOSURE_WORK_DIR=str(cli.folder / "work"))
    cli("incident", "create", SAMPLE_INCIDENT)
    path = cli.folder / "people.csv"
    path.write_text(HEADER + GOOD, encoding="utf-8")
    event, _ = inspect(cli, "people.csv", "--incident", "sample-2025")
    assert "published" not in event
    staged = cli(
        "dataset", "import", "people.csv", "--incident", "sample-2025", "--cost", "minimal", "--workers", 1, "--json"
    ).objects[-1]
    cli("dataset", "publish", staged["id"])
    path.write_text(f"{HEADER}{GOOD}a3,p3@example.com,,,email,list\n", encoding="utf-8")
    event, _ = inspect(cli, "people.csv", "--incident", "sample-2025")
    assert (event["published"]["id"], event["published"]["people"], event["people"]) == (staged["id"], 2, 3)
    assert {(row["cohort"], row["item"]): row["change"] for row in event["published"]["counts"]} == {
        ("", "people"): 0,
        ("", "name"): 0,
        ("list", "people"): 1,
        ("list", "name"): 0,
        ("list", "email"): 1,
    }
    assert (cli.folder / "database").exists()
    with sqlite3.connect(cli.folder / "database" / "exposure.sqlite3") as database:
        assert database.execute("SELECT count(*) FROM data_sets").fetchone() == (1,)


def test_unknown_incident_is_refused(cli: CliDriver) -> None:
    (cli.folder / "people.csv").write_text(HEADER + GOOD, encoding="utf-8")
    assert "no-such" in cli.expect_refusal("dataset", "inspect", "people.csv", "--incident", "no-such")
