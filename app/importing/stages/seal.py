"""Stage two: derives the keys of each person's identifiers and encrypts their records with the inner seal.

The result for a person depends on that person only, so neither the order of the rows nor the number of workers can be seen in it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from operator import add
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto.key_derivation import DERIVED_KEYS_BYTES, LOCATOR_BYTES
from app.crypto.row_sealing import RowSealer, derive_row_tags
from app.datasets.shard_ranges import range_start
from app.importing.context import ImportContext
from app.importing.keyholder_batch import derive_people
from app.importing.merge_people import merge_by_person
from app.importing.packed_rows import build_rows, serialize_rows, sort_rows, split_fixed
from app.importing.seal_result import SealResult
from app.importing.spill import Spill
from app.keyholder import KeyholderClient

PEOPLE_BATCH_SIZE = 10_000
"""People for whom the keyholder is called together; limits the memory that is used in between."""

RECORD_BATCH_BYTES = 64 << 20
"""Bytes of records that are sealed together."""

IMPORT_TIMEOUT_SECONDS = 30.0
"""Timeout of one batch at the keyholder's import socket."""


@dataclass(frozen=True, slots=True)
class SealStage:
    """Input that all tasks of the seal stage share. The output has as many buckets as the input has partitions."""

    context: ImportContext
    import_socket: Path
    read_spill: Spill
    block_count: int
    sealed_spill: Spill
    partition_count: int


def seal_partition(stage: SealStage, partition: int) -> SealResult:
    """Seal the people of one partition and write their rows to the spill file of that index. Its last chunk is the result.

    Raises:
        ImportFailed: one person has too many rows.
        DependencyUnavailable: the keyholder, a key or the spill failed.
    """
    people, merged_people = merge_by_person(stage.read_spill.read_all(stage.block_count, partition))
    sealer = stage.context.create_sealer()
    result, batches = SealResult(merged_people=merged_people), list[pa.BinaryArray]()
    name_tags: dict[str, bytes] = {}
    with KeyholderClient(stage.import_socket, timeout=IMPORT_TIMEOUT_SECONDS) as keyholder:
        # An empty partition runs one empty batch, to get the keyholder check.
        for start in range(0, people.num_rows or 1, PEOPLE_BATCH_SIZE):
            people_batch = people.slice(start, PEOPLE_BATCH_SIZE)
            batch_result, derived = derive_people(people_batch, stage.context, keyholder, name_tags)
            result.add(batch_result)
            batches.append(seal_people(derived, sealer))
    rows = sort_rows(pa.concat_arrays(batches))
    bucket_starts = (range_start(bucket, stage.partition_count) for bucket in range(stage.partition_count))
    bounds = [bisect_left(range(len(rows)), start, key=lambda index: rows[index].as_py()) for start in bucket_starts]
    buckets = [serialize_rows(rows.slice(start, end - start)) for start, end in pairwise([*bounds, len(rows)])]
    stage.sealed_spill.write(partition, [*buckets, result.to_bytes()])
    return result


def load_seal_result(stage: SealStage, partition: int) -> SealResult:
    """Load the result of a partition that an earlier run sealed.

    Raises:
        SpillCorrupted: the file cannot be decrypted.
    """
    return SealResult.from_bytes(stage.sealed_spill.read(partition, stage.partition_count))


def seal_people(people: pa.RecordBatch, sealer: RowSealer) -> pa.BinaryArray:
    """Seal the records of people, and return their rows as `build_rows` does.

    Args:
        people: as `derive_people` returns them. They are sealed in two halves if their records exceed `RECORD_BATCH_BYTES`.
        sealer: of the data set.
    """
    if not people.num_rows:
        return pa.array([], pa.binary())
    if people.num_rows > 1 and pc.sum(people["size"]).as_py() > RECORD_BATCH_BYTES:
        middle = people.num_rows // 2
        return pa.concat_arrays([seal_people(people[:middle], sealer), seal_people(people[middle:], sealer)])
    keys, owners, siblings = _split_by_identifier(people["derived_keys"])
    records = pc.binary_join_element_wise(people["shared"].take(owners), siblings, b"").to_pylist()
    locators = pc.binary_slice(keys, 0, LOCATOR_BYTES).to_pylist()
    inner = sealer.record_sealer.seal_many(keys.to_pylist(), records)
    tags = derive_row_tags(people["subject"].take(owners).to_pylist(), locators)
    return build_rows(sealer.encrypt_locators(b"".join(locators)), [*map(add, tags, inner)])


def _split_by_identifier(keys_of_people: pa.BinaryArray) -> tuple[pa.BinaryArray, pa.Int64Array, pa.BinaryArray]:
    """Split each person's derived keys.

    Returns:
        For each identifier its derived keys, the index of its person, and its siblings: the locators of the person's other identifiers.
    """
    ends = pc.divide(pc.cumulative_sum(pc.binary_length(keys_of_people)), DERIVED_KEYS_BYTES)
    keys = split_fixed(b"".join(keys_of_people.to_pylist()), DERIVED_KEYS_BYTES)
    offsets = pa.concat_arrays([pa.array([0], ends.type), ends])
    owners = pc.list_parent_indices(pa.ListArray.from_arrays(offsets, keys))
    has_several = pc.greater(pc.binary_length(keys_of_people), DERIVED_KEYS_BYTES)
    sibling_locators = chain.from_iterable(map(_sibling_locators, keys_of_people.filter(has_several).to_pylist()))
    siblings = pc.replace_with_mask(
        pa.repeat(b"", len(keys)), has_several.take(owners), pa.array(sibling_locators, pa.binary())
    )
    return keys, owners, siblings


def _sibling_locators(keys: bytes) -> Sequence[bytes]:
    """Return for each identifier of one person the sorted locators of the others."""
    if len(keys) == 2 * DERIVED_KEYS_BYTES:  # most people with several identifiers have two
        return keys[DERIVED_KEYS_BYTES : DERIVED_KEYS_BYTES + LOCATOR_BYTES], keys[:LOCATOR_BYTES]
    locators = [keys[start : start + LOCATOR_BYTES] for start in range(0, len(keys), DERIVED_KEYS_BYTES)]
    sorted_locators = sorted(locators)
    return [b"".join([other for other in sorted_locators if other is not locator]) for locator in locators]
