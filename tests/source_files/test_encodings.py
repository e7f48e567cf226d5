"""Names of encodings, byte order marks, and messages that name the cause when a file is in another encoding or has other separators."""

from pathlib import Path

import pytest

from app.errors import InvalidInput
from app.source_files import InvalidFile
from tests.datasets.source_rows import read_rows
from tests.source_files.formats import validate_file

HEADER = "account_ref,email,name,items\n"
ROWS = "A1,a1@example.com,김하나,name\nA2,a2@example.com,이두리,name\n"
OBJECTS = '{"account_ref":"A1","email":"a1@example.com","items":"name"}\n{"account_ref":"A2","email":"a2@example.com","items":"name"}\n'
MARK = "\ufeff"

CP949_NAMES = ["cp949", "CP949", "windows-949", "Windows-949", "x-windows-949", "windows949", "ms949", "MS-949", "949", "uhc", "cp-949",
               "x-mswin-949", "codepage 949"]  # fmt: skip
READ: list[tuple[str, str, str]] = [
    *((name, "cp949", "") for name in CP949_NAMES),
    ("euc-kr", "euc-kr", ""),
    ("ks_c_5601-1987", "euc-kr", ""),
    ("utf-16", "utf-16-le", MARK),
    ("utf-16", "utf-16-be", MARK),
    ("Unicode", "utf-16-le", MARK),
    ("UCS-2", "utf-16-le", MARK),
    ("utf-16-le", "utf-16-le", ""),
    ("utf-16-le", "utf-16-le", MARK),
    ("UTF-16LE", "utf-16-le", MARK * 2),
    ("utf-16-be", "utf-16-be", MARK),
    ("utf-16", "utf-16-le", MARK * 2),
    ("utf-32", "utf-32-le", MARK),
    ("utf-32-le", "utf-32-le", MARK),
    ("utf-8", "utf-8", MARK),
    ("utf-8", "utf-8", MARK * 2),
    ("utf-8-sig", "utf-8", MARK),
    ("utf-8-sig", "utf-8", ""),
]


@pytest.mark.parametrize("text", [HEADER + ROWS, OBJECTS], ids=["csv", "ndjson"])
@pytest.mark.parametrize(("name", "encoding", "marks"), READ)
def test_named_encoding_is_read_with_or_without_byte_order_mark(
    tmp_path: Path, name: str, encoding: str, marks: str, text: str
) -> None:
    path = tmp_path / ("set.csv" if text.startswith(HEADER) else "set.ndjson")
    path.write_bytes((marks + text).encode(encoding))
    rows, rejects = validate_file(path, name)
    assert not rejects
    assert [(row.person_ref, row.line) for row in rows] == [
        ("A1\0", 2 if text.startswith(HEADER) else 1),
        ("A2\0", 3 if text.startswith(HEADER) else 2),
    ]


REFUSED: list[tuple[str, str, str, str]] = [
    ("utf-8", "utf-16-le", MARK, "line 1: its byte order mark is that of utf-16, not of utf-8"),
    ("utf-8", "utf-16-be", MARK, "line 1: its byte order mark is that of utf-16, not of utf-8"),
    ("utf-8", "utf-32-le", MARK, "line 1: its byte order mark is that of utf-32, not of utf-8"),
    ("utf-8", "utf-16-le", "", "line 1: holds a NUL character, because it is not utf-8: name the encoding utf-16-le"),
    ("utf-8", "utf-16-be", "", "line 1: holds a NUL character, because it is not utf-8: name the encoding utf-16-be"),
    ("cp949", "utf-16-le", MARK, "line 1: its byte order mark is that of utf-16, not of cp949"),
    ("cp949", "utf-8", MARK, "line 1: its byte order mark is that of utf-8, not of cp949"),
    ("utf-16", "utf-8", MARK, "line 1: its byte order mark is that of utf-8, not of utf-16"),
    ("utf-16", "utf-8", "", "line 1: has no byte order mark; it is not utf-16"),
    ("utf-16", "utf-16-le", "", "line 1: has no byte order mark; name the encoding utf-16-le"),
    ("utf-16", "utf-16-be", "", "line 1: has no byte order mark; name the encoding utf-16-be"),
    ("utf-16-le", "utf-16-be", MARK, "line 1: its byte order mark is that of utf-16, not of utf-16-le"),
    (
        "utf-8",
        "cp949",
        "",
        "line 2: not utf-8 but cp949, which is also called windows-949: name it with --encoding cp949",
    ),
]


@pytest.mark.parametrize(("name", "encoding", "mark", "message"), REFUSED)
def test_other_encoding_than_the_named_one_is_refused_with_its_cause(
    tmp_path: Path, name: str, encoding: str, mark: str, message: str
) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes((mark + HEADER + ROWS).encode(encoding))
    with pytest.raises(InvalidFile) as raised:
        validate_file(path, name)
    assert str(raised.value) == f"set.csv, {message}"


def test_syllable_outside_euc_kr_is_refused_and_cp949_named(tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes(f"{HEADER}A1,a1@example.com,뷁,name\n".encode("cp949"))
    with pytest.raises(InvalidFile, match=r"line 2: not euc-kr; .*cp949"):
        validate_file(path, "euc-kr")
    assert [row.name for row in validate_file(path, "ms949")[0]] == ["뷁"]


@pytest.mark.parametrize("name", ["klingon", "windows-123", "cp99999", "hex", "utf\0", ""])
def test_unknown_encoding_is_refused_and_known_ones_are_named(tmp_path: Path, name: str) -> None:
    path = tmp_path / "set.csv"
    path.write_text(HEADER + ROWS)
    with pytest.raises(InvalidInput, match=r"no such text encoding .*cp949.*utf-16"):
        validate_file(path, name)


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"], ids=repr)
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("blocks_of", [50, 8 << 20])
def test_byte_order_mark_inside_joined_csv_files_is_dropped(
    tmp_path: Path, line_end: str, quote: str, blocks_of: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.source_files.blocks.BLOCK_BYTES", blocks_of)
    first, second = (f"{quote}A1{quote},a1@example.com,name{line_end}", f"name,a1@example.com,A1{line_end}")
    for header, record in (("account_ref,email,items", first), ("items,email,account_ref", second)):
        path = tmp_path / "set.csv"
        path.write_bytes(f"{header}{line_end}{record}{MARK}{record}{MARK * 2}{record}".encode())
        rows, rejects = validate_file(path)
        assert not rejects
        assert [(row.person_ref, row.line) for row in rows] == [("A1\0", 2), ("A1\0", 3), ("A1\0", 4)]


def test_byte_order_mark_inside_joined_ndjson_files_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "set.ndjson"
    path.write_text(MARK + OBJECTS + MARK + OBJECTS, encoding="utf-8")
    rows, rejects = validate_file(path)
    assert (len(rows), rejects) == (4, [])


@pytest.mark.parametrize("name", ["set.csv", "set.ndjson"])
def test_file_of_a_byte_order_mark_alone_holds_no_rows(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(MARK, encoding="utf-8")
    with pytest.raises(InvalidFile, match="holds no rows"):
        [*read_rows(tmp_path / name)]


SEPARATED: list[tuple[str, str]] = [
    ("\t", "the cells of the header are separated by tabs"),
    (";", "the cells of the header are separated by semicolons"),
    ("|", "the cells of the header are separated by vertical bars"),
    ("，", "the cells of the header are separated by full-width commas"),
    ("^", "the cells of the header are separated by something else"),
]


@pytest.mark.parametrize(("separator", "message"), SEPARATED)
@pytest.mark.parametrize("quote", ["", '"'])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_other_separator_is_refused_with_its_name(
    tmp_path: Path, separator: str, message: str, quote: str, encoding: str
) -> None:
    header = separator.join(f"{quote}{name}{quote}" for name in ("account_ref", "email", "items"))
    path = tmp_path / "set.csv"
    path.write_bytes(f"{header}\r\nA1{separator}a1@example.com{separator}name\r\n".encode(encoding))
    with pytest.raises(InvalidFile, match=f"^set.csv, line 1: {message}; they must be separated by commas$"):
        validate_file(path, encoding)


@pytest.mark.parametrize("line", ["sep=,", "sep=;", '"sep=,"', "SEP=\t", MARK + "sep=,"])
def test_separator_line_of_excel_is_refused_with_its_cause(tmp_path: Path, line: str) -> None:
    path = tmp_path / "set.csv"
    path.write_text(f"{line}\r\n{HEADER}{ROWS}", encoding="utf-8")
    with pytest.raises(InvalidFile, match="line 1: begins with Excel's sep= line: remove it"):
        validate_file(path)


@pytest.mark.parametrize("header", [" account_ref,email,items", "account_ref,EMAIL,items", "account_ref,email,items,"])
def test_header_with_commas_names_the_column(tmp_path: Path, header: str) -> None:
    path = tmp_path / "set.csv"
    path.write_text(f"{header}\n{ROWS}")
    with pytest.raises(InvalidFile, match=r"line 1, column [124]: not a column"):
        validate_file(path)
