"""ISO/IEC 7816-4 padding to one of a few size classes, so that a length reveals little."""

from app.errors import InvalidInput

_PADDING_START = b"\x80"


class RecordTooLong(InvalidInput):
    """More bytes than the largest size class holds."""


def pad(data: bytes, size: int) -> bytes:
    """Pad *data* to *size* bytes, by at least one byte.

    Raises:
        RecordTooLong: *data* has *size* bytes or more.
    """
    return data + padding_for(len(data), size)


def padding_for(length: int, size: int) -> bytes:
    """Return the padding from *length* to *size* bytes. It depends on the lengths only, so bulk code can reuse it.

    Raises:
        RecordTooLong: *length* is not less than *size*.
    """
    if length >= size:
        raise RecordTooLong(f"more than {size - 1} bytes")
    return _PADDING_START.ljust(size - length, b"\0")


def unpad(padded: bytes) -> bytes:
    """Remove the padding. Call this only on authenticated bytes: it does not check them."""
    return padded.rstrip(b"\0")[:-1]
