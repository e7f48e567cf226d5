"""Cutting a file into blocks: wherever it is cut, however it is compressed, the same rows at the same lines come out, or the same error."""

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
from hypothesis import given
from hypothesis import strategies as st

from app.datasets.files import COLUMNS, InvalidFile, SourceRow, RejectedRow, ParsedBlock, open_source_file
from app.datasets.files.blocks import count_line_ends
from app.datasets.files.arrow_csv import read_plain_columns
from app.datasets.files.csv_format import whole_records_length
from app.datasets.importing.stages.read import validate_rows
from app.datasets.importing.row_batch import to_rows
from tests.datasets.source_rows import read_rows

HEADER = "account_ref,email,items\n"
PIECES = ['"', '""', ",", "\n", "\r\n", "\r", "a", "가", "a@b.kr", ' "', '",', '\n"', "\0", "x" * 30, "a1,m@e.com,n\n"]

contents = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)


def put(folder: Path, content: bytes, name: str = "set.csv") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


def what_is_read(path: Path, encoding: str = "utf-8") -> tuple[list[object], str]:
    """The rows with their lines, and the error that ended them."""
    rows: list[object] = []
    try:
        rows.extend(
            found if isinstance(found, RejectedRow) else (found.line, found) for found in read_rows(path, encoding=encoding)
        )
    except InvalidFile as error:
        return rows, str(error)
    return rows, ""


def in_blocks_of(size: int, path: Path, encoding: str = "utf-8") -> tuple[list[object], str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.datasets.files.blocks.BLOCK_BYTES", size)
        return what_is_read(path, encoding)


def by_the_csv_module(path: Path) -> tuple[list[object], str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.datasets.files.csv_format.CsvFormat._read_with_arrow", lambda *_: None)
        return what_is_read(path)


def line_by_line(path: Path) -> tuple[list[object], str]:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("app.datasets.files.csv_format.CsvFormat._read_with_arrow", lambda *_: None)
        patched.setattr("app.datasets.files.csv_format.CsvFormat._read_with_csv_module", lambda *_: None)
        return what_is_read(path)


@given(contents)
def test_a_block_read_at_once_gives_what_it_gives_line_by_line(
    tmp_path_factory: pytest.TempPathFactory, content: str
) -> None:
    path = put(tmp_path_factory.mktemp("set"), (HEADER + content).encode())
    assert what_is_read(path) == by_the_csv_module(path) == line_by_line(path)


plain_cells = st.text(st.sampled_from('a가 ,"\n'), max_size=4)


@given(
    st.lists(st.lists(plain_cells, min_size=3, max_size=3), min_size=1, max_size=8),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_whole_columns_are_what_the_csv_module_reads(
    tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], ending: str, ended: bool, quoting: Any
) -> None:
    written = io.StringIO()
    csv.writer(written, lineterminator=ending, quoting=quoting).writerows(rows)
    content = HEADER.replace("\n", ending) + written.getvalue()
    path = put(tmp_path_factory.mktemp("set"), (content if ended else content.removesuffix(ending)).encode())
    assert what_is_read(path) == by_the_csv_module(path)


def test_most_blocks_are_read_by_whole_columns(tmp_path: Path) -> None:
    rows = '"a1","b@c.kr","Hong, Gildong"\na2,,\n"",d@e.kr,\n'
    path = put(tmp_path, (HEADER + rows.replace('"",', "a3,")).encode())
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
def test_columns_are_not_taken_apart_where_that_is_not_certain(records: str) -> None:
    def read_rows(text: str) -> dict[str, list[str]] | None:
        columns = read_plain_columns(text.encode("utf-8", "surrogateescape"), ["one", "two"], 20)
        return columns and {name: column.to_pylist() for name, column in columns.items()}

    assert read_rows("a,b\n") == {"one": ["a"], "two": ["b"]}
    assert read_rows("a,b\n" + records + "c,d\n") is None
    assert read_rows("\ufeffa,b\n") is None  # Arrow takes it for a mark of the encoding, wherever a block begins


cell = st.one_of(
    st.sampled_from(["", " ", "a1", "mina@example.com", "MINA@example.com", "010-2000-0001", "홍길동", "name", "name|order", "x", "3", "-1",
                     "possible", "a|b", "서울 강남구 테헤란로 12", "10001" * 2001, "mina@example.com|010-2000-0001"]),
    st.text(max_size=6).filter(lambda text: "\0" not in text),
)  # fmt: skip
tables = st.lists(st.tuples(*[cell] * len(COLUMNS)), max_size=12)


@given(tables)
def test_judged_column_by_column_rows_are_what_they_are_one_by_one(rows: list[tuple[str, ...]]) -> None:
    declared = frozenset({"name", "email", "phone", "address"})
    lines = range(2, len(rows) + 2)
    columns = [[row[place] for row in rows] for place in range(len(COLUMNS))]
    together, rejected = validate_rows(ParsedBlock(lines, columns, pipe_separated=True, rejects=[]), declared)
    each = [
        validate_rows(ParsedBlock([line], [[one] for one in row], pipe_separated=True, rejects=[]), declared)
        for line, row in zip(lines, rows, strict=True)
    ]
    assert to_rows(together) == [row for found, _ in each for row in to_rows(found)]
    assert sorted(rejected, key=lambda reject: reject.line) == [reject for _, found in each for reject in found]
    assert together.num_rows + len(rejected) == len(rows)


spellings = st.one_of(
    st.sampled_from(["mina@example.com", "Mina@Example.COM", "010-2000-0001", "+82 10 2000 0001", "홍길동", "Hong  Gil", "서울 강남구 테헤란로 12",
                     "서울특별시 강남구 테헤란로 12, 3동 4호 (역삼동)", "synthetic-00000001", ""]),
    st.text(st.characters(codec="utf-8", exclude_characters="|\0"), max_size=12),
)  # fmt: skip
spaced = st.tuples(st.sampled_from(["", " ", "\t", "\u3000"]), spellings, st.sampled_from(["", " ", "\n"])).map("".join)


@given(st.lists(st.tuples(*[spaced] * 6), max_size=12))
def test_what_is_spelled_at_once_is_spelled_as_by_the_one_full_rule(rows: list[tuple[str, ...]]) -> None:
    said = len(COLUMNS) - 7
    columns = [[row[place] for row in rows] for place in range(6)] + [["name"] * len(rows)]
    tables = [
        ParsedBlock(range(len(rows)), [*columns, *[[nothing] * len(rows)] * said], pipe_separated=pipe_separated, rejects=[])
        for pipe_separated, nothing in ((True, ""), (False, None))
    ]
    declared = frozenset({"name"})
    at_once, one_by_one = [validate_rows(table, declared) for table in tables]
    with pytest.MonkeyPatch.context() as patched:
        for name in ("BULK_CANONICALIZERS", "_VECTORIZED_RULES"):
            patched.setattr(f"app.datasets.importing.stages.read.{name}", dict.fromkeys(COLUMNS[:6], undecided))
        by_the_rule = validate_rows(tables[0], declared)
    assert at_once == one_by_one == by_the_rule


def undecided(column: pa.StringArray) -> pa.StringArray:
    return pa.nulls(len(column), pa.string())


@given(contents, st.integers(1, 60))
def test_no_row_is_lost_or_changed_wherever_it_is_cut(
    tmp_path_factory: pytest.TempPathFactory, content: str, size: int
) -> None:
    path = put(tmp_path_factory.mktemp("set"), (HEADER + content).encode())
    whole, error = what_is_read(path)
    cut, error_when_cut = in_blocks_of(size, path)
    assert bool(error) == bool(error_when_cut)
    if not error:
        assert cut == whole


@given(contents)
def test_what_is_cut_off_is_behind_whole_records(content: str) -> None:
    data = content.encode()
    end = whole_records_length(data)
    assert 0 <= end <= len(data)
    assert data[:end].count(b'"') % 2 == 0
    assert not end or data[:end].endswith((b"\n", b"\r"))


@given(contents)
def test_lines_are_counted_as_they_are_read(content: str) -> None:
    ends = content.replace("\r\n", "\n").replace("\r", "\n").count("\n")
    assert count_line_ends(content.encode()) == ends


def test_a_fault_far_into_the_file_is_named_by_its_line(tmp_path: Path) -> None:
    rows = [f"a{number},p{number}@example.com,n\n" for number in range(500)]
    rows[400] = 'a400,"never closed,n\n'
    path = put(tmp_path, (HEADER + "".join(rows)).encode())
    _, error = in_blocks_of(1000, path)
    assert "line 402" in error


@pytest.mark.parametrize("size", [1, 7, 64, 10_000])
@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-8"])
def test_an_encoding_is_put_into_utf8_wherever_it_is_cut(tmp_path: Path, encoding: str, size: int) -> None:
    text = HEADER + "".join(f"a{number},p{number}@example.com,홍길동\n" for number in range(30))
    path = put(tmp_path, text.encode(encoding))
    rows, error = in_blocks_of(size, path, encoding)
    assert not error
    assert len(rows) == 30
    assert {found.items for _, found in rows} == {("홍길동",)}  # type: ignore[misc, has-type]


def _zstd(data: bytes) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, "zstd") as stream:
        stream.write(data)
    return sink.getvalue().to_pybytes()


COMPRESSED: dict[str, Callable[[bytes], bytes]] = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": _zstd,
}


@pytest.mark.parametrize("compression", COMPRESSED)
@pytest.mark.parametrize("name", ["set.csv", "set.NDJSON"])
def test_a_compressed_file_is_read_like_another(tmp_path: Path, compression: str, name: str) -> None:
    text = '{"account_ref": "a1", "email": "mina@example.com"}\n' * 50
    if name == "set.csv":
        text = HEADER + "a1,mina@example.com,n\n" * 50
    plain, packed = put(tmp_path, text.encode(), name), f"{name}.{compression}"
    path = put(tmp_path, COMPRESSED[compression](text.encode()), packed)
    assert what_is_read(path) == what_is_read(plain)
    with open_source_file(path) as file:
        assert [block.end_position for block in file.blocks][-1] == file.size == path.stat().st_size


@pytest.mark.parametrize("compression", COMPRESSED)
def test_a_damaged_compressed_file_is_refused_by_its_name(tmp_path: Path, compression: str) -> None:
    text = HEADER + "".join(f"a{number},mina{number}@example.com,n\n" for number in range(5000))
    packed = COMPRESSED[compression](text.encode())
    for damaged in (packed[: len(packed) // 2], packed[:-3], b"mina@example.com" * 20):
        rows, error = what_is_read(put(tmp_path, damaged, f"set.csv.{compression}"))
        assert error.startswith(f"set.csv.{compression}"), error
        assert "mina" not in error
        assert all(isinstance(one, tuple) and isinstance(one[1], SourceRow) for one in rows)


def test_a_compressed_parquet_file_is_told_that_it_has_its_own(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile, match=r"set\.parquet\.gz"):
        next(iter(read_rows(put(tmp_path, b"", "set.parquet.gz"))))
