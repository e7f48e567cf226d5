"""The first part of stage four: numbers the entries and applies the outer seal, in worker processes.

The entries of a locator are numbered in the order of their sealed bytes, so the numbers reveal neither the file's order nor the workers'.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import compress, count, islice
from operator import eq
from typing import Any

from app.crypto.key_derivation import LOCATOR_BYTES
from app.crypto.mac_inputs import TAG_BYTES
from app.crypto.row_sealing import size_class_for_inner
from app.crypto.stored_sizes import StoredSizes
from app.datasets.copy_format import encode_copy_rows
from app.datasets.manifest import RowMultisetHash
from app.importing.context import ImportContext
from app.importing.packed_rows import contents_of, deserialize_rows, locators_of, split_fixed
from app.importing.spill import Spill

MIN_ROWS_PER_SIZE = 1_000
"""A size class with fewer rows is stored at the next larger size."""

ROW_BATCH_SIZE = 20_000
"""Rows that are sealed together; limits the memory that is used in between."""


@dataclass(frozen=True, slots=True)
class OuterSealStage:
    """Input that all tasks share."""

    context: ImportContext
    sorted_spill: Spill
    partition_count: int
    stored_sizes: StoredSizes
    is_sqlite: bool


@dataclass(slots=True)
class SealedBucket:
    """The rows of one bucket, ready for the database, and their part of the manifest's digest."""

    row_count: int
    hash_total: int
    content: list[Any] = field(repr=False)
    """On SQLite rows, on PostgreSQL batches of rows encoded by `encode_copy_rows`."""


def seal_bucket(stage: OuterSealStage, bucket: int) -> SealedBucket:
    """Number the entries of one bucket and apply the outer seal.

    Raises:
        DependencyUnavailable: a key or the spill failed.
    """
    rows = deserialize_rows([stage.sorted_spill.read(bucket, 0)])
    sealer = stage.context.create_sealer()
    stored_locators = locators_of(rows).to_pylist()
    entries = _number_entries(stored_locators)
    account = RowMultisetHash(stage.context.keys.load_store_key(stage.context.key_id))
    content: list[Any] = []
    for start in range(0, len(rows), ROW_BATCH_SIZE):
        batch = slice(start, start + ROW_BATCH_SIZE)
        locators = split_fixed(sealer.decrypt_locators(b"".join(stored_locators[batch])), LOCATOR_BYTES).to_pylist()
        contents = contents_of(rows[batch]).to_pylist()
        lengths = {*map(len, contents)}
        sizes = {length: stage.stored_sizes.by_class[size_class_for_inner(length - TAG_BYTES)] for length in lengths}
        sealed = sealer.seal_many(locators, entries[batch], contents, sizes)
        for index in stage.stored_sizes.fillers(locators, [*map(len, sealed)]):
            row = [locators[index]], [entries[start + index]], [contents[index]]
            (sealed[index],) = sealer.seal_many(*row, {len(contents[index]): stage.stored_sizes.largest})
        account.add(sealed)
        columns = stored_locators[batch], entries[batch], sealed
        content += zip(*columns, strict=True) if stage.is_sqlite else [encode_copy_rows(*columns)]
    return SealedBucket(account.count, account.total, content)


def _number_entries(stored_locators: Sequence[bytes]) -> list[int]:
    """Number the rows of each locator from 0. Rows of the same locator are adjacent."""
    entries = [0] * len(stored_locators)
    # the indexes of rows with the same locator as the row before; there are few of them
    repeated = compress(count(1), map(eq, stored_locators, islice(stored_locators, 1, None)))
    for index in repeated:
        entries[index] = entries[index - 1] + 1
    return entries
