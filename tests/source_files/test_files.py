"""Read CSV and NDJSON files: an error names the place and never the value."""

import json
import pickle
from pathlib import Path

import pytest

from app.errors import InvalidInput
from app.source_files import InvalidFile, RejectedRow, SourceRow
from app.source_files.lines import MAX_RECORD_CHARS
from tests.datasets.source_rows import read_rows
from tests.source_files.helpers import HEADER, SECRET, assert_no_value, cells_of, write_file


@pytest.mark.parametrize(
    ("cell", "values"),
    [
        ("a|b", ("a", "b")),
        ("a||b", ("a|b",)),
        ("a|||b", ("a|", "b")),
        (" a | b |", ("a", "b")),
        ("| |", ()),
        ("", ()),
    ],
)
def test_split_values_of_a_csv_cell(tmp_path: Path, cell: str, values: tuple[str, ...]) -> None:
    (row,) = read_rows(write_file(tmp_path, f"account_ref,email,items\nA1,{cell},name\n"))
    assert isinstance(row, SourceRow)
    assert row.emails == values


def test_text_outside_csv_is_one_value(tmp_path: Path) -> None:
    line = json.dumps({"account_ref": "A1", "name": "a|b", "phone": ["1", None, " ", "2||3"], "email": None})
    (row,) = read_rows(write_file(tmp_path, line, "set.ndjson"))
    assert isinstance(row, SourceRow)
    assert (row.names, row.phones, row.emails) == (("a|b",), ("1", "2||3"), ())


def test_absent_columns_have_defaults_and_the_column_order_is_free(tmp_path: Path) -> None:
    (row,) = read_rows(write_file(tmp_path, "phone,items,account_ref\n010-1234-5678,name,A1\n"))
    assert isinstance(row, SourceRow)
    assert cells_of(row) == ("A1", "", (), ("010-1234-5678",), (), (), ("name",), "", 1, "confirmed")


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("last", [True, False])
def test_csv_with_one_kind_of_line_end_with_or_without_byte_order_mark(
    tmp_path: Path, ending: str, mark: str, last: bool
) -> None:
    lines = ["account_ref,items,email", 'A1,name,"a\r\nb\nc"', "", "A2,name,x@example.com"]
    path = write_file(tmp_path, mark + ending.join(lines) + (ending if last else ""))
    first, second = read_rows(path)
    assert isinstance(first, SourceRow)
    assert isinstance(second, SourceRow)
    assert (first.line, first.emails) == (2, ("a\r\nb\nc",))
    assert (second.line, second.account_ref) == (6, "A2")


@pytest.mark.parametrize("name", ["set.csv", "set.ndjson"])
def test_cp949_is_read_only_with_the_encoding_option(tmp_path: Path, name: str) -> None:
    head, row = (
        ("account_ref,email,name,items\n", "A1,,똠방각하,name\n")
        if name == "set.csv"
        else ("", '{"account_ref":"A1","name":"똠방각하"}\n')
    )
    path = write_file(tmp_path, (head + row).encode("cp949"), name)
    (source_row,) = read_rows(path, encoding="cp949")
    assert isinstance(source_row, SourceRow)
    assert source_row.names == ("똠방각하",)
    with pytest.raises(InvalidFile, match=f"line {2 if head else 1}: not utf-8"):
        [*read_rows(path)]


@pytest.mark.parametrize("encoding", ["klingon", "hex", "utf\0"])
def test_unknown_encoding_is_refused(tmp_path: Path, encoding: str) -> None:
    with pytest.raises(InvalidInput, match="no such text encoding"):
        [*read_rows(write_file(tmp_path, HEADER + "A1,,,,\n"), encoding=encoding)]


def test_truncated_utf_16_is_refused(tmp_path: Path) -> None:
    path = write_file(tmp_path, "account_ref,items,email\nA1,name,가\n".encode("utf-16")[:-1])
    with pytest.raises(InvalidFile, match="not utf-16"):
        [*read_rows(path, encoding="utf-16")]


INVALID_FILES: dict[str, tuple[str, str | bytes, str]] = {
    "empty": ("set.csv", "", "holds no rows"),
    "blank": ("set.csv", "\n\n", "holds no rows"),
    "header only": ("set.csv", HEADER, "holds no rows"),
    "empty ndjson": ("set.ndjson", "\n \n", "holds no rows"),
    "no header": ("set.csv", f"A1,{SECRET}\nA2,b\n", "line 1, column 1: not a column"),
    "unknown column": ("set.csv", f"account_ref,email,{SECRET}\nA1,b,c\n", "line 1, column 3: not a column"),
    "repeated column": (
        "set.csv",
        f"account_ref,email,email\nA1,{SECRET},c\n",
        "line 1, column email: appears in the header twice",
    ),
    "no account": ("set.csv", f"email,phone,items\n{SECRET},b,name\n", "line 1, column account_ref: missing"),
    "no items": ("set.csv", f"account_ref,email\nA1,{SECRET}\n", "line 1, column items: missing"),
    "items twice": (
        "set.csv",
        f"account_ref,items,email,items\nA1,name,{SECRET},\n",
        "line 1, column items: appears in the header twice",
    ),
    "no identifier": (
        "set.csv",
        f"account_ref,name,items\nA1,{SECRET},name\n",
        "line 1, column email or phone: missing",
    ),
    "unclosed quote": ("set.csv", f'{HEADER}A1,,,,\nA2,"{SECRET},,,\nA3,,,,\n', "line 3: a quote opens"),
    "unclosed quote, long": (
        "set.csv",
        f'{HEADER}A1,,,,\nA2,"{SECRET}\n' + "A3,b,c,1,\n" * 20_000,
        "line 3: a record of over",
    ),
    "text after a quote": ("set.csv", f'{HEADER}A1,,,,\n"A\n2","{SECRET}"x,,,\n', "line 4: a closing quote"),
    "quote in a cell": ("set.csv", f'{HEADER}A1,,,,\nA2,{SECRET}"x",,,\n', "line 3: a quote stands in a cell that"),
    "quote behind a space": ("set.csv", f'{HEADER}A1, "{SECRET}",,,\n', "line 2: a quote stands in a cell that"),
    "quote in a cell behind two lines": (
        "set.csv",
        f'{HEADER}A1,"{SECRET}\n""b""",c",,\n',
        "line 3: a quote stands in a cell that",
    ),
    "one endless line": ("set.csv", HEADER + SECRET * MAX_RECORD_CHARS, "line 2: a record of over"),
    "mixed line ends": ("set.csv", f"{HEADER}A1,,,,\nA2,{SECRET},,,\r\nA3,,,,\n", "line 3: ends in another way"),
    "stray CR": ("set.csv", f"{HEADER}A1,,,,\nA2,{SECRET}\r,,,\n", "line 3: ends in another way"),
    "CR LF twice": ("set.csv", f"account_ref,items,email\r\r\nA1,name,{SECRET}\r\r\n", "line 2: ends in another way"),
    "mixed after a quote": ("set.csv", f'{HEADER}A1,"{SECRET}\r\n\n",,,\r\n', "line 4: ends in another way"),
    "mixed ndjson": (
        "set.ndjson",
        f'{{"account_ref":"{SECRET}"}}\n{{"account_ref":"b"}}\r\n',
        "line 2: ends in another way",
    ),
    "NUL": ("set.csv", f"{HEADER}A1,{SECRET}\0,,,\n", "line 2: holds a NUL"),
    "UTF-16": ("set.csv", f"{HEADER}A1,{SECRET},,,\n".encode("utf-16-le"), "line 1: holds a NUL"),
    "bad UTF-8": (
        "set.csv",
        f"{HEADER}A1,,,,\n".encode() + b"A2,\xb1\xe8" + SECRET.encode() + b",,,\n",
        "line 3: not utf-8",
    ),
    "cut UTF-8": ("set.csv", HEADER.encode() + b"A1,,,,\nA2," + SECRET[:3].encode()[:-1], "line 3: not utf-8"),
    "not Parquet": ("set.parquet", f"{HEADER}A1,{SECRET},,,\n", "not a Parquet file"),
    "unknown ending": ("set.xlsx", SECRET, r"the file's ending must be one of \.csv"),
}


@pytest.mark.parametrize(("name", "content", "message"), INVALID_FILES.values(), ids=INVALID_FILES)
def test_invalid_file_error_names_the_place_and_no_value(
    tmp_path: Path, name: str, content: str | bytes, message: str
) -> None:
    with pytest.raises(InvalidFile, match=message) as raised:
        [*read_rows(write_file(tmp_path, content, name))]
    assert str(raised.value).startswith(name)
    assert_no_value(raised.value)
    assert f"line {raised.value.line}" in str(raised.value) or not raised.value.line
    assert str(pickle.loads(pickle.dumps(raised.value))) == str(raised.value)  # noqa: S301


def test_missing_file_and_folder_are_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for name in ("missing.csv", "missing.parquet", "folder.csv"):
        with pytest.raises(InvalidFile, match=f"{name}: cannot be read: (No such file|Is a dir)"):
            [*read_rows(tmp_path / name)]


INVALID_ROWS: dict[str, tuple[str, RejectedRow]] = {
    "few cells": (f"A1,{SECRET}", RejectedRow(2, "", "2 cells under a header of 5")),
    "many cells": (f"A1,{SECRET},,,,", RejectedRow(2, "", "6 cells under a header of 5")),
    "no account": (f" ,{SECRET},,,", RejectedRow(2, "account_ref", "must not be empty")),
    "confidence": (f"A1,,,,{SECRET}", RejectedRow(2, "confidence", "must be confirmed, possible or withdrawn")),
    "long": ("A1," + "가" * 10_001 + ",,,", RejectedRow(2, "email", "over 10000 characters")),
    **{
        f"count {count}": (f"A1,,,{count},", RejectedRow(2, "count", "must be a whole number from 1 to 2147483647"))
        for count in ("0", "-1", "1.0", "1e3", "2147483648", "１", "1_0", "9" * 5_000, SECRET)
    },
}


@pytest.mark.parametrize(("row", "reject"), INVALID_ROWS.values(), ids=INVALID_ROWS)
def test_invalid_csv_row_is_rejected_and_the_next_row_is_read(tmp_path: Path, row: str, reject: RejectedRow) -> None:
    bad, good = read_rows(write_file(tmp_path, f"{HEADER}{row}\nA2,b,,7,possible\n"))
    assert bad == reject
    assert SECRET not in repr(bad)
    assert isinstance(good, SourceRow)
    assert (good.line, good.count, good.confidence) == (3, 7, "possible")


INVALID_OBJECTS: dict[str, tuple[str, str, str]] = {
    "not JSON": (f'{{"account_ref": {SECRET}', "", "not JSON"),
    "deep": ("[" * 90_000, "", "not JSON"),
    "long number": ('{"account_ref":"A1","count":' + "9" * 5_000 + "}", "", "not JSON"),
    "list": (f'["{SECRET}"]', "", "not a JSON object"),
    "empty list": ("[]", "", "not a JSON object"),
    "text": (f'"{SECRET}"', "", "not a JSON object"),
    "unknown key": (f'{{"account_ref":"A1","{SECRET}":1}}', "", "a key that is not a column"),
    "repeated key": (f'{{"account_ref":"A1","name":"{SECRET}","name":"b"}}', "name", "appears in the object twice"),
    "no account": (f'{{"email":"{SECRET}"}}', "account_ref", "must not be empty"),
    "number": ('{"account_ref":"A1","phone":1098765432}', "phone", "leading zeros are lost"),
    "numbers": ('{"account_ref":"A1","phone":[1098765432]}', "phone", "must hold text only"),
    "object": (f'{{"account_ref":"A1","phone":{{"a":"{SECRET}"}}}}', "phone", "must be text"),
    "empty object": ('{"account_ref":"A1","phone":{}}', "phone", "must be text"),
    "nested list": (f'{{"account_ref":"A1","phone":[["{SECRET}"]]}}', "phone", "must hold text only"),
    "list for one": (f'{{"account_ref":["{SECRET}"]}}', "account_ref", "must be text"),
    "true": ('{"account_ref":"A1","count":true}', "count", "must be a whole number"),
    "fraction": ('{"account_ref":"A1","count":1.5}', "count", "must be a whole number"),
    "nought": ('{"account_ref":"A1","count":0}', "count", "must be a whole number from 1"),
    "NUL": ('{"account_ref":"A1","name":"a\\u0000"}', "name", "holds a NUL"),
    "surrogate": ('{"account_ref":"A1","name":["\\ud800"]}', "name", "half a character"),
    "long": ('{"account_ref":"A1","name":["' + "a" * 9_000 + '","' + "b" * 2_000 + '"]}', "name", "over 10000"),
}


@pytest.mark.parametrize(("text", "column", "reason"), INVALID_OBJECTS.values(), ids=INVALID_OBJECTS)
def test_invalid_ndjson_object_is_rejected(tmp_path: Path, text: str, column: str, reason: str) -> None:
    bad, good = read_rows(write_file(tmp_path, f'{text}\n{{"account_ref":"A2","count":"3"}}\n', "set.ndjson"))
    assert isinstance(bad, RejectedRow)
    assert (bad.line, bad.column) == (1, column)
    assert bad.reason.startswith(reason) or reason in bad.reason
    assert SECRET not in repr(bad)
    assert isinstance(good, SourceRow)
    assert (good.line, good.count) == (2, 3)


def test_repr_of_a_source_row_has_no_value() -> None:
    row = SourceRow(3, SECRET, SECRET, (SECRET,), (SECRET,), (SECRET,), (SECRET,), (SECRET,), SECRET)
    assert repr(row) == f"{row!s}" == "SourceRow(line=3)"


def test_rows_are_streamed(tmp_path: Path) -> None:
    rows = read_rows(write_file(tmp_path, HEADER + "A1,,,,\n" * 50_000 + "A2\0"))
    assert isinstance(next(rows), SourceRow)  # the error at the end of the file is not raised before that row
    with pytest.raises(InvalidFile, match="line 50002: holds a NUL"):
        list(rows)
