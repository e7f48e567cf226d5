"""Recognize files that are no text at all, or another format than their name says, by their first bytes."""

import re
from typing import Final

PARQUET_SIGNATURE: Final = b"PAR1"
_SIGNATURES: Final = (
    (b"PK\x03\x04", "is an Excel workbook or another zip archive: export it as CSV"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "is an old Excel workbook: export it as CSV"),
    (PARQUET_SIGNATURE, "is a Parquet file: its name must end in .parquet"),
    (b"\x1f\x8b\x08", "is compressed by gzip: its name must end in .gz"),
    (b"\x28\xb5\x2f\xfd", "is compressed by zstd: its name must end in .zst"),
    (b"\xfd7zXZ\0", "is compressed by xz: its name must end in .xz"),
    (b"%PDF-", "is a PDF document: export it as CSV"),
)
MAX_SIGNATURE_BYTES: Final = 512
"""More than the start of a file by which it is recognized."""
_BZIP2: Final = re.compile(rb"BZh[1-9]1AY&SY")
_MARKUP: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|meta|table|\?xml)\b", re.IGNORECASE)


def explain_foreign_file(start: bytes) -> str:
    """Return what a file that starts with *start* is, if it is certainly no text of a data set; empty otherwise."""
    if reason := next((reason for signature, reason in _SIGNATURES if start.startswith(signature)), ""):
        return reason
    if _BZIP2.match(start):
        return "is compressed by bzip2: its name must end in .bz2"
    return "is a web page or XML, not a text file of rows: export it as CSV" if _MARKUP.match(start) else ""
