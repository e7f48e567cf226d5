"""Bytes put together so that no two different lists of parts give the same bytes."""

from app.errors import InvalidInput

LENGTH_BYTES = 2


class FramingError(InvalidInput):
    """Bytes that `frame` did not make, or cannot."""


class _Lengths(dict[int, bytes]):
    """Lengths as they stand in front of parts: millions are framed, of few lengths."""

    def __missing__(self, length: int) -> bytes:
        written = length.to_bytes(LENGTH_BYTES, "big")
        if length < _KEPT:
            self[length] = written
        return written


_KEPT = 256
_LENGTHS = _Lengths()


def frame(*parts: bytes) -> bytes:
    """Join *parts*, each behind its length in two bytes, big end first.

    Raises:
        Misframed: a part is longer than 65,535 bytes.
    """
    try:
        return b"".join([_LENGTHS[len(part)] + part for part in parts])
    except OverflowError:
        raise FramingError("a part is longer than 65,535 bytes") from None


def split(framed: bytes) -> list[bytes]:
    """Cut what `frame` joined, each part with its length still in front.

    Raises:
        Misframed: a length runs past the end.
    """
    parts = []
    start, size = 0, len(framed)
    try:
        while start < size:
            end = start + LENGTH_BYTES + (framed[start] << 8 | framed[start + 1])
            parts.append(framed[start:end])
            start = end
    except IndexError:
        start = size + 1
    if start > size:
        raise FramingError("a length runs past the end")
    return parts
