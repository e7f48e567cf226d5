"""A malformed email is left out of a row with another identifier, and counted. Everything else that cannot be used still rejects its row."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.datasets.errors import ImportFailed
from app.importing.occurrences import Occurrences
from app.importing.row_validation import validate_rows
from app.source_files import open_source_file
from app.source_files.schema import SEVERAL_EMAILS
from tests.datasets.operator_actions import check_integrity, source_file
from tests.datasets.store_reader import find_person
from tests.importing.helpers import MINA_EMAIL, MINA_PHONE, SENTINEL_ROWS, assert_nothing_left
from tests.source_files.formats import DECLARED_ITEMS, FORMATS, validate_file, write_rows
from tests.support.deployment import Deployment, make_row

CANONICAL_PHONE = "+821020000001"
MALFORMED = [
    '"hong kim"@example.com',
    "hong..kim@example.com",
    "hong.@example.com",
    "hong@👍.example",
    "“hong@example.com",
    "hong'@example.com",
    "Hong Kim <hong@example.com>",
    "hong@example.com <hong@example.com>",
    "hong@example.com;",
    "hong@example.com;kim",
    "@",
    "unknown",
]
SEVERAL = [
    f"hong@example.com{separator}kim@example.com"
    for separator in (";", ",", " ", "\n", "\r\n", "; ", " / ", "/", "、", "；", "，", " 및 ", "&", "><", "\u2028")
]
REJECTED = {
    "ho***@example.com": "masked",
    "hong..kim@example.com;ho***@example.com": "masked",
    "NULL": "stands for nothing",
    "#N/A": "stands for nothing",
    f"{'a' * 300}@example.com": "too-long",
    "a" * 10_001: "over 10000 characters",
    **dict.fromkeys(SEVERAL, SEVERAL_EMAILS),
    # 300 characters: several emails and not one that is too long
    ";".join(f"p{number}@example.com" for number in range(20)): SEVERAL_EMAILS,
}


def rows_with_emails(emails: Sequence[str], **columns: str) -> list[dict[str, str]]:
    return [{"account_ref": f"A{index}", "email": email, **columns} for index, email in enumerate(emails)]


def find_left_out(path: Path) -> Occurrences:
    with open_source_file(path) as file:
        return sum((validate_rows(file.format.parse(block), DECLARED_ITEMS)[2] for block in file.blocks), Occurrences())


@pytest.mark.parametrize("format_", FORMATS)
def test_a_malformed_email_is_left_out_of_a_row_with_a_phone(tmp_path: Path, format_: str) -> None:
    path = write_rows(tmp_path, format_, rows_with_emails(MALFORMED, phone=MINA_PHONE))
    rows, rejects = validate_file(path)
    assert rejects == []
    assert [(row.email, row.phone) for row in rows] == [("", CANONICAL_PHONE)] * len(MALFORMED)
    first_line = 2 if format_ == "csv" else 1
    assert find_left_out(path) == Occurrences(len(MALFORMED), tuple(range(first_line, first_line + 10)))


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("phone", ["", "010-12"])
def test_a_row_without_another_identifier_is_rejected(tmp_path: Path, format_: str, phone: str) -> None:
    path = write_rows(tmp_path, format_, rows_with_emails(MALFORMED, name="홍길동", phone=phone))
    rows, rejects = validate_file(path)
    assert rows == []
    assert {(reject.column, reject.reason) for reject in rejects} == {("email", "not-an-email")}
    assert find_left_out(path) == Occurrences()


@pytest.mark.parametrize("format_", FORMATS)
def test_anything_else_that_cannot_be_used_rejects_a_row_with_a_phone(tmp_path: Path, format_: str) -> None:
    path = write_rows(tmp_path, format_, rows_with_emails([*REJECTED], phone=MINA_PHONE))
    rows, rejects = validate_file(path)
    assert rows == []
    assert [reject.column for reject in rejects] == ["email"] * len(REJECTED)
    for reject, reason in zip(rejects, REJECTED.values(), strict=True):
        assert reason in reject.reason


def test_a_malformed_email_is_left_out_of_a_cell_with_another_email(tmp_path: Path) -> None:
    cells = {
        "a..b@example.com|MINA@example.com": "mina@example.com",
        "mina@example.com|a..b@example.com|jun@example.com|c..d@example.com": "jun@example.com\nmina@example.com",
        "a..b@example.com|c..d@example.com": "!not-an-email",
        "a..b@example.com|mina@example.com|ho***@example.com": "!masked",
        "mina@example.com|a..b@example.com|a@example.com;b@example.com": f"!{SEVERAL_EMAILS}",
    }
    paths = [tmp_path / "set.csv", tmp_path / "set.ndjson"]
    paths[0].write_text("email,account_ref,items\n" + "".join(f"{cell},A1,name\n" for cell in cells))
    lists = ['["' + cell.replace("|", '","') + '"]' for cell in cells]
    paths[1].write_text("".join(f'{{"account_ref":"A1","items":"name","email":{cell}}}\n' for cell in lists))
    for first_line, path in zip((2, 1), paths, strict=True):
        rows, rejects = validate_file(path)
        result = {row.line: row.email for row in rows} | {reject.line: f"!{reject.reason}" for reject in rejects}
        assert [result[line] for line in sorted(result)] == [*cells.values()]
        assert find_left_out(path) == Occurrences(3, (first_line, first_line + 1))


def test_an_email_of_a_row_that_is_rejected_for_another_reason_is_not_counted(tmp_path: Path) -> None:
    rows = rows_with_emails(["a..b@example.com"], phone=MINA_PHONE, name="홍*동")
    path = write_rows(tmp_path, "csv", rows)
    assert [(reject.column, reject.reason) for reject in validate_file(path)[1]] == [("name", "masked")]
    assert find_left_out(path) == Occurrences()


def test_its_owner_is_found_by_phone_and_the_integrity_check_reads_the_same(deployment: Deployment) -> None:
    rows = [
        make_row("a1", email="hong..kim@example.com", phone=MINA_PHONE, name="홍길동", items="name"),
        make_row("a2", email=f"{MINA_EMAIL}|hong..kim@example.com", items="name"),
    ]
    staged = deployment.import_rows(rows, max_rejects=0)
    assert (staged.people, staged.rows, staged.unreachable) == (2, 2 + SENTINEL_ROWS, 0)
    assert staged.emails_left_out == Occurrences(2, (2, 3))
    assert find_person(deployment, staged.id, MINA_PHONE).siblings == ()
    assert {**find_person(deployment, staged.id, MINA_EMAIL).items} == {"name": 1}
    report = check_integrity(deployment, staged.id, source_file(deployment))
    assert (report.sampled, report.problems) == (2, ())


def test_a_malformed_email_alone_still_ends_the_import_with_its_place(deployment: Deployment) -> None:
    rows = [
        make_row("a1", email="hong..kim@example.com", phone=MINA_PHONE, items="name"),
        make_row("a2", email="hong..kim@example.com", items="name"),
    ]
    with pytest.raises(ImportFailed, match="line 3, column email: not-an-email; nothing was imported") as caught:
        deployment.import_rows(rows)
    assert "hong" not in str(caught.value)
    assert_nothing_left(deployment)
