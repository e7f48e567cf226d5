"""References and markers of nothing, in every format and column: what is refused, what is one reference, and what stays as it is."""

from pathlib import Path
from unicodedata import normalize

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.source_files import RejectedRow
from app.source_files.markers import MARKERS_LIKE_NAMES, STANDS_FOR_NOTHING, is_marker_of_nothing
from app.source_files.references import (
    PLAIN_REFERENCE,
    _find_problem,
    is_plain_reference,
    normalize_reference,
    parse_reference,
)
from tests.source_files.formats import FORMATS, validate_file, write_rows

DAMAGED_REFERENCES = [
    "1.23457E+11",
    "1.23457e+11",
    "1,23457E+11",
    "1E+11",
    "-1.5E+20",
    "1.0E11",
    "1.23457E11",
    "1.E+11",
    "1E-05",
    " 1.23457E+11 ",
    "\ufeff1.23457E+11",
    "１.２３Ｅ＋１１",
    "1001.0",
    "1001.00",
    "1001,0",
    "0.0",
    "1,234,567",
    "1,234,567.00",
    "'1001",
    '="1001"',
    "=1001",
    "＝1001",
    " '1001",
    "\u200b'1001",
    "'A1",
]
INTACT_REFERENCES = [
    "1001",
    "0001001",
    "12E4",
    "1e5",
    "12e4a",
    "1E-05-A",
    "1.5",
    "1.10",
    "1.0.0",
    "v1.0",
    "A1.0",
    "10,5",
    "O'Neil",
    "a=b",
    "2025-01-02",
    "550e8400-e29b-41d4-a716-446655440000",
    "1234567e-e29b-41d4-a716-446655440000",
    "홍길동",
    "Ａ１",
    "kim minsu",
    "nadia",
    "nullable",
    "NULL1",
    "unit-7",
    "user@example.com",
    "#1001",
    "+1001",
    "A" * 65,
]
MARKERS = [
    "NULL",
    "null",
    "Null",
    r"\N",
    r"\\N",
    "NaN",
    "nan",
    "NAN",
    "-nan",
    "None",
    "none",
    "nil",
    "NaT",
    "NA",
    "N/A",
    "n/a",
    "<NA>",
    "<null>",
    "(null)",
    "[NULL]",
    "undefined",
    "#N/A",
    "#N/A N/A",
    "#NA",
    "#REF!",
    "#VALUE!",
    "#NAME?",
    "#DIV/0!",
    "#NULL!",
    "#NUM!",
    "#SPILL!",
    "#ERROR!",
    "####",
    "##########",
    "Err:502",
    "-1.#IND",
    "1.#QNAN",
    "없음",
    "해당 없음",
    "ＮＵＬＬ",
    "＃Ｎ／Ａ",
    " NULL ",
    "\ufeffNULL",
    "\u200b#REF!",
    "\u00ad#N/A",
    "\u202a(null)\u202c",
    "\u200e해당\u3164 없음",
    "\u3164NULL",
    "####\ufe0f",
]
NO_REFERENCE = ["-", "--", "—", "...", "?", "*", "_"]
REFERENCE_COLUMNS = ("account_ref", "recipient_ref")


def with_cell(column: str, cell: str) -> dict[str, str]:
    return {"account_ref": "A1", column: cell}


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("column", REFERENCE_COLUMNS)
@pytest.mark.parametrize("cell", DAMAGED_REFERENCES)
def test_reference_that_a_spreadsheet_damaged_is_rejected(tmp_path: Path, format_: str, column: str, cell: str) -> None:
    reject = reject_of(tmp_path, format_, column, cell)
    assert reject.reason.startswith("damaged by a spreadsheet")
    assert cell not in reject.reason


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("column", [*REFERENCE_COLUMNS, "email", "phone", "address", "cohort"])
@pytest.mark.parametrize("cell", MARKERS)
def test_marker_of_nothing_is_rejected(tmp_path: Path, format_: str, column: str, cell: str) -> None:
    assert reject_of(tmp_path, format_, column, cell).reason == STANDS_FOR_NOTHING


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("column", REFERENCE_COLUMNS)
@pytest.mark.parametrize("cell", [*NO_REFERENCE, "A\x071", "A1\x7f"])
def test_reference_without_letters_or_with_control_characters_is_rejected(
    tmp_path: Path, format_: str, column: str, cell: str
) -> None:
    assert "must hold a letter" in (reason := reject_of(tmp_path, format_, column, cell).reason) or "control" in reason


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("cell", MARKERS)
def test_marker_as_a_name_is_rejected_unless_people_may_be_called_so(tmp_path: Path, format_: str, cell: str) -> None:
    visible = "".join(char for char in normalize("NFKC", cell) if char.isprintable() and char not in " \u1160\ufe0f")
    word = visible.lower()
    rows, rejects = validate_file(write_rows(tmp_path, format_, [with_cell("name", cell)]))
    if word in MARKERS_LIKE_NAMES:
        assert [row.name for row in rows] == [word]
    else:
        assert [(reject.column, reject.reason) for reject in rejects] == [("name", STANDS_FOR_NOTHING)]


def reject_of(folder: Path, format_: str, column: str, cell: str) -> RejectedRow:
    """Validate a row with this cell between two good ones, and return its reject."""
    path = write_rows(folder, format_, [{"account_ref": "A0"}, with_cell(column, cell), {"account_ref": "A2"}])
    rows, (reject,) = validate_file(path)
    assert [row.person_ref for row in rows] == ["A0\0", "A2\0"]
    assert (reject.line, reject.column) == (3 if format_ == "csv" else 2, column)
    return reject


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize("cell", INTACT_REFERENCES)
def test_other_references_are_kept(tmp_path: Path, format_: str, cell: str) -> None:
    rows, rejects = validate_file(write_rows(tmp_path, format_, [{"account_ref": cell, "recipient_ref": cell}]))
    assert not rejects
    assert [row.person_ref for row in rows] == [f"{cell}\0{cell}"]


ONE_REFERENCE = [
    ("A1", "\ufeffA1"),
    ("A1", "A1\u200b"),
    ("A1", "A\u00ad1"),
    ("A1", "\u202aA1\u202c"),
    ("A1", "\u200e A1"),
    ("A1", "A1\ufe0f"),
    ("A1", "\u3164A1"),
    ("A1", "\u00a0A1\u3000"),
    ("A1", " \u200b A1\t"),
    ("홍길동", "\u1112\u1169\u11bc\u1100\u1175\u11af\u1103\u1169\u11bc"),
    ("é1", "e\u200d\u03011"),
]


@pytest.mark.parametrize("format_", FORMATS)
@pytest.mark.parametrize(("reference", "other"), ONE_REFERENCE)
def test_spellings_of_one_reference(tmp_path: Path, format_: str, reference: str, other: str) -> None:
    rows, rejects = validate_file(
        write_rows(tmp_path, format_, [{"account_ref": cell, "recipient_ref": cell} for cell in (reference, other)])
    )
    assert not rejects
    assert [row.person_ref for row in rows] == [f"{reference}\0{reference}"] * 2


@pytest.mark.parametrize(("one", "other"), [("A1", "Ａ１"), ("A1", "a1"), ("A 1", "A1"), ("1001", "01001"), ("①", "1")])
def test_references_that_stay_different(one: str, other: str) -> None:
    assert parse_reference(one) != parse_reference(other)
    assert parse_reference(one)[1] == parse_reference(other)[1] == ""


@pytest.mark.parametrize("format_", FORMATS)
def test_reference_of_invisible_characters_is_empty(tmp_path: Path, format_: str) -> None:
    rows = [{"account_ref": "A1", "recipient_ref": "\u200b \ufeff"}, {"account_ref": "\u200b"}]
    valid, (reject,) = validate_file(write_rows(tmp_path, format_, rows))
    assert [row.person_ref for row in valid] == ["A1\0"]
    assert (reject.column, reject.reason) == ("account_ref", "must not be empty")


def test_one_marker_among_several_values_is_rejected(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_text("account_ref,email,name,items\nA1,a@example.com|NULL,,name\nA2,,김민수|#N/A,name\n")
    assert [(reject.line, reject.column) for reject in validate_file(path)[1]] == [(2, "email"), (3, "name")]
    path = tmp_path / "set.ndjson"
    path.write_text('{"account_ref":"A1","email":["a@example.com",null,"nan"],"items":"name"}\n')
    assert [(reject.line, reject.column) for reject in validate_file(path)[1]] == [(1, "email")]


@pytest.mark.parametrize(
    ("literal", "reason"), [("NaN", STANDS_FOR_NOTHING), ("true", "not true or false"), ("1001", "leading zeros")]
)
@pytest.mark.parametrize("column", ["recipient_ref", "phone"])
def test_json_value_that_is_not_text_names_the_cause(tmp_path: Path, column: str, literal: str, reason: str) -> None:
    path = tmp_path / "set.ndjson"
    path.write_text(f'{{"account_ref":"A1","items":"name","{column}":{literal}}}\n')
    (reject,) = validate_file(path)[1]
    assert reject.column == column
    assert reason in reject.reason


SEVERAL_NAMES = ["김민수\n이영희", "김민수\r\n이영희", "김민수;이영희", "김민수｜이영희", "Kim Minsu ; Lee Younghee"]
ONE_NAME = ["김민수\n", "\n김민수", "김민수;", "Hong, Gildong", "홍\t길동"]


@pytest.mark.parametrize("format_", FORMATS)
def test_several_names_in_one_value_are_rejected(tmp_path: Path, format_: str) -> None:
    several = [*SEVERAL_NAMES, "김민수||이영희" if format_ == "csv" else "김민수|이영희"]
    path = write_rows(tmp_path, format_, [with_cell("name", cell) for cell in (*several, *ONE_NAME)])
    rows, rejects = validate_file(path)
    assert len(rows) == len(ONE_NAME)
    assert {(reject.column, reject.reason.partition(";")[0]) for reject in rejects} == {
        ("name", "several names in one value")
    }
    assert len(rejects) == len(several)


@pytest.mark.fuzz
@given(st.text(st.sampled_from("019eEnNuUlLaAoO_-.+,f '=#!"), min_size=1, max_size=9))
def test_plain_references_are_what_the_full_rule_returns(text: str) -> None:
    if pc.match_substring_regex(pa.scalar(text), PLAIN_REFERENCE).as_py() or is_plain_reference(text):
        assert (normalize_reference(text), _find_problem(text)) == (text, "")


@pytest.mark.fuzz
@given(st.text(st.one_of(st.sampled_from("A1 \u200b\u0301\u1100\u1161\ufeff"), st.characters(codec="utf-8"))))
def test_normalized_reference_is_its_own_normal_form(text: str) -> None:
    normal = normalize_reference(text)
    assert normalize_reference(normal) == normal


def test_no_other_word_is_a_marker() -> None:
    words = ("", "Nadia", "Nate", "Nan-hee", "김없음이", "#1", "C#", "nul", "nullnull", "(주)", "'", "<b>")
    assert not any(map(is_marker_of_nothing, words))
