"""Rows on their way from the seal stage to the load stage: for each where it is stored, its row tag and its inner seal, in one Arrow value."""

from collections.abc import Iterable, Sequence

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto.key_derivation import LOCATOR_BYTES
from app.crypto.mac_inputs import TAG_BYTES
from app.crypto.row_sealing import SIZE_CLASSES

BEFORE_INNER = LOCATOR_BYTES + TAG_BYTES
"""Bytes of a row before its inner seal."""

_SCHEMA = pa.schema([("row", pa.binary())])


def in_pieces(data: bytes, size: int) -> pa.BinaryArray:
    """Cut bytes into values of so many each."""
    return pa.Array.from_buffers(pa.binary(size), len(data) // size, [None, pa.py_buffer(data)]).cast(pa.binary())


def brought_together(places: bytes, contents: Sequence[bytes]) -> pa.BinaryArray:
    """Put each row's content, its tag and inner seal, behind where it is stored."""
    return pc.binary_join_element_wise(in_pieces(places, LOCATOR_BYTES), pa.array(contents, pa.binary()), b"")


def ordered(rows: pa.BinaryArray) -> pa.BinaryArray:
    """Sort rows."""
    return rows.take(pc.array_sort_indices(rows))


def places_of(rows: pa.BinaryArray) -> pa.BinaryArray:
    """Say where each row is stored."""
    return pc.binary_slice(rows, 0, LOCATOR_BYTES)


def contents_of(rows: pa.BinaryArray) -> pa.BinaryArray:
    """Give each row's tag and inner seal."""
    return pc.binary_slice(rows, LOCATOR_BYTES, LOCATOR_BYTES + SIZE_CLASSES[-1])


def pack(rows: pa.BinaryArray) -> pa.Buffer | bytes:
    """Write rows as bytes; nothing stands for none."""
    return pa.record_batch([rows], _SCHEMA).serialize() if len(rows) else b""


def unpack(parts: Iterable[pa.Buffer | bytes]) -> pa.BinaryArray:
    """Read all rows that `pack` wrote, one part behind the other."""
    read = [pa.ipc.read_record_batch(part, _SCHEMA).column(0) for part in parts if part]
    return pa.chunked_array(read, pa.binary()).combine_chunks()
