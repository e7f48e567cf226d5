"""Rows of a source file in canonical form, in Arrow batches: the output of the read stage and the input of the seal stage."""

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import NamedTuple
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto import mac_inputs

VALUE_SEPARATOR = "\n"
"""Separates several values of one kind. No canonical form contains it."""

CELL_SEPARATOR = mac_inputs.REF_SEPARATOR
"""Separates the contents of two cells (such as a person's two references), and several `ExposureDetails`. No cell contains it."""


class ExposureDetails(NamedTuple):
    """The part of a row that is neither a reference nor a value. Few rows differ in it."""

    item_mask: int
    """One bit for each of `ITEM_KINDS`."""
    view_count: int
    confidence_index: int
    """Index into `CONFIDENCES`."""
    cohort: str

    def __str__(self) -> str:
        return f"{self.item_mask} {self.view_count} {self.confidence_index} {self.cohort}"

    @classmethod
    def parse(cls, text: str) -> "ExposureDetails":
        """Read what `__str__` wrote."""
        item_mask, view_count, confidence_index, cohort = text.split(" ", 3)
        return cls(int(item_mask), int(view_count), int(confidence_index), cohort)


class CanonicalRow(NamedTuple):
    """A row in canonical form. Merging all rows of one person results in a row of the same type.

    Several values of one kind are sorted and joined by `VALUE_SEPARATOR`.
    """

    person_ref: str
    """account_ref and recipient_ref, joined by `mac_inputs.person_ref`."""
    line: int
    email: str
    phone: str
    name: str
    address: str
    details: str
    """`ExposureDetails` as text; several are joined by `CELL_SEPARATOR`."""

    def __repr__(self) -> str:
        return f"CanonicalRow(line={self.line})"


ROW_SCHEMA = pa.schema([(name, pa.int64() if name == "line" else pa.string()) for name in CanonicalRow._fields])
"""Schema of a batch: one column for each field of `CanonicalRow`."""


def to_batch(rows: Iterable[CanonicalRow]) -> pa.RecordBatch:
    """Convert rows to a batch."""
    columns = [*zip(*rows, strict=True)] or [()] * len(ROW_SCHEMA)
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, ROW_SCHEMA, strict=True)], ROW_SCHEMA
    )


def to_rows(rows: pa.RecordBatch) -> list[CanonicalRow]:
    """Convert a batch to rows."""
    return [*map(CanonicalRow, *(column.to_pylist() for column in rows.columns))]


def serialize_batch(rows: pa.RecordBatch) -> pa.Buffer | bytes:
    """Serialize a batch. The result is empty for an empty batch."""
    return rows.serialize() if rows.num_rows else b""


def deserialize_batch(data: bytes) -> pa.RecordBatch:
    """Read what `serialize_batch` wrote."""
    return pa.ipc.read_record_batch(data, ROW_SCHEMA) if data else to_batch(())


def person_hashes(rows: pa.RecordBatch) -> list[int]:
    """Return a hash for each row that is the same for all rows of one person."""
    return [*map(crc32, rows["person_ref"].cast(pa.binary()).to_pylist())]


def partition_by_person(rows: pa.RecordBatch, partition_count: int) -> list[pa.RecordBatch]:
    """Split rows into partitions, so that all rows of one person are in the same partition."""
    return partition_by_hash(rows, person_hashes(rows), partition_count)


def partition_by_hash(rows: pa.RecordBatch, hashes: Iterable[int], partition_count: int) -> list[pa.RecordBatch]:
    """Split rows into partitions by a hash of each row."""
    partitions = [number % partition_count for number in hashes]
    ordered = rows.take(pc.array_sort_indices(pa.array(partitions, pa.int32())))
    counts = Counter(partitions)
    bounds = accumulate((counts[index] for index in range(partition_count)), initial=0)
    return [ordered.slice(start, end - start) for start, end in pairwise(bounds)]


def collect_cohorts(rows: pa.RecordBatch) -> set[str]:
    """Return the names of all cohorts in *rows*, which must not be merged yet."""
    return {ExposureDetails.parse(details).cohort for details in rows["details"].unique().to_pylist()} - {""}
