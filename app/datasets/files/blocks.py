"""A file as blocks of whole rows: cheap to cut, so that one process cuts while others read.

Whatever the file's encoding and compression, a text block is UTF-8. Nothing is judged here that a reader of the block can judge.
"""

import bz2
import codecs
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO, Final, cast

from app.datasets.files.schema import InvalidFile
from app.errors import InvalidInput

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

BLOCK_BYTES: Final = 8 << 20
"""Bytes of a text block, or a row more."""

MAX_ROW_BYTES: Final = 400_000
"""Bytes: what the readers accept of a record, in the longest UTF-8."""

_BOM: Final = codecs.BOM_UTF8


@dataclass(frozen=True, slots=True)
class Block:
    """Whole rows of a file."""

    first_line: int
    """The physical line on which it begins, from 1; in Parquet the number of its first row."""
    data: bytes = field(repr=False)
    end_position: int
    """How far in the file it ends, in the unit of `Source.size`."""


_OPENERS: Final[Mapping[str, Callable[[BinaryIO], BinaryIO]]] = MappingProxyType(
    {
        ".gz": lambda raw: cast("BinaryIO", gzip.GzipFile(fileobj=raw)),
        ".bz2": lambda raw: cast("BinaryIO", bz2.BZ2File(raw)),
        ".xz": lambda raw: cast("BinaryIO", lzma.LZMAFile(raw)),  # noqa: SIM115  closed with what it reads
        ".zst": lambda raw: cast("BinaryIO", zstd.ZstdFile(raw)),
    }
)
COMPRESSIONS: Final = tuple(_OPENERS)


class TextSource:
    """A text file, decompressed, put into UTF-8, and cut where a row ends."""

    def __init__(self, path: Path, encoding: str, cut: Callable[[bytes], int]) -> None:
        """Open a file.

        Args:
            path: compressed where its last ending says so.
            encoding: of its text; a byte order mark is skipped under UTF-8.
            cut: says how many bytes of some are whole rows; 0 where a row is not at its end yet.

        Raises:
            InvalidInput: there is no such encoding.
            OSError: it cannot be opened.
        """
        try:
            "".encode(encoding)  # refuses what is a codec and no encoding of text
            self._encoding = codecs.lookup(encoding).name
        except (LookupError, ValueError):
            raise InvalidInput("no such text encoding") from None
        self.name = path.name
        self._cut = cut
        # what follows the last block: its first line, and its bytes as far as they were read
        self._line, self._rest = 1, b""
        self._raw = path.open("rb")
        self.size = path.stat().st_size
        decompressing = _OPENERS.get(path.suffix.lower())
        self._bytes: BinaryIO = decompressing(self._raw) if decompressing else self._raw

    def close(self) -> None:
        """Close the file."""
        self._raw.close()

    def blocks(self) -> Iterator[Block]:
        """Cut the file, once.

        Raises:
            InvalidFile: it cannot be decompressed or decoded.
        """
        for piece in self._pieces():
            rest = self._rest + piece
            end = self._cut(rest)
            if not end and len(rest) > BLOCK_BYTES + MAX_ROW_BYTES:
                end = len(rest)  # a row that does not end: whoever reads the block says where it began
            self._rest = rest[end:]
            if end:
                block = Block(self._line, rest[:end], self._raw.tell())
                self._line += count_line_ends(block.data)
                yield block
        if self._rest:
            yield Block(self._line, self._rest, self._raw.tell())

    def _pieces(self) -> Iterator[bytes]:
        plain = self._encoding == "utf-8"
        decoder = codecs.getincrementaldecoder(self._encoding)(errors="surrogateescape")
        first = True
        while True:
            raw = piece = self._read()
            if first and plain:
                piece = raw.removeprefix(_BOM)
            first = False
            if not plain:  # what does not decode becomes a lone surrogate; whoever reads the block finds it on its line
                piece = self._decoded(decoder, raw).encode("utf-8", "surrogatepass")
            yield piece
            if not raw:
                return

    def _read(self) -> bytes:
        try:
            return self._bytes.read(BLOCK_BYTES)
        except (EOFError, zlib.error, lzma.LZMAError, zstd.ZstdError, gzip.BadGzipFile, ValueError):
            pass
        except OSError as error:
            if error.errno is not None:
                raise
        raise self._bad("its compression is damaged here or soon after")

    def _decoded(self, decoder: codecs.IncrementalDecoder, piece: bytes) -> str:
        try:
            return decoder.decode(piece, final=not piece)
        except UnicodeError:  # an encoding of more than one byte a character; its message quotes the bytes
            pass
        raise self._bad(f"not {self._encoding} here or soon after")

    def _bad(self, reason: str) -> InvalidFile:
        return InvalidFile.at(self.name, reason, line=self._line + count_line_ends(self._rest))


def count_line_ends(data: bytes) -> int:
    """Count the line ends in *data*: LF, CRLF or CR."""
    returns = data.count(b"\r")
    return data.count(b"\n") + (returns - data.count(b"\r\n") if returns else 0)


def open_block_text(data: bytes) -> io.StringIO:
    """Open a block for reading with its line ends as they are, and what is not UTF-8 marked by lone surrogates."""
    return io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")
