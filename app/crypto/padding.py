"""Sizes that say little: ISO/IEC 7816-4 padding up to one of a few classes."""

from app.errors import InvalidInput

_MARK = b"\x80"


class RecordTooLong(InvalidInput):
    """More bytes than the largest class holds."""


def pad(data: bytes, size: int) -> bytes:
    """Fill *data* up to *size* bytes; at least one byte is spent."""
    return data + filling(len(data), size)


def filling(length: int, size: int) -> bytes:
    """Give what fills *length* bytes up to *size*: the same for all data of one length, so bulk asks once."""
    if length >= size:
        raise RecordTooLong(f"more than {size - 1} bytes")
    return _MARK.ljust(size - length, b"\0")


def unpad(padded: bytes) -> bytes:
    """Take the filling away. Call it only on what an AEAD has vouched for."""
    return padded.rstrip(b"\0")[:-1]
