"""Recognize how a file is written, from its name and its start: format, compression, encoding, separator and line ends.

For reports: the readers check everything themselves, and refuse what they cannot read.
"""

import codecs
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.source_files.blocks import COMPRESSIONS, read_start
from app.source_files.csv_format import recognize_separator
from app.source_files.encodings import explain_undecodable, find_codec, find_contradiction, guess_codec
from app.source_files.foreign_files import explain_foreign_file
from app.source_files.schema import InvalidFile

_MARK: Final = "\ufeff"
_ENCODED_MARKS: Final = (codecs.BOM_UTF8, codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
_LINE_END: Final = re.compile(r"\r\n|\n|\r")
_LINE_END_NAMES: Final = {"\r\n": "CRLF", "\n": "LF", "\r": "CR"}


@dataclass(frozen=True, slots=True)
class FileTraits:
    """How a file is written. A trait is empty where it does not apply or cannot be recognized."""

    format: str
    """The ending of the file's name, without that of a compression and without the dot."""
    compression: str = ""
    encoding: str = ""
    """Codec of its text: the named one, unless the file contradicts it."""
    byte_order_marks: int = 0
    """Number of byte order marks at its start."""
    separator: str = ""
    line_ends: str = ""
    """``LF``, ``CRLF`` or ``CR``: how its first line ends."""
    wrong_encoding: InvalidFile | None = None
    """Why it cannot be read in the named encoding; None if it may be."""


def recognize_file(path: Path, encoding: str) -> FileTraits:
    """Recognize how a file is written.

    Args:
        path: of the file. It need not exist.
        encoding: the encoding that the caller named.

    Raises:
        InvalidInput: the encoding does not exist.
    """
    named = find_codec(encoding)
    suffix = path.suffix.lower()
    compression = suffix if suffix in COMPRESSIONS else ""
    format_ = (path.with_suffix("") if compression else path).suffix.lower()
    start = b"" if format_ == ".parquet" else read_start(path)
    if not start or explain_foreign_file(start):
        return FileTraits(format_[1:], compression[1:])
    wrong_encoding = _find_wrong_encoding(path.name, encoding, named, start)
    codec = named if wrong_encoding is None else guess_codec(start) or named
    text = codecs.getincrementaldecoder(codec)(errors="replace").decode(start)
    unmarked = text.lstrip(_MARK)
    drops_mark = codec in ("utf-16", "utf-32", "utf-8-sig") and start.startswith(_ENCODED_MARKS)
    first_line = unmarked.split("\n", 1)[0].split("\r", 1)[0]
    line_end = _LINE_END.search(unmarked)
    return FileTraits(
        format_[1:],
        compression[1:],
        codec,
        byte_order_marks=len(text) - len(unmarked) + drops_mark,
        separator=recognize_separator(first_line) if format_ == ".csv" else "",
        line_ends=_LINE_END_NAMES[line_end[0]] if line_end else "",
        wrong_encoding=wrong_encoding,
    )


def _find_wrong_encoding(file: str, encoding: str, named: str, start: bytes) -> InvalidFile | None:
    """Return the error of a reader if the file is certainly in another encoding. A few damaged bytes are left to the reader."""
    if reason := find_contradiction(named, start):
        return InvalidFile.at(file, reason, line=1)
    if named != "utf-8" or guess_codec(start) != "cp949":
        return None
    for number, line in enumerate(start.splitlines(), start=1):
        try:
            line.decode()
        except UnicodeDecodeError:
            return InvalidFile.at(file, explain_undecodable(encoding, line), line=number)
    return None
