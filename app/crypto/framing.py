"""Length-prefixed framing: two different lists of parts never encode to the same bytes."""

from app.errors import InvalidInput

LENGTH_PREFIX_BYTES = 2


class FramingError(InvalidInput):
    """Bytes that `frame` did not produce, or a part that it cannot encode."""


class _LengthPrefixCache(dict[int, bytes]):
    """Encoded lengths. An import frames millions of parts of few different lengths."""

    def __missing__(self, length: int) -> bytes:
        prefix = length.to_bytes(LENGTH_PREFIX_BYTES, "big")
        if length < _MAX_CACHED_LENGTH:
            self[length] = prefix
        return prefix


_MAX_CACHED_LENGTH = 256
_LENGTH_PREFIXES = _LengthPrefixCache()


def frame(*parts: bytes) -> bytes:
    """Join *parts*, each preceded by its length as two bytes, big-endian.

    Raises:
        FramingError: a part is longer than 65,535 bytes.
    """
    try:
        return b"".join([_LENGTH_PREFIXES[len(part)] + part for part in parts])
    except OverflowError:
        raise FramingError("a part is longer than 65,535 bytes") from None


def split_frame(framed: bytes) -> list[bytes]:
    """Split the output of `frame` into its parts. Each part keeps its length prefix.

    Raises:
        FramingError: a length points past the end.
    """
    parts = []
    start, size = 0, len(framed)
    try:
        while start < size:
            end = start + LENGTH_PREFIX_BYTES + (framed[start] << 8 | framed[start + 1])
            parts.append(framed[start:end])
            start = end
    except IndexError:
        start = size + 1
    if start > size:
        raise FramingError("a length points past the end")
    return parts
