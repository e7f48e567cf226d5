"""Rows between the seal stage and the load stage, packed into one Arrow binary value each: stored locator, row tag, inner seal."""

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto.key_derivation import LOCATOR_BYTES
from app.crypto.mac_inputs import TAG_BYTES
from app.crypto.row_sealing import SIZE_CLASSES

INNER_SEAL_OFFSET = LOCATOR_BYTES + TAG_BYTES
"""Bytes of a row before its inner seal."""

_SCHEMA = pa.schema([("row", pa.binary())])


def split_fixed(data: bytes, size: int) -> pa.BinaryArray:
    """Split bytes into values of *size* bytes."""
    return pa.Array.from_buffers(pa.binary(size), len(data) // size, [None, pa.py_buffer(data)]).cast(pa.binary())


def build_rows(locators: bytes, contents: Sequence[bytes]) -> pa.BinaryArray:
    """Build rows from their stored locators, concatenated, and their contents (row tag and inner seal)."""
    return pc.binary_join_element_wise(split_fixed(locators, LOCATOR_BYTES), pa.array(contents, pa.binary()), b"")


def sort_rows(rows: pa.BinaryArray) -> pa.BinaryArray:
    """Sort rows by their bytes."""
    return rows.take(pc.array_sort_indices(rows))


def locators_of(rows: pa.BinaryArray) -> pa.BinaryArray:
    """Return the stored locator of each row."""
    return pc.binary_slice(rows, 0, LOCATOR_BYTES)


def contents_of(rows: pa.BinaryArray) -> pa.BinaryArray:
    """Return the row tag and inner seal of each row."""
    return pc.binary_slice(rows, LOCATOR_BYTES, LOCATOR_BYTES + SIZE_CLASSES[-1])


def serialize_rows(rows: pa.BinaryArray) -> pa.Buffer | bytes:
    """Serialize rows. The result is empty if there are none."""
    return pa.record_batch([rows], _SCHEMA).serialize() if len(rows) else b""


def deserialize_rows(chunks: Iterable[pa.Buffer | bytes]) -> pa.BinaryArray:
    """Read the rows of several chunks that `serialize_rows` wrote, in the order of the chunks."""
    arrays = [pa.ipc.read_record_batch(chunk, _SCHEMA).column(0) for chunk in chunks if chunk]
    return pa.chunked_array(arrays, pa.binary()).combine_chunks()
