"""Cut files into blocks: for every cut and compression the rows, their lines and the error are the same."""

import bz2
import csv
import gzip
import io
import lzma
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.importing.occurrences import Occurrences
from app.importing.row_batch import to_rows
from app.importing.row_validation import validate_rows
from app.source_files import COLUMNS, InvalidFile, ParsedBlock, RejectedRow, SourceRow, open_source_file
from app.source_files.arrow_csv import read_plain_columns
from app.source_files.blocks import count_line_ends
from app.source_files.csv_format import whole_records_length
from tests.datasets import source_rows

HEADER = "account_ref,email,items\n"
FRAGMENTS = [
    '"',
    '""',
    ",",
    "\n",
    "\r\n",
    "\r",
    "a",
    "가",
    "a@b.kr",
    ' "',
    '",',
    '\n"',
    "\0",
    "x" * 30,
    "a1,m@e.com,n\n\ufeff",
]

contents = st.lists(st.sampled_from(FRAGMENTS), max_size=40).map("".join)


def write_file(folder: Path, content: bytes, name: str = "set.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def read_rows(path: Path, encoding: str = "utf-8") -> tuple[list[object], str]:
    """Return the rows with their lines, and the error that ended the file (empty: none)."""
    rows: list[object] = []
    try:
        rows.extend(
            row if isinstance(row, RejectedRow) else (row.line, row)
            for row in source_rows.read_rows(path, encoding=encoding)
        )
    except InvalidFile as error:
        return rows, str(error)
    return rows, ""


def read_in_blocks_of(size: int, path: Path, encoding: str = "utf-8") -> tuple[list[object], str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.source_files.blocks.BLOCK_BYTES", size)
        return read_rows(path, encoding)


def read_with_csv_module(path: Path) -> tuple[list[object], str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.source_files.csv_format.CsvFormat._read_with_arrow", lambda *_: None)
        return read_rows(path)


def read_by_line(path: Path) -> tuple[list[object], str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.source_files.csv_format.CsvFormat._read_with_arrow", lambda *_: None)
        patched.setattr("app.source_files.csv_format.CsvFormat._read_with_csv_module", lambda *_: None)
        return read_rows(path)


@given(contents, st.sampled_from(["\n", "\r\n", "\r"]))
@example('"\r",\n"",\r\n', "\r\n")
@example("a,b,c\n\r\n", "\r\n")
@example("a,b,c\n", "\r")
def test_all_csv_readers_return_the_same_rows(tmp_path_factory: pytest.TempPathFactory, content: str, end: str) -> None:
    path = write_file(tmp_path_factory.mktemp("set"), (HEADER.replace("\n", end) + content).encode())
    assert read_rows(path) == read_with_csv_module(path) == read_by_line(path)


plain_cells = st.text(st.sampled_from('a가 ,"\n'), max_size=4)


@given(
    st.lists(st.lists(plain_cells, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_arrow_and_csv_module_return_the_same_rows(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], ending: str, ended: bool, quoting: Any
) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator=ending, quoting=quoting).writerows(rows)
    content = HEADER.replace("\n", ending) + written.getvalue()
    path = write_file(tmp_path_factory.mktemp("set"), (content if ended else content.removesuffix(ending)).encode())
    assert read_rows(path) == read_with_csv_module(path)


def test_plain_csv_is_read_with_arrow(tmp_path: Path) -> None:
    rows = '"a1","b@c.kr","Hong, Gildong"\na2,,\n"",d@e.kr,\n'
    path = write_file(tmp_path, (HEADER + rows.replace('"",', "a3,")).encode())
    with open_source_file(path) as file:
        (block,) = file.blocks
        columns = file.format._read_with_arrow(block)  # type: ignore[attr-defined]
        assert {name: column.to_pylist() for name, column in columns.items()} == {
            "account_ref": ["a1", "a2", "a3"], "email": ["b@c.kr", "", "d@e.kr"], "items": ["Hong, Gildong", "", ""]
        }  # fmt: skip


@pytest.mark.parametrize(
    "records",
    [
        'a,b"c\n',
        '"a" ,b\n',
        '"a"b,c\n',
        'a,"b""c"\n',
        'a,"b\nc"\n',
        'a,"b\n',
        "a\nb,c,d\n",
        "a,b,c\n",
        "\na,b\n",
        "a" * 20 + ",b\n",
        "a\r,b\n",
        "a,b\rc,d",
        "a,\udcff\n",
    ],
)
def test_arrow_reader_declines_csv_that_is_not_plain(records: str) -> None:
    def read_columns(text: str) -> dict[str, list[str]] | None:
        columns = read_plain_columns(text.encode("utf-8", "surrogateescape"), ["one", "two"], 20)
        return columns and {name: column.to_pylist() for name, column in columns.items()}

    assert read_columns("a,b\n") == {"one": ["a"], "two": ["b"]}
    assert read_columns("a,b\n" + records + "c,d\n") is None
    assert read_columns("\ufeffa,b\n") is None  # Arrow takes it for a byte order mark at the start of any block


cell = st.one_of(
    st.sampled_from(["", " ", "a1", "mina@example.com", "MINA@example.com", "010-2000-0001", "홍길동", "name", "name|order", "x", "3", "-1",
                     "possible", "a|b", "서울 강남구 테헤란로 12", "10001" * 2001, "mina@example.com|010-2000-0001",
                     "mi..na@example.com", "mi..na@example.com|mina@example.com|'", "a@example.com;b@example.com"]),
    st.text(max_size=6).filter(lambda text: "\0" not in text),
)  # fmt: skip
tables = st.lists(st.tuples(*[cell] * len(COLUMNS)), max_size=12)


@pytest.mark.fuzz
@given(tables)
def test_validating_rows_together_equals_validating_them_one_by_one(rows: list[tuple[str, ...]]) -> None:
    declared = frozenset({"name", "email", "phone", "address"})
    lines = range(2, len(rows) + 2)
    columns = [[row[place] for row in rows] for place in range(len(COLUMNS))]
    together, rejects, left_out = validate_rows(ParsedBlock(lines, columns, pipe_separated=True, rejects=[]), declared)
    one_by_one = [
        validate_rows(ParsedBlock([line], [[cell] for cell in row], pipe_separated=True, rejects=[]), declared)
        for line, row in zip(lines, rows, strict=True)
    ]
    assert to_rows(together) == [row for found, *_ in one_by_one for row in to_rows(found)]
    assert sorted(rejects, key=lambda reject: reject.line) == [reject for _, found, _ in one_by_one for reject in found]
    assert together.num_rows + len(rejects) == len(rows)
    assert left_out == sum((found for *_, found in one_by_one), Occurrences())


spellings = st.one_of(
    st.sampled_from(["mina@example.com", "Mina@Example.COM", "010-2000-0001", "+82 10 2000 0001", "홍길동", "Hong  Gil", "서울 강남구 테헤란로 12",
                     "서울특별시 강남구 테헤란로 12, 3동 4호 (역삼동)", "synthetic-00000001", "", "NULL", "없음", r"\N", "#REF!", "1E-05",
                     "1.2E+11", "12E4", "1001.0", "'1001", "\ufeffA1", "-", "김민수\n이영희", "a" * 65, "mi..na@example.com"]),
    st.text(st.characters(codec="utf-8", exclude_characters="|\0"), max_size=12),
)  # fmt: skip
spaced = st.tuples(st.sampled_from(["", " ", "\t", "\u3000"]), spellings, st.sampled_from(["", " ", "\n"])).map("".join)


@pytest.mark.fuzz
@given(st.lists(st.tuples(*[spaced] * 6), max_size=12))
def test_vectorized_normalization_equals_the_full_rule(rows: list[tuple[str, ...]]) -> None:
    other_columns = len(COLUMNS) - 7
    columns = [[row[place] for row in rows] for place in range(6)] + [["name"] * len(rows)]
    tables = [
        ParsedBlock(
            range(len(rows)),
            [*columns, *[[empty] * len(rows)] * other_columns],
            pipe_separated=pipe_separated,
            rejects=[],
        )
        for pipe_separated, empty in ((True, ""), (False, None))
    ]
    declared = frozenset({"name"})
    vectorized, cell_by_cell = [validate_rows(table, declared) for table in tables]
    with pytest.MonkeyPatch.context() as patched:
        for name in ("BULK_CANONICALIZERS", "_VECTORIZED_RULES"):
            patched.setattr(f"app.importing.row_validation.{name}", dict.fromkeys(COLUMNS[:6], decline_all))
        by_full_rule = validate_rows(tables[0], declared)
    assert vectorized == cell_by_cell == by_full_rule


def decline_all(column: pa.StringArray) -> pa.StringArray:
    return pa.nulls(len(column), pa.string())


@given(contents, st.integers(1, 60))
def test_rows_do_not_depend_on_the_block_size(
    tmp_path_factory: pytest.TempPathFactory, content: str, size: int
) -> None:
    path = write_file(tmp_path_factory.mktemp("set"), (HEADER + content).encode())
    rows, error = read_rows(path)
    rows_when_cut, error_when_cut = read_in_blocks_of(size, path)
    assert error_when_cut == error
    if not error:
        assert rows_when_cut == rows


@given(contents)
def test_a_cut_is_at_the_end_of_a_record(content: str) -> None:
    data = content.encode()
    end = whole_records_length(data)
    assert 0 <= end <= len(data)
    assert data[:end].count(b'"') % 2 == 0
    assert not end or data[:end].endswith((b"\n", b"\r"))


@given(contents)
def test_count_line_ends(content: str) -> None:
    line_ends = content.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert count_line_ends(content.encode()) == line_ends


def test_error_in_a_later_block_names_its_line(tmp_path: Path) -> None:
    rows = [f"a{number},p{number}@example.com,n\n" for number in range(500)]
    rows[400] = 'a400,"never closed,n\n'
    path = write_file(tmp_path, (HEADER + "".join(rows)).encode())
    _, error = read_in_blocks_of(1000, path)
    assert "line 402" in error


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-8"])
def test_other_encodings_are_converted_for_every_block_size(tmp_path: Path, encoding: str, size: int) -> None:
    text = HEADER + "".join(f"a{number},p{number}@example.com,홍길동\n" for number in range(30))
    path = write_file(tmp_path, text.encode(encoding))
    rows, error = read_in_blocks_of(size, path, encoding)
    assert not error
    assert len(rows) == 30
    assert {found.items for _, found in rows} == {("홍길동",)}  # type: ignore[misc, has-type]


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    compressed: bytes = sink.getvalue().to_pybytes()
    return compressed


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": _zstd,
}


@pytest.mark.parametrize("compression", COMPRESSED)
@pytest.mark.parametrize("name", ["set.csv", "set.NDJSON"])
def test_compressed_file_equals_the_plain_one(tmp_path: Path, compression: str, name: str) -> None:
    text = '{"account_ref": "a1", "email": "mina@example.com"}\n' * 50
    if name == "set.csv":
        text = HEADER + "a1,mina@example.com,n\n" * 50
    plain_path, packed = write_file(tmp_path, text.encode(), name), f"{name}.{compression}"
    path = write_file(tmp_path, COMPRESSED[compression](text.encode()), packed)
    assert read_rows(path) == read_rows(plain_path)
    with open_source_file(path) as file:
        assert [block.end_position for block in file.blocks][-1] == file.size == path.stat().st_size


@pytest.mark.parametrize("compression", COMPRESSED)
def test_damaged_compressed_file_is_refused(tmp_path: Path, compression: str) -> None:
    text = HEADER + "".join(f"a{number},mina{number}@example.com,n\n" for number in range(5000))
    packed = COMPRESSED[compression](text.encode())
    for damaged in (packed[: len(packed) // 2], packed[:-3], b"mina@example.com" * 20):
        rows, error = read_rows(write_file(tmp_path, damaged, f"set.csv.{compression}"))
        assert error.startswith(f"set.csv.{compression}"), error
        assert "mina" not in error
        assert all(isinstance(row, tuple) and isinstance(row[1], SourceRow) for row in rows)
