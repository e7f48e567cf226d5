"""The line of a reject, whatever ends the lines and stands in the cells before it."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.source_files import InvalidFile
from app.source_files.csv_format import CsvFormat
from app.source_files.ndjson_format import whole_lines_length
from tests.source_files.formats import validate_file

LINE_ENDS = ("\n", "\r\n", "\r")
HEADER = ["account_ref", "email", "address", "items"]

cells = st.lists(st.sampled_from(["서울", "END", "END서울END강남구", '"', ""]), max_size=2).map("".join)
rows = st.lists(st.tuples(cells, st.booleans(), st.booleans()), min_size=1, max_size=8)


def quote(cell: str, *, always: bool) -> str:
    return '"' + cell.replace('"', '""') + '"' if always or any(char in cell for char in '"\r\n') else cell


def write_csv(
    folder: Path, line_end: str, in_cell: str, drawn: Sequence[tuple[str, bool, bool]]
) -> tuple[Path, list[int]]:
    """Write rows of an address that may hold *in_cell*, and of a good or a bad email. Return the path and the lines of the bad ones."""
    text, line, bad_lines = ",".join(HEADER) + line_end, 2, []
    for address, is_bad, is_quoted in drawn:
        cells = ["A1", "bad@@x" if is_bad else "a@example.com", "서울 " + address.replace("END", in_cell), "name"]
        text += ",".join(quote(cell, always=is_quoted) for cell in cells) + line_end
        if is_bad:
            bad_lines.append(line)
        line += 1 + address.count("END")
    path = folder / "set.csv"
    path.write_bytes(text.encode())
    return path, bad_lines


@pytest.mark.parametrize("line_end", LINE_ENDS, ids=repr)
@pytest.mark.parametrize("in_cell", LINE_ENDS, ids=repr)
@settings(max_examples=settings().max_examples // 10)  # for each of nine pairs
@given(rows, st.sampled_from([1, 40, 8 << 20]))
def test_line_of_a_reject_behind_cells_with_line_ends(
    tmp_path_factory: pytest.TempPathFactory,
    line_end: str,
    in_cell: str,
    drawn: list[tuple[str, bool, bool]],
    block_bytes: int,
) -> None:
    path, bad_lines = write_csv(tmp_path_factory.mktemp("set"), line_end, in_cell, drawn)
    for without in ((), ("_read_with_arrow",), ("_read_with_arrow", "_read_with_csv_module")):
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr("app.source_files.blocks.BLOCK_BYTES", block_bytes)
            for reader in without:
                patched.setattr(CsvFormat, reader, lambda *_: None)
            valid, rejects = validate_file(path)
        assert sorted(reject.line for reject in rejects if reject.column == "email") == bad_lines
        assert len(valid) + len(rejects) == len(drawn)


@pytest.mark.parametrize("in_cell", LINE_ENDS, ids=repr)
@pytest.mark.parametrize("line_end", LINE_ENDS, ids=repr)
def test_reject_behind_two_records_of_two_lines(tmp_path: Path, line_end: str, in_cell: str) -> None:
    drawn = [("END강남구", False, True), ("END강남구", False, True), ("", True, False)]
    path, (line,) = write_csv(tmp_path, line_end, in_cell, drawn)
    assert [reject.line for reject in validate_file(path)[1]] == [line] == [6]


def test_a_half_of_a_line_end_is_not_the_end_of_a_line() -> None:
    assert whole_lines_length(b"{}\r") == 0
    assert whole_lines_length(b"{}\r{}\r") == 3
    assert whole_lines_length(b"{}\r\n{}\r") == 4


def test_quote_in_a_cell_does_not_cut_a_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.source_files.blocks.BLOCK_BYTES", 1000)
    monkeypatch.setattr("app.source_files.blocks.MAX_ROW_BYTES", 100)
    path = write_csv(tmp_path, "\n", "\n", [("", False, False)] * 500)[0]
    path.write_bytes(path.read_bytes().replace(b"a@example", b'a"@example', 1))
    with pytest.raises(InvalidFile, match="line 2: a quote stands in a cell"):
        validate_file(path)
