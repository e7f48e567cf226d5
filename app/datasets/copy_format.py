"""PostgreSQL's binary COPY format of sealed rows. A module of its own, because workers encode rows without SQLAlchemy."""

from collections.abc import Sequence

COPY_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_TRAILER = b"\xff\xff"


def encode_copy_rows(locators: Sequence[bytes], entries: Sequence[int], sealed: Sequence[bytes]) -> bytes:
    """Encode rows in PostgreSQL's binary COPY format: the number of fields, then each field after its length."""
    prefixes = {entry: b"\0\3\0\0\0\2%b\0\0\0\x10" % entry.to_bytes(2, "big") for entry in {*entries}}
    lengths = {length: length.to_bytes(4, "big") for length in {*map(len, sealed)}}  # few distinct lengths
    encoded: list[bytes] = []
    for locator, entry, ciphertext in zip(locators, entries, sealed, strict=True):
        encoded += (prefixes[entry], locator, lengths[len(ciphertext)], ciphertext)
    return b"".join(encoded)
