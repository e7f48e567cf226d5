"""Write data set files: a round trip changes nothing, and a failed write leaves the old file."""

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.source_files import COLUMNS, SourceRow, write_source_file
from app.source_files.markers import is_marker_of_nothing
from app.source_files.references import normalize_reference, parse_reference
from app.source_files.schema import join_values, split_values
from tests.datasets.source_rows import read_rows
from tests.source_files.helpers import cells_of, write_file

ENDINGS = ("csv", "ndjson", "jsonl", "parquet")

_text = st.text(
    st.one_of(
        st.sampled_from("|,\"'\n\r\\; 가힣Ａ\u2028😀"),
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"),
    ),
    min_size=1,
    max_size=12,
).filter(lambda text: text == text.strip())
_references = _text.map(normalize_reference).filter(lambda text: text and not parse_reference(text)[1])
_unmarked = _text.filter(lambda text: not is_marker_of_nothing(text))
_values = st.lists(_unmarked, max_size=3).map(tuple)
_source_rows = st.builds(
    SourceRow,
    line=st.just(1),
    account_ref=_references,
    recipient_ref=st.one_of(st.just(""), _references),
    emails=_values,
    phones=_values,
    names=_values,
    addresses=_values,
    items=_values,
    cohort=st.one_of(st.just(""), _unmarked),
    count=st.integers(1, 2**31 - 1),
    confidence=st.sampled_from(("confirmed", "possible", "withdrawn")),
)


@pytest.mark.parametrize("ending", ENDINGS)
@settings(max_examples=60, deadline=None)
@given(rows=st.lists(_source_rows, min_size=1, max_size=6))
def test_written_rows_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, ending: str, rows: list[SourceRow]
) -> None:
    path = tmp_path_factory.mktemp("sets") / f"set.{ending}"
    assert write_source_file(path, rows) == len(rows)
    assert [cells_of(row) for row in read_rows(path)] == [cells_of(row) for row in rows]


@given(st.lists(_text, max_size=4))
def test_split_values_reverses_join_values(values: list[str]) -> None:
    assert [value for part in split_values(join_values(values)) if (value := part.strip())] == values


@pytest.mark.parametrize("ending", ENDINGS)
def test_failed_write_leaves_the_old_file(tmp_path: Path, ending: str) -> None:
    def failing_rows() -> Iterator[SourceRow]:
        yield SourceRow(1, "A1")
        raise InvalidInput("no more")

    path = write_file(tmp_path, "before", f"set.{ending}")
    with pytest.raises(InvalidInput, match="no more"):
        write_source_file(path, failing_rows())
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize("name", ["set.txt", "missing/set.csv"])
def test_path_that_cannot_be_written_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput):
        write_source_file(tmp_path / name, [SourceRow(1, "A1")])


def test_written_csv_header(tmp_path: Path) -> None:
    assert write_source_file(tmp_path / "set.csv", []) == 0
    with (tmp_path / "set.csv").open(encoding="utf-8", newline="") as handle:
        assert [*csv.reader(handle)] == [[*COLUMNS]]
