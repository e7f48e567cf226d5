"""Stage two: people in, rows under their inner seal out.

The result of a person depends on nothing but that person, so neither order nor number of workers shows in it.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from operator import add
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto.key_derivation import LOCATOR_BYTES, DERIVED_KEYS_BYTES
from app.crypto.row_sealing import RowSealer, derive_row_tags
from app.datasets.importing.keyholder_batch import derive_people
from app.datasets.importing.merge_people import merge_by_person
from app.datasets.importing.context import ImportContext
from app.datasets.importing.seal_result import Sealed
from app.datasets.importing.spill import Spill
from app.datasets.importing.packed_rows import brought_together, in_pieces, ordered, pack
from app.datasets.shard_ranges import range_start
from app.keyholder import KeyholderClient

PEOPLE_AT_ONCE = 10_000
"""That the keyholder is asked about together: what is known of them meanwhile stays small."""

RECORD_BATCH_BYTES = 64 << 20
"""Bytes, sealed together."""

IMPORT_TIMEOUT = 30.0
"""Seconds for one batch at the import door."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """What sealing the partitions takes: the rows of stage one come in, sealed ones go out in as many buckets as there are partitions."""

    context: ImportContext
    import_socket: Path
    read: Spill
    blocks: int
    spill: Spill
    partitions: int


def seal_partition(sealing: Sealing, number: int) -> Sealed:
    """Seal the people of one partition and put them aside, in a file of its number; what became of them is its last chunk.

    Raises:
        ImportFailed: one person has too many rows.
        DependencyUnavailable: the keyholder, a key or the spill failed.
    """
    people = merge_by_person(sealing.read.read_all(sealing.blocks, number))
    sealer = sealing.context.create_sealer()
    done, parts = Sealed(), list[pa.BinaryArray]()
    names: dict[str, bytes] = {}
    with KeyholderClient(sealing.import_socket, timeout=IMPORT_TIMEOUT) as keyholder:
        for start in range(0, people.num_rows or 1, PEOPLE_AT_ONCE):  # nobody, too: it is seen which pepper answers
            some, known = derive_people(people.slice(start, PEOPLE_AT_ONCE), sealing.context, keyholder, names)
            done.add(some)
            parts.append(seal_people(known, sealer))
    stored = ordered(pa.concat_arrays(parts))
    firsts = (range_start(bucket, sealing.partitions) for bucket in range(sealing.partitions))
    bounds = [bisect_left(range(len(stored)), first, key=lambda at: stored[at].as_py()) for first in firsts]
    buckets = [pack(stored.slice(start, end - start)) for start, end in pairwise([*bounds, len(stored)])]
    sealing.spill.write(number, [*buckets, done.pack()])
    return done


def read_sealed(sealing: Sealing, number: int) -> Sealed:
    """Read what became of a partition that was sealed before.

    Raises:
        SpillDamaged: the file is not what was written.
    """
    return Sealed.unpack(sealing.spill.read(number, sealing.partitions))


def seal_people(people: pa.RecordBatch, sealer: RowSealer) -> pa.BinaryArray:
    """Write the records of people whom `ask` knows, and seal them; gives their rows as `brought_together` has them.

    One half of the people after the other, where all their records would fill the memory.
    """
    if not people.num_rows:
        return pa.array([], pa.binary())
    if people.num_rows > 1 and pc.sum(people["size"]).as_py() > RECORD_BATCH_BYTES:
        middle = people.num_rows // 2
        return pa.concat_arrays([seal_people(people[:middle], sealer), seal_people(people[middle:], sealer)])
    places, owners, siblings = _apart(people["places"])
    records = pc.binary_join_element_wise(people["common"].take(owners), siblings, b"").to_pylist()
    locators = pc.binary_slice(places, 0, LOCATOR_BYTES).to_pylist()
    inner = sealer.record_sealer.seal_many(places.to_pylist(), records)
    tags = derive_row_tags(people["subject"].take(owners).to_pylist(), locators)
    return brought_together(sealer.encrypt_locators(b"".join(locators)), [*map(add, tags, inner)])


def _apart(owned: pa.BinaryArray) -> tuple[pa.BinaryArray, pa.Int64Array, pa.BinaryArray]:
    """Take people's places apart; gives each place, the number of its owner, and the siblings: the locators of the owner's other places."""
    ends = pc.divide(pc.cumulative_sum(pc.binary_length(owned)), DERIVED_KEYS_BYTES)
    places = in_pieces(b"".join(owned.to_pylist()), DERIVED_KEYS_BYTES)
    owners = pc.list_parent_indices(
        pa.ListArray.from_arrays(pa.concat_arrays([pa.array([0], ends.type), ends]), places)
    )
    has_several = pc.greater(pc.binary_length(owned), DERIVED_KEYS_BYTES)
    theirs = chain.from_iterable(map(_siblings, owned.filter(has_several).to_pylist()))
    siblings = pc.replace_with_mask(
        pa.repeat(b"", len(places)), has_several.take(owners), pa.array(theirs, pa.binary())
    )
    return places, owners, siblings


def _siblings(places: bytes) -> Sequence[bytes]:
    """Give for each of one person's places the locators of the others, in order."""
    if len(places) == 2 * DERIVED_KEYS_BYTES:  # as most have
        return places[DERIVED_KEYS_BYTES : DERIVED_KEYS_BYTES + LOCATOR_BYTES], places[:LOCATOR_BYTES]
    locators = [places[at : at + LOCATOR_BYTES] for at in range(0, len(places), DERIVED_KEYS_BYTES)]
    ordered = sorted(locators)
    return [b"".join([other for other in ordered if other is not locator]) for locator in locators]
