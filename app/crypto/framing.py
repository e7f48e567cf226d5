"""Bytes put together so that no two different lists of parts give the same bytes."""

from app.errors import BadInput

LENGTH_BYTES = 2


class Misframed(BadInput):
    """Bytes that `frame` did not make, or cannot."""


def frame(*parts: bytes) -> bytes:
    """Join *parts*, each behind its length in two bytes, big end first.

    Raises:
        Misframed: a part is longer than 65,535 bytes.
    """
    try:
        return b"".join([len(part).to_bytes(LENGTH_BYTES, "big") + part for part in parts])
    except OverflowError:
        raise Misframed("a part is longer than 65,535 bytes") from None


def split(framed: bytes) -> list[bytes]:
    """Cut what `frame` joined, each part with its length still in front.

    Raises:
        Misframed: a length runs past the end.
    """
    parts = []
    start, size = 0, len(framed)
    while start < size:
        behind_length = start + LENGTH_BYTES
        end = behind_length + int.from_bytes(framed[start:behind_length], "big")
        if behind_length > size or end > size:
            raise Misframed("a length runs past the end")
        parts.append(framed[start:end])
        start = end
    return parts
