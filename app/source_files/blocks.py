"""Cut a file into blocks of whole rows. Cutting is cheap, so that one process cuts while others parse.

A text block is UTF-8, whatever the file's encoding and compression. Everything that the parser of a block can check is left to it.
"""

import bz2
import codecs
import gzip
import io
import lzma
import re
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final, cast

from app.source_files.encodings import find_codec, find_contradiction
from app.source_files.foreign_files import explain_foreign_file
from app.source_files.schema import InvalidFile

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK_BYTES: Final = 8 << 20
"""Size of a text block; the last row may go beyond it."""

START_BYTES: Final = 1 << 20
"""Of a text file, to recognize its encoding by."""

MAX_ROW_BYTES: Final = 400_000
"""`MAX_RECORD_CHARS` in the longest UTF-8."""

_LINE_START_MARKS: Final = re.compile(rb"(?:(?<=[\r\n])|\A)(?:" + codecs.BOM_UTF8 + rb")+")
_MARK_START: Final = codecs.BOM_UTF8[:1]


@dataclass(frozen=True, slots=True)
class Block:
    """Whole rows of a file."""

    first_line: int
    """Number of its first physical line, from 1; in Parquet of its first row."""
    data: bytes = field(repr=False)
    end_position: int
    """Where in the file it ends, in the unit of `SourceFile.size`."""


_DECOMPRESSORS: Final[Mapping[str, Callable[[BinaryIO], BinaryIO]]] = MappingProxyType(
    {
        ".gz": lambda raw: cast("BinaryIO", gzip.GzipFile(fileobj=raw)),
        ".bz2": lambda raw: cast("BinaryIO", bz2.BZ2File(raw)),
        ".xz": lambda raw: cast("BinaryIO", lzma.LZMAFile(raw)),  # noqa: SIM115  closed with the file that it reads
        ".zst": lambda raw: cast("BinaryIO", zstd.ZstdFile(raw)),
    }
)
COMPRESSIONS: Final = tuple(_DECOMPRESSORS)
_DAMAGED: Final = (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, gzip.BadGzipFile, ValueError)


class TextSource:
    """A text file, decompressed, converted to UTF-8, and cut at the end of a row. Byte order marks at the start of a line are dropped.

    Args:
        path: compressed if its last ending is that of a compression.
        encoding: of its text.
        whole_rows_length: returns how many bytes at the start of some data are whole rows; 0 if the first row is incomplete.

    Raises:
        InvalidInput: the encoding does not exist.
        OSError: the file cannot be opened.
    """

    def __init__(self, path: Path, encoding: str, whole_rows_length: Callable[[bytes], int]) -> None:
        self._encoding = find_codec(encoding)
        self.name = path.name
        self._whole_rows_length = whole_rows_length
        self._next_line, self._unconsumed = 1, b""
        self._raw = path.open("rb")
        self.size = path.stat().st_size
        decompress = _DECOMPRESSORS.get(path.suffix.lower())
        self._decompressed: BinaryIO = decompress(self._raw) if decompress else self._raw

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks of the file. It can be called once.

        Raises:
            InvalidFile: the file cannot be decompressed or decoded.
        """
        for chunk in self._read_utf8_chunks():
            data = self._unconsumed + chunk
            end = self._whole_rows_length(data)
            if not end and len(data) > BLOCK_BYTES + MAX_ROW_BYTES:
                end = len(data)  # a row without an end: the parser of the block reports where it began
            self._unconsumed = data[end:]
            if end:
                block = Block(self._next_line, _drop_line_start_marks(data[:end]), self._raw.tell())
                self._next_line += count_line_ends(block.data)
                yield block
        if self._unconsumed:
            yield Block(self._next_line, _drop_line_start_marks(self._unconsumed), self._raw.tell())

    def _read_utf8_chunks(self) -> Iterator[bytes]:
        is_utf8 = self._encoding == "utf-8"
        decoder = codecs.getincrementaldecoder(self._encoding)(errors="surrogateescape")
        is_first = True
        while True:
            raw = chunk = self._read_chunk()
            if is_first and (reason := explain_foreign_file(raw)):
                raise InvalidFile.at(self.name, reason)
            if is_first and (reason := find_contradiction(self._encoding, raw)):
                raise InvalidFile.at(self.name, reason, line=1)
            is_first = False
            if not is_utf8:  # bytes that do not decode become lone surrogates, which the parser reports with their line
                chunk = self._decode(decoder, raw).encode("utf-8", "surrogatepass")
            yield chunk
            if not raw:
                return

    def _read_chunk(self) -> bytes:
        try:
            return self._decompressed.read(BLOCK_BYTES)
        except _DAMAGED:
            pass
        except OSError as error:
            if error.errno is not None:
                raise
        raise self._error("its compression is damaged here or soon after")

    def _decode(self, decoder: codecs.IncrementalDecoder, chunk: bytes) -> str:
        try:
            return decoder.decode(chunk, final=not chunk)
        except UnicodeError:  # a multi-byte encoding; the message of the error quotes the bytes
            pass
        raise self._error(f"not {self._encoding} here or soon after")

    def _error(self, reason: str) -> InvalidFile:
        return InvalidFile.at(self.name, reason, line=self._next_line + count_line_ends(self._unconsumed))


def _drop_line_start_marks(data: bytes) -> bytes:
    """Drop the byte order marks of files that were joined end to end."""
    if _MARK_START not in data:  # much faster than looking for a whole mark
        return data
    return _LINE_START_MARKS.sub(b"", data) if codecs.BOM_UTF8 in data else data


def read_start(path: Path) -> bytes:
    """Return the decompressed bytes at the start of a text file; empty if they cannot be read, for which `TextSource` raises an error."""
    try:
        with path.open("rb") as raw:
            decompress = _DECOMPRESSORS.get(path.suffix.lower())
            return (decompress(raw) if decompress else raw).read(START_BYTES)
    except (OSError, *_DAMAGED):
        return b""


def count_line_ends(data: bytes) -> int:
    """Return the number of line ends in *data*: LF, CRLF or CR."""
    carriage_returns = data.count(b"\r")
    return data.count(b"\n") + (carriage_returns - data.count(b"\r\n") if carriage_returns else 0)


def open_block_text(data: bytes) -> io.StringIO:
    """Open a block as text with its line ends unchanged. Bytes that are not UTF-8 become lone surrogates."""
    return io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")
