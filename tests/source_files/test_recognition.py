"""How a file is written is recognized from its start, and a file that cannot be read as it is names the cause."""

import bz2
import gzip
import io
import lzma
import zipfile
from pathlib import Path

import pytest

from app.source_files import InvalidFile
from app.source_files.recognition import FileTraits, recognize_file
from tests.source_files.formats import validate_file
from tests.source_files.helpers import SECRET

HEADER = "account_ref,email,name,items\n"
ROWS = f"A1,a1@example.com,{SECRET[:3]},name\nA2,a2@example.com,이두리,name\n"
TEXT = HEADER + ROWS
OBJECT = f'{{"account_ref":"A1","email":"a1@example.com","name":"{SECRET[:3]}","items":"name"}}'
MARK = "\ufeff"


def zipped() -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return data.getvalue()


TRAITS: dict[str, tuple[str, bytes, str, FileTraits]] = {
    "CSV": ("set.csv", TEXT.encode(), "utf-8", FileTraits("csv", "", "utf-8", 0, ",", "LF")),
    "CRLF": ("set.csv", TEXT.replace("\n", "\r\n").encode(), "UTF8", FileTraits("csv", "", "utf-8", 0, ",", "CRLF")),
    "CR": ("set.csv", TEXT.replace("\n", "\r").encode(), "utf-8", FileTraits("csv", "", "utf-8", 0, ",", "CR")),
    "one line": ("set.csv", HEADER.strip().encode(), "utf-8", FileTraits("csv", "", "utf-8", 0, ",", "")),
    "byte order mark": ("set.csv", (MARK + TEXT).encode(), "utf-8", FileTraits("csv", "", "utf-8", 1, ",", "LF")),
    "two of them": ("set.csv", (MARK * 2 + TEXT).encode(), "utf-8", FileTraits("csv", "", "utf-8", 2, ",", "LF")),
    "two of them, one consumed by the codec": (
        "set.csv", (MARK * 2 + TEXT).encode(), "utf-8-sig", FileTraits("csv", "", "utf-8-sig", 2, ",", "LF"),
    ),
    "cp949 by name": ("set.csv", TEXT.encode("cp949"), "windows-949", FileTraits("csv", "", "cp949", 0, ",", "LF")),
    "UTF-16 by name": ("set.csv", TEXT.encode("utf-16"), "utf-16", FileTraits("csv", "", "utf-16", 1, ",", "LF")),
    "gzip": ("set.csv.gz", gzip.compress(TEXT.encode()), "utf-8", FileTraits("csv", "gz", "utf-8", 0, ",", "LF")),
    "NDJSON": ("set.ndjson", OBJECT.encode(), "utf-8", FileTraits("ndjson", "", "utf-8")),
    "xz": ("set.jsonl.xz", lzma.compress(f"{OBJECT}\n".encode()), "utf-8", FileTraits("jsonl", "xz", "utf-8", 0, "", "LF")),
    "semicolons": ("set.csv", TEXT.replace(",", ";").encode(), "utf-8", FileTraits("csv", "", "utf-8", 0, ";", "LF")),
    "tabs": ("set.csv", TEXT.replace(",", "\t").encode(), "utf-8", FileTraits("csv", "", "utf-8", 0, "\t", "LF")),
    "Excel's separator": ("set.csv", f"sep=;\n{TEXT}".encode(), "utf-8", FileTraits("csv", "", "utf-8", 0, ";", "LF")),
    "no file": ("other.csv", b"", "utf-8", FileTraits("csv")),
    "empty": ("set.csv", b"", "utf-8", FileTraits("csv")),
    "zip": ("set.csv", zipped(), "utf-8", FileTraits("csv")),
    "damaged compression": ("set.csv.gz", b"\x1f\x8b\x08" + bytes(20), "utf-8", FileTraits("csv", "gz")),
}  # fmt: skip
"""A file's name, its content, the named encoding, and its traits."""


@pytest.mark.parametrize("name", TRAITS)
def test_traits_are_recognized(name: str, tmp_path: Path) -> None:
    file, content, encoding, traits = TRAITS[name]
    (tmp_path / "set").with_name(file).write_bytes(content)
    assert recognize_file(tmp_path / file, encoding) == traits


WRONG_ENCODINGS: dict[str, tuple[bytes, str, str, str]] = {
    "cp949 without a name": (
        TEXT.encode("cp949"), "utf-8", "cp949",
        "line 2: not utf-8 but cp949, which is also called windows-949: name it with --encoding cp949",
    ),
    "UTF-16 without a name": (
        (MARK + TEXT).encode("utf-16-le"), "utf-8", "utf-16-le",
        "line 1: its byte order mark is that of utf-16, not of utf-8",
    ),
    "UTF-16 without a name and a mark": (
        TEXT.encode("utf-16-be"), "utf-8", "utf-16-be",
        "line 1: holds a NUL character, because it is not utf-8: name the encoding utf-16-be",
    ),
    "UTF-8 named cp949": (TEXT.encode(), "cp949", "utf-8", "line 1: is utf-8, not cp949: name no other encoding"),
    "UTF-8 with a mark, named utf-16": (
        (MARK + TEXT).encode(), "utf-16", "utf-8", "line 1: its byte order mark is that of utf-8, not of utf-16",
    ),
}  # fmt: skip
"""Content, the named encoding, the real one, and the error."""


@pytest.mark.parametrize("name", WRONG_ENCODINGS)
def test_wrong_encoding_is_recognized_with_the_message_of_the_reader(name: str, tmp_path: Path) -> None:
    content, named, real, message = WRONG_ENCODINGS[name]
    path = tmp_path / "set.csv"
    path.write_bytes(content)
    traits = recognize_file(path, named)
    assert (traits.encoding, traits.separator, traits.line_ends) == (real, ",", "LF")
    assert str(traits.wrong_encoding) == f"set.csv, {message}"
    with pytest.raises(InvalidFile) as raised:
        validate_file(path, named)
    assert str(raised.value) == f"set.csv, {message}"
    assert len(validate_file(path, traits.encoding)[0]) == 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (TEXT.encode().replace("이".encode(), b"\xec\x9d"), "line 3: not utf-8; name the file's encoding"),
        ((HEADER + "A1,,Ren\xe9,name\n").encode("latin-1"), "line 2: not utf-8; name the file's encoding"),
        (HEADER.encode() + b"A1,,\xff\xff,name\n", "line 2: not utf-8; name the file's encoding"),
        ((HEADER + "A1,,谢婷,name\n").encode("gb2312"), "line 2: not utf-8; name the file's encoding"),
    ],
    ids=["damaged", "Latin-1", "no text", "valid, but without Hangul"],
)
def test_other_bytes_are_not_taken_for_cp949(content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "set.csv"
    path.write_bytes(content)
    assert recognize_file(path, "utf-8").wrong_encoding is None
    with pytest.raises(InvalidFile, match=message):
        validate_file(path)


UNREADABLE: dict[str, tuple[str, bytes, str]] = {
    "a workbook": ("set.csv", zipped(), "set.csv: is an Excel workbook or another zip archive"),
    "a workbook named Parquet": ("set.parquet", zipped(), "set.parquet: is an Excel workbook or another zip archive"),
    "an old workbook": ("set.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), "set.csv: is an old Excel workbook"),
    "gzip without its ending": ("set.csv", gzip.compress(TEXT.encode()), r"set.csv: is compressed by gzip: .*\.gz"),
    "bzip2 without its ending": ("set.csv", bz2.compress(TEXT.encode()), r"set.csv: is compressed by bzip2: .*\.bz2"),
    "Parquet named CSV": ("set.csv", b"PAR1" + bytes(20), r"set.csv: is a Parquet file: its name must end in \.parquet"),
    "a web page": ("set.csv", f"{MARK}\n<HTML><table><td>{SECRET}".encode(), "set.csv: is a web page or XML"),
    "a damaged Parquet file": ("set.parquet", b"PAR1" + bytes(20), "set.parquet: not a Parquet file"),
    "no header": ("set.csv", ROWS.encode(), "line 1, column 1: not a column .*: the header seems to be missing"),
    "a header in capitals": ("set.csv", TEXT.replace("email", "E-Mail").encode(), "column 2: not a column of a data set file; "),
    "a header with spaces": ("set.csv", TEXT.replace("email", " Email ").encode(), "column 2: not a column .*: write it as email"),
    "a column of another name": ("set.csv", TEXT.replace("email", SECRET).encode(), "column 2: not a column of a data set file; "),
    "semicolons": ("set.csv", TEXT.replace(",", ";").encode(), "line 1: the cells of the header are separated by semicolons"),
    "tabs": ("set.csv", TEXT.replace(",", "\t").encode(), "line 1: the cells of the header are separated by tabs"),
    "a sep= line": ("set.csv", f"sep=,\n{TEXT}".encode(), "line 1: begins with Excel's sep= line"),
    "a JSON array": ("set.ndjson", f"[{OBJECT}]".encode(), "line 1: begins with a JSON array: write one object a line"),
    "an indented JSON array": ("set.ndjson", f"[\n  {OBJECT}\n]".encode(), "line 1: begins with a JSON array"),
    "an indented JSON object": ("set.ndjson", OBJECT.replace("{", "{\n").encode(), "line 1: begins with a JSON object over several"),
    "CSV named NDJSON": ("set.ndjson", TEXT.encode(), r"line 1: begins with the header of a CSV file: .*\.csv"),
    "NDJSON named CSV": ("set.csv", f"{OBJECT}\n".encode(), r"line 1: begins with JSON, not with a header: .*\.ndjson"),
    "a JSON array named CSV": ("set.csv", f"[{OBJECT}]".encode(), "line 1: begins with JSON, not with a header"),
}  # fmt: skip
"""A file's name, its content, and what the error says."""


@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_file_names_its_cause_and_no_value(name: str, tmp_path: Path) -> None:
    file, content, message = UNREADABLE[name]
    (tmp_path / file).write_bytes(content)
    with pytest.raises(InvalidFile, match=message) as raised:
        validate_file(tmp_path / file)
    assert SECRET[:3] not in str(raised.value)
