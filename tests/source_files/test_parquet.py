"""Read Parquet files: which types are accepted, and an error names the place and never the value."""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from app.source_files import COLUMNS, InvalidFile, SourceRow, write_source_file
from app.source_files.parquet import BATCH_ROWS
from tests.datasets.source_rows import read_rows
from tests.source_files.helpers import SECRET, assert_no_value, cells_of


@pytest.mark.parametrize(
    ("column", "values", "message"),
    [
        ("phone", pa.array([1098765432]), "column phone: holds numbers, which have lost their leading zeros"),
        ("phone", pa.array([[1098765432]]), "column phone: holds numbers"),
        ("phone", pa.array([1.5]), "column phone: holds numbers"),
        ("phone", pa.array([{"a": SECRET}]), "column phone: must hold text or lists of text"),
        ("phone", pa.array([True]), "column phone: holds true and false: export it as text"),
        ("phone", pa.array([date(2025, 1, 2)]), "column phone: holds dates or times: export it as text"),
        ("name", pa.array([datetime(2025, 1, 2, tzinfo=UTC)]), "column name: holds dates or times"),
        ("recipient_ref", pa.array([date(2025, 1, 2)]), "column recipient_ref: holds dates or times"),
        ("phone", pa.array([time(1, 2)]), "column phone: holds dates or times"),
        ("phone", pa.array([timedelta(1)]), "column phone: holds dates or times"),
        ("phone", pa.array([[date(2025, 1, 2)]]), "column phone: holds dates or times"),
        ("phone", pa.array([Decimal("10.5")]), "column phone: holds numbers"),
        ("phone", pa.array([[["1"]]], pa.list_(pa.list_view(pa.string()))), "must hold text or lists of text"),
        ("phone", pa.array([b"1"]), "column phone: must hold text"),
        ("cohort", pa.array([["a"]], pa.list_view(pa.string())), "column cohort: must hold text"),
        ("cohort", pa.array([[SECRET]]), "column cohort: must hold text"),
        ("count", pa.array([1.0]), "column count: must hold whole numbers or text"),
        (SECRET, pa.array(["a"]), "column 3: not a column"),
        ("email", pa.array(["a"]), "column email: appears in the header twice"),
    ],
)
def test_parquet_column_of_a_wrong_type_is_refused(tmp_path: Path, column: str, values: pa.Array, message: str) -> None:
    columns = [pa.array(["A1"]), pa.array([SECRET]), values, pa.array(["name"])]
    table = pa.Table.from_arrays(columns, ["account_ref", "email", column, "items"])
    pq.write_table(table, tmp_path / "set.parquet")
    with pytest.raises(InvalidFile, match=message) as raised:
        [*read_rows(tmp_path / "set.parquet")]
    assert_no_value(raised.value)


@pytest.mark.parametrize(
    "type_",
    [
        pa.list_(pa.string()),
        pa.large_list(pa.string()),
        pa.list_(pa.string(), 2),
        pa.list_view(pa.string()),
        pa.large_list_view(pa.string()),
        pa.list_view(pa.large_string()),
        pa.list_(pa.string_view()),
        pa.list_(pa.dictionary(pa.int32(), pa.string())),
    ],
    ids=str,
)
@pytest.mark.parametrize("column", ["email", "phone", "name", "address", "items"])
def test_parquet_lists_of_every_kind_are_read(tmp_path: Path, type_: pa.DataType, column: str) -> None:
    texts = {name: pa.array(["A1", "A2"]) for name in ("account_ref", "email", "items")}
    lists = {column: pa.array([["a", None], ["b", "c"]], type_)}
    pq.write_table(pa.table(texts | lists), tmp_path / "set.parquet")
    first, second = map(cells_of, read_rows(tmp_path / "set.parquet"))
    index = COLUMNS.index(column)
    assert (first[index], second[index]) == (("a",), ("b", "c"))


@pytest.mark.parametrize("missing", ["account_ref", "items", "email"])
def test_parquet_schema_without_a_required_column_is_refused(tmp_path: Path, missing: str) -> None:
    columns = {name: pa.array([SECRET]) for name in ("account_ref", "items", "email", "name") if name != missing}
    pq.write_table(pa.table(columns), tmp_path / "set.parquet")
    with pytest.raises(InvalidFile, match=f"^set.parquet, column {missing}.*: missing from the header") as raised:
        [*read_rows(tmp_path / "set.parquet")]
    assert_no_value(raised.value)


def test_accepted_parquet_types(tmp_path: Path) -> None:
    columns = {
        "account_ref": pa.array(["A1", "A2"]).dictionary_encode(),
        "phone": pa.array([["1", None], None], pa.large_list(pa.string())),
        "name": pa.array(["a|b", None], pa.large_string()),
        "items": pa.array([["name"], ["name", None]]),
        "cohort": pa.nulls(2),
        "count": pa.array([None, 5], pa.uint8()),
    }
    pq.write_table(pa.table(columns), tmp_path / "set.parquet")
    first, second = read_rows(tmp_path / "set.parquet")
    assert cells_of(first) == ("A1", "", (), ("1",), ("a|b",), (), ("name",), "", 1, "confirmed")
    assert cells_of(second) == ("A2", "", (), (), (), (), ("name",), "", 5, "confirmed")


def test_parquet_text_that_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    damaged = pa.array([b"fine", SECRET.encode()[:-1] + b"\xff"]).view(pa.string())
    columns = {"account_ref": pa.array(["A1", "A2"]), "email": damaged, "items": pa.array(["name", "name"])}
    pq.write_table(pa.table(columns), tmp_path / "set.parquet")
    with pytest.raises(InvalidFile, match="row 2, column email: not UTF-8") as raised:
        [*read_rows(tmp_path / "set.parquet")]
    assert_no_value(raised.value)


def test_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet"
    write_source_file(
        path, (SourceRow(n, f"A{n}", emails=(f"{n * 7919}@example.com",)) for n in range(1, 3 * BATCH_ROWS))
    )
    content = bytearray(path.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 2_000] = b"\xff" * 2_000
    path.write_bytes(content)
    with pytest.raises(InvalidFile, match="row ") as raised:
        [*read_rows(path)]
    assert raised.value.line > BATCH_ROWS


def test_compressed_parquet_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "set.parquet.gz"
    path.write_bytes(b"")
    with pytest.raises(InvalidFile, match=r"set\.parquet\.gz"):
        next(iter(read_rows(path)))
