"""Findings in canonical form, many of them in one Arrow batch: what the read stage puts aside and the seal stage takes up."""

from collections import Counter
from collections.abc import Iterable
from itertools import accumulate, pairwise
from typing import NamedTuple
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto import mac_inputs

BETWEEN_VALUES = "\n"
"""Between two values of a kind: no canonical form holds it."""

BETWEEN_CELLS = mac_inputs.REF_SEPARATOR
"""Between what stood in two cells, and between two claims: no cell holds it. A person's references are two cells."""


class Claim(NamedTuple):
    """What a row says beside values: few differ."""

    items: int
    """A bit for each of `ITEM_KINDS`."""
    views: int
    confidence: int
    """Its place in `CONFIDENCES`."""
    cohort: str

    def __str__(self) -> str:
        return f"{self.items} {self.views} {self.confidence} {self.cohort}"

    @classmethod
    def parse(cls, text: str) -> "Claim":
        """Read what `__str__` wrote."""
        items, views, confidence, cohort = text.split(" ", 3)
        return cls(int(items), int(views), int(confidence), cohort)


class CanonicalRow(NamedTuple):
    """A finding in canonical form. The rows of one person are united to one of the same shape.

    Several values of a kind stand in order, with `BETWEEN_VALUES` between them.
    """

    person_ref: str
    """account_ref and recipient_ref, joined by `mac_inputs.person_ref`."""
    line: int
    email: str
    phone: str
    name: str
    address: str
    claims: str
    """A `Claim`; several with `BETWEEN_CELLS` between them."""

    def __repr__(self) -> str:
        return f"Row(line={self.line})"


SCHEMA = pa.schema([(name, pa.int64() if name == "line" else pa.string()) for name in CanonicalRow._fields])
"""A batch of rows: a column for each field of `CanonicalRow`."""


def to_batch(rows: Iterable[CanonicalRow]) -> pa.RecordBatch:
    """Bring rows into one batch."""
    columns = [*zip(*rows, strict=True)] or [()] * len(SCHEMA)
    return pa.record_batch(
        [pa.array(column, field.type) for column, field in zip(columns, SCHEMA, strict=True)], SCHEMA
    )


def to_rows(rows: pa.RecordBatch) -> list[CanonicalRow]:
    """Take the rows out of a batch."""
    return [*map(CanonicalRow, *(column.to_pylist() for column in rows.columns))]


def pack(rows: pa.RecordBatch) -> pa.Buffer | bytes:
    """Write a batch as bytes; nothing stands for none."""
    return rows.serialize() if rows.num_rows else b""


def unpack(packed: bytes) -> pa.RecordBatch:
    """Read what `pack` wrote."""
    return pa.ipc.read_record_batch(packed, SCHEMA) if packed else to_batch(())


def person_hashes(rows: pa.RecordBatch) -> list[int]:
    """Give for each row a number that is the same for all rows of one person."""
    return [*map(crc32, rows["person_ref"].cast(pa.binary()).to_pylist())]


def parted_by_person(rows: pa.RecordBatch, partitions: int) -> list[pa.RecordBatch]:
    """Part rows so that all of one person come to lie in one of so many parts."""
    parts = [one % partitions for one in person_hashes(rows)]
    ordered = rows.take(pc.array_sort_indices(pa.array(parts, pa.int32())))
    counts = Counter(parts)
    bounds = accumulate((counts[part] for part in range(partitions)), initial=0)
    return [ordered.slice(start, end - start) for start, end in pairwise(bounds)]


def collect_cohorts(rows: pa.RecordBatch) -> set[str]:
    """Name the cohorts that *rows*, none united yet, speak of."""
    return {Claim.parse(claim).cohort for claim in rows["claims"].unique().to_pylist()} - {""}
