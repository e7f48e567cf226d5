"""What an inspection reports, and that it leaves nothing behind."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.errors import InvalidInput
from app.importing.inspection.inspect_file import inspect_file
from app.importing.occurrences import Occurrences
from app.importing.spill import SpillCorrupted
from app.importing.workspace import open_temporary_folder
from tests.importing.helpers import MINA_EMAIL, MINA_PHONE
from tests.importing.inspections import inspect, inspect_rows, many_people, write_csv
from tests.importing.test_rejects import SECRET
from tests.support.deployment import make_row


def test_undeclared_items_are_named(tmp_path: Path) -> None:
    report = inspect_rows(tmp_path, many_people(3, items="name|order|email"), declared_items=frozenset({"name"}))
    (reject,) = report.rejects
    assert (reject.found.count, reject.reason) == (3, "an item that the incident does not declare: email, order")


def test_markers_are_counted_in_every_column_and_rows_once(tmp_path: Path) -> None:
    rows = many_people(2, name="#N/A", cohort="NULL") + many_people(1, phone="NULL")
    report = inspect_rows(tmp_path, rows)
    assert report.rejected == 3
    assert report.blocks.markers == {"name": 2, "cohort": 2, "phone": 1}
    assert [(reject.column, reject.found) for reject in report.rejects] == [
        ("name", Occurrences(2, (2, 3))),
        ("phone", Occurrences(1, (4,))),
    ]


def test_spellings_are_counted(tmp_path: Path) -> None:
    rows = [
        make_row("a1", email="mina@example.com|Mina@Example.com", phone="010-2000-0001", name="김민아", items="name"),
        make_row("a2", email="jun@example.com|jun.kim@example.com", phone="02-345-6789", name="José", items="name"),
    ]
    spellings = inspect_rows(tmp_path, rows).spellings
    assert {kind: (each.cells, each.values, each.several, each.rare) for kind, each in spellings.items()} == {
        "email": (2, 3, 1, 0),
        "phone": (2, 2, 0, 1),
        "name": (2, 2, 0, 1),
        "address": (0, 0, 0, 0),
    }


REPETITIONS: dict[str, tuple[list[dict[str, str]], list[tuple[str, int, list[int], int]]]] = {
    "a phone of 21 people": (many_people(21, phone=MINA_PHONE), [("phone_of_many_people", 1, [2], 21)]),
    "a phone of 20 people": (many_people(20, phone=MINA_PHONE), []),
    "one person with 30 rows": (many_people(1, phone=MINA_PHONE) * 30, []),
    "an email of 25 people": (many_people(25, email=MINA_EMAIL), [("email_of_many_people", 1, [2], 25)]),
    "a reference with six names": (
        [make_row("a1", email=MINA_EMAIL, name=f"김민{letter}", items="name") for letter in "가나다라마바"],
        [("reference_with_many_names", 1, [2], 1)],
    ),
    "a reference with five names": (
        [make_row("a1", email=MINA_EMAIL, name=f"김민{letter}", items="name") for letter in "가나다라마"],
        [],
    ),
    "references of 15 digits and zeros": (
        [make_row(f"{number:015}00", email=f"p{number}@example.com", items="name") for number in range(7, 14)],
        [("rounded_reference", 7, [2, 3, 4, 5, 6, 7, 8], 7)],
    ),
    "references of six digits and zeros": (
        [make_row(f"{number}000000", email=f"p{number}@example.com", items="name") for number in range(123456, 123459)],
        [("rounded_reference", 3, [2, 3, 4], 3)],
    ),
    "references of 16 digits, some of them with a zero by chance": (
        [make_row(f"202611291200{number:04}", email=f"p{number}@example.com", items="name") for number in range(20, 40)],
        [],
    ),
    "references of 17 other digits": (
        [make_row(f"2026112912000{number:04}", email=f"p{number}@example.com", items="name") for number in range(1, 99, 7)],
        [],
    ),
}  # fmt: skip
"""Rows, and for each repetition its kind, count, first lines and people."""


@pytest.mark.parametrize("name", REPETITIONS)
def test_suspicious_repetitions_are_counted(name: str, tmp_path: Path) -> None:
    rows, expected = REPETITIONS[name]
    report = inspect_rows(tmp_path, rows)
    assert [
        (each.kind, each.found.count, [*each.found.first_lines], each.people) for each in report.repetitions
    ] == expected
    assert report.is_importable


STRANGERS = [
    make_row("a1", email=MINA_EMAIL, name="김민아", items="name"),
    make_row("a2", email="sora@example.com", name="이소라", items="name"),
    make_row("a2", email="jun@example.com", name="박준", items="name"),
]


def test_contradictory_rows_are_a_repetition_and_a_cause(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    report = inspect_rows(tmp_path, STRANGERS)
    assert [(each.kind, each.found, each.people) for each in report.repetitions] == [
        ("contradictory_rows", Occurrences(1, (3,)), 1)
    ]
    (cause,) = report.causes
    assert cause.startswith("people.csv: line 3: 1 of 2 people have rows with contradictory names")
    assert cause.endswith("--accept-merged 1")
    assert not report.is_importable
    monkeypatch.setattr("app.importing.merge_guard.MAX_MERGED_RATIO", 0.5)
    report = inspect_rows(tmp_path, STRANGERS)
    assert (len(report.repetitions), report.causes, report.is_importable) == (1, [], True)


def test_malformed_emails_that_an_import_leaves_out_are_counted(tmp_path: Path) -> None:
    rows = many_people(12, email="no-email|'", phone=MINA_PHONE) + many_people(1, email="no-email")
    report = inspect_rows(tmp_path, rows)
    assert report.blocks.emails_left_out == Occurrences(24, tuple(range(2, 12)))
    assert [(reject.column, reject.found) for reject in report.rejects] == [("email", Occurrences(1, (14,)))]


def test_file_that_breaks_off_is_reported_up_to_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.source_files.blocks.BLOCK_BYTES", 2_000)
    path = write_csv(tmp_path / "people.csv", many_people(500))
    path.write_bytes(path.read_bytes() + f'a,"{SECRET}\n'.encode())
    report = inspect(path)
    (cause,) = report.causes
    assert cause == "people.csv, line 502: a quote opens in this record and is never closed"
    assert (report.blocks.rows, report.people.people) == (500, 500)
    assert not report.is_importable


def test_file_in_another_encoding_is_reported_completely(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "people.csv", many_people(3, name="김민아", phone="1234"))
    path.write_bytes(path.read_text(encoding="utf-8").encode("cp949"))
    report = inspect(path)
    assert "--encoding cp949" in report.causes[0]
    assert (report.traits.encoding, report.rejected, report.rejects[0].column) == ("cp949", 3, "phone")
    assert not inspect(path, encoding="windows-949").causes


def fail_in(stage: str, error: BaseException) -> Callable[..., None]:
    def on_progress(current: str, *_: int) -> None:
        if current == stage:
            raise error

    return on_progress


@pytest.mark.parametrize("workers", [1, pytest.param(2, marks=pytest.mark.slow)])
@pytest.mark.parametrize("stage", ["read", "people", "shared"])
@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(143), SpillCorrupted("broken"), ValueError("a bug")])
def test_nothing_is_left_behind_when_an_inspection_ends_early(
    error: BaseException, stage: str, workers: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.source_files.blocks.BLOCK_BYTES", 2_000)
    path, work_dir = write_csv(tmp_path / "people.csv", many_people(500)), tmp_path / "work"
    with pytest.raises(type(error)):
        inspect_file(path, workers=workers, work_dir=work_dir, on_progress=fail_in(stage, error))
    assert [*work_dir.iterdir()] == []


def test_file_that_a_worker_writes_during_the_deletion_is_deleted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    delete_folder, late = os.rmdir, ["read-7", "read-8"]
    with open_temporary_folder(tmp_path, "exposure-inspect-") as folder:

        def write_before_deletion(*args: Any, **options: Any) -> None:
            if late:
                with folder.replace_file(late.pop()) as file:
                    file.write(b"late")
            delete_folder(*args, **options)

        monkeypatch.setattr("os.rmdir", write_before_deletion)
    assert [*tmp_path.iterdir()] == []


def test_work_folder_that_others_can_change_is_refused(tmp_path: Path) -> None:
    path, work_dir = write_csv(tmp_path / "people.csv", many_people(1)), tmp_path / "work"
    work_dir.mkdir()
    work_dir.chmod(0o777)
    with pytest.raises(InvalidInput, match=r"^EXPOSURE_WORK_DIR: .*sticky bit"):
        inspect_file(path, workers=1, work_dir=work_dir)
    assert [*work_dir.iterdir()] == []


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        ([], "people.csv: holds no rows"),
        ([make_row("a1", name="김민아", items="name")], "people.csv: no person in it has a usable email or phone"),
        (
            [make_row(f"a{number}", email=MINA_EMAIL, items="name", cohort=f"c{number}") for number in range(257)],
            "people.csv: column cohort: more than 256 distinct values",
        ),
    ],
    ids=["no rows", "no identifier", "cohorts"],
)
def test_file_that_an_import_would_refuse_as_a_whole(rows: list[dict[str, str]], cause: str, tmp_path: Path) -> None:
    assert inspect_rows(tmp_path, rows).causes == [cause]


def test_cohorts_of_a_file_that_has_too_many_are_not_reported(tmp_path: Path) -> None:
    rows = [make_row(f"a{number}", email=MINA_EMAIL, items="name", cohort=f"{SECRET}{number}") for number in range(600)]
    report = inspect_rows(tmp_path, rows)  # the column holds something else
    assert (report.cohorts, report.blocks.rows) == ({}, 600)
    assert SECRET not in repr(report)


def test_rows_between_the_stages_are_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_csv(tmp_path / "people.csv", many_people(50, name=SECRET))
    files: list[bytes] = []

    def on_progress(*_: object) -> None:
        files.extend(file.read_bytes() for file in (tmp_path / "work").glob("*/*"))

    inspect_file(path, workers=1, work_dir=tmp_path / "work", on_progress=on_progress)
    assert len(files) == 1 + 2 + 2
    assert not any(SECRET.encode() in data or b"example.com" in data for data in files)
