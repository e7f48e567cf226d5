"""Bytes put together so that no two different lists of parts give the same bytes."""

from collections.abc import Iterator

from app.errors import BadInput

_LENGTH = 2


class Misframed(BadInput):
    """Bytes that `frame` did not make."""


def frame(*parts: bytes) -> bytes:
    """Join *parts*, each behind its length in two bytes, big end first.

    Raises:
        Misframed: a part is longer than 65,535 bytes.
    """
    framed = bytearray()
    for part in parts:
        if len(part) >= 1 << (8 * _LENGTH):
            raise Misframed("a part is longer than 65,535 bytes")
        framed += len(part).to_bytes(_LENGTH, "big") + part
    return bytes(framed)


def unframe(framed: bytes) -> list[bytes]:
    """Take apart what `frame` joined.

    Raises:
        Misframed: a length runs past the end.
    """
    return list(_parts(framed))


def _parts(framed: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(framed):
        start = at + _LENGTH
        end = start + int.from_bytes(framed[at:start], "big")
        if start > len(framed) or end > len(framed):
            raise Misframed("a length runs past the end")
        yield framed[start:end]
        at = end
