"""Stage two: people in, rows under their inner seal out.

The result of a person depends on nothing but that person, so neither order nor number of workers shows in it.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, pairwise
from operator import add
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto import messages
from app.crypto.expansion import LOCATOR_BYTES, PLACE_BYTES
from app.crypto.seal import RECORD_AT_MOST, RowSealer, row_tags
from app.datasets.errors import OtherPepper
from app.datasets.files import Reject
from app.datasets.importing.asking import Asked
from app.datasets.importing.people import gather, parted, sum_up
from app.datasets.importing.plan import Plan
from app.datasets.importing.rows import Row, listed
from app.datasets.importing.spill import Spill
from app.datasets.importing.stored import brought_together, in_pieces, ordered, pack
from app.datasets.ranges import first_of
from app.datasets.record import (
    CONFIDENCES,
    ROLES,
    encode_head,
    encode_hints,
    encode_items,
)
from app.identifiers import IDENTIFIER_KINDS, VALUE_KINDS, Kind, mask
from app.keyholder import Keyholder

HINTS_KEPT = 3
"""Masked hints of one kind that a record keeps."""

PEOPLE_AT_ONCE = 10_000
"""That the keyholder is asked about together: what is known of them meanwhile stays small."""

IMPORT_TIMEOUT = 30.0
"""Seconds for one batch at the import door."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """What sealing the partitions takes: the rows of stage one come in, sealed ones go out in as many buckets as there are partitions."""

    plan: Plan
    door: Path
    read: Spill
    blocks: int
    spill: Spill
    partitions: int


@dataclass(slots=True)
class Sealed:
    """What became of a partition."""

    rows: int = 0
    people: int = 0
    unreachable: int = 0
    rejects: list[Reject] = field(default_factory=list)
    tallies: Counter[tuple[str, int]] = field(default_factory=Counter)
    """People of each cohort that have just these items in it, as a mask."""
    vouching: tuple[bytes, bytes] = field(default=(b"", b""), repr=False)
    """The keyholder's answers on the data set's sentinel and on the scheme, on the connection of all others: another pepper gives others."""

    def add(self, other: "Sealed") -> None:
        """Add up what became of another partition.

        Raises:
            OtherPepper: it was sealed under another.
        """
        if self.vouching not in ((b"", b""), other.vouching):
            raise OtherPepper("the keyholder came back with another pepper")
        self.rows += other.rows
        self.people += other.people
        self.unreachable += other.unreachable
        self.rejects += other.rejects
        self.tallies.update(other.tallies)
        self.vouching = other.vouching


def seal_partition(sealing: Sealing, number: int) -> Sealed:
    """Seal the people of one partition and put them aside, in a file of its number; what became of them is its last chunk.

    Raises:
        ImportFailed: one person has too many rows.
        Unavailable: the keyholder, a key or the spill failed.
    """
    people = gather(sealing.read.read_all(sealing.blocks, number))
    sealer = sealing.plan.sealer()
    done, parts = Sealed(), list[pa.BinaryArray]()
    names: dict[str, bytes] = {}
    with Keyholder(sealing.door, timeout=IMPORT_TIMEOUT) as keyholder:
        for start in range(0, people.num_rows or 1, PEOPLE_AT_ONCE):  # nobody, too: it is seen which pepper answers
            some, rows = seal(people.slice(start, PEOPLE_AT_ONCE), sealing.plan, sealer, keyholder, names)
            done.add(some)
            parts.append(rows)
    stored = ordered(pa.concat_arrays(parts))
    firsts = (first_of(bucket, sealing.partitions) for bucket in range(sealing.partitions))
    bounds = [bisect_left(range(len(stored)), first, key=lambda at: stored[at].as_py()) for first in firsts]
    buckets = [pack(stored.slice(start, end - start)) for start, end in pairwise([*bounds, len(stored)])]
    sealing.spill.write(number, [*buckets, _plain(done)])
    return done


def read_sealed(sealing: Sealing, number: int) -> Sealed:
    """Read what became of a partition that was sealed before.

    Raises:
        SpillDamaged: the file is not what was written.
    """
    rows, people, unreachable, rejects, tallies, vouching = sealing.spill.read(number, sealing.partitions)
    return Sealed(rows, people, unreachable, [Reject(*one) for one in rejects], Counter(tallies), vouching)


def seal(
    people: pa.RecordBatch, plan: Plan, sealer: RowSealer, keyholder: Keyholder, names: dict[str, bytes]
) -> tuple[Sealed, pa.BinaryArray]:
    """Seal some people, each one's rows united, asking the keyholder for all of them at once.

    Args:
        people: rows, each of another person; none, too.
        plan: of the import.
        sealer: of the plan.
        keyholder: at its import door.
        names: the tags of those that it was asked for already, to which these people's are added: most names are many people's.

    Returns:
        What became of them, and their rows as `brought_together` has them.

    Raises:
        KeyholderUnavailable: it does not answer.
    """
    done = Sealed()
    reachable = people.filter(pc.or_(pc.not_equal(people["email"], ""), pc.not_equal(people["phone"], "")))
    done.unreachable = people.num_rows - reachable.num_rows
    asked = Asked(keyholder, plan)
    done.vouching = asked.vouching
    subjects = asked.subjects(reachable["who"])
    commons = _commons(reachable, plan, subjects, asked, names)
    owned = pc.binary_join_element_wise(*(asked.places(kind, reachable[kind]) for kind in IDENTIFIER_KINDS), b"")
    lengths = pc.add(pc.binary_length(commons), _siblings_length(owned))
    fits = pc.less_equal(lengths, RECORD_AT_MOST)
    reason = "one person has more values or identifiers than a row holds"
    too_long = reachable["line"].filter(pc.invert(fits)).to_pylist()
    done.rejects = [Reject(line, "account_ref", reason) for line in too_long]
    claims, subjects, commons, owned = (each.filter(fits) for each in (reachable["claims"], subjects, commons, owned))
    done.people = len(claims)
    for claim in claims.value_counts().to_pylist():
        for seen in sum_up(claim["values"]).seen:
            done.tallies[seen] += claim["counts"]
    places, owners, siblings = _apart(owned)
    done.rows = len(places)
    if not done.rows:
        return done, pa.array([], pa.binary())
    records = pc.binary_join_element_wise(commons.take(owners), siblings, b"").to_pylist()
    locators = pc.binary_slice(places, 0, LOCATOR_BYTES).to_pylist()
    inner = sealer.records.seal_all(places.to_pylist(), records)
    tags = row_tags(subjects.take(owners).to_pylist(), locators)
    return done, brought_together(sealer.cloak(b"".join(locators)), [*map(add, tags, inner)])


def _commons(
    people: pa.RecordBatch, plan: Plan, subjects: pa.BinaryArray, asked: Asked, names: dict[str, bytes]
) -> pa.BinaryArray:
    """Write what the records of each person have in common: all but the siblings."""
    coded = people["claims"].dictionary_encode()  # most people's claims are the same as others'
    different = [*map(sum_up, coded.dictionary.to_pylist())]
    heads = [
        encode_head(role, CONFIDENCES[claimed.confidence], hinted=has_hints)
        for claimed in different
        for role in ROLES
        for has_hints in (False, True)
    ]
    items = [encode_items(claimed.items, [plan.cohorts[cohort] for cohort in claimed.cohorts]) for claimed in different]
    shown = [encode_hints(hints_of(person)) for person in listed(people)] if plan.hints else [b""] * people.num_rows
    hints = pa.array(shown, pa.binary())
    is_recipient = pc.invert(pc.ends_with(people["who"], messages.BETWEEN_REFERENCES))
    role, hinted = (flag.cast(pa.int32()) for flag in (is_recipient, pc.not_equal(hints, b"")))
    head = pc.add(pc.multiply(coded.indices, 4), pc.add(pc.multiply(role, 2), hinted))
    return pc.binary_join_element_wise(
        pa.array(heads, pa.binary()).take(head),
        subjects,
        pa.array(items, pa.binary()).take(coded.indices),
        asked.tags("name", people["name"], names),
        asked.tags("address", people["address"], {}),
        hints,
        b"",
    )


def _siblings_length(owned: pa.BinaryArray) -> pa.Int32Array:
    """Say how many bytes the siblings take in a record of somebody with these places."""
    return pc.multiply(pc.subtract(pc.divide(pc.binary_length(owned), PLACE_BYTES), 1), LOCATOR_BYTES)


def _apart(owned: pa.BinaryArray) -> tuple[pa.BinaryArray, pa.Int64Array, pa.BinaryArray]:
    """Take people's places apart; gives each place, the number of its owner, and the siblings: the locators of the owner's other places."""
    ends = pc.divide(pc.cumulative_sum(pc.binary_length(owned)), PLACE_BYTES)
    places = in_pieces(b"".join(owned.to_pylist()), PLACE_BYTES)
    owners = pc.list_parent_indices(
        pa.ListArray.from_arrays(pa.concat_arrays([pa.array([0], ends.type), ends]), places)
    )
    has_several = pc.greater(pc.binary_length(owned), PLACE_BYTES)
    theirs = chain.from_iterable(map(_siblings, owned.filter(has_several).to_pylist()))
    siblings = pc.replace_with_mask(
        pa.repeat(b"", len(places)), has_several.take(owners), pa.array(theirs, pa.binary())
    )
    return places, owners, siblings


def _siblings(places: bytes) -> Sequence[bytes]:
    """Give for each of one person's places the locators of the others, in order."""
    if len(places) == 2 * PLACE_BYTES:  # as most have
        return places[PLACE_BYTES : PLACE_BYTES + LOCATOR_BYTES], places[:LOCATOR_BYTES]
    locators = [places[at : at + LOCATOR_BYTES] for at in range(0, len(places), PLACE_BYTES)]
    ordered = sorted(locators)
    return [b"".join([other for other in ordered if other is not locator]) for locator in locators]


def hints_of(person: Row) -> dict[Kind, tuple[str, ...]]:
    """Mask what leaked of somebody's values, as its owner may be shown it."""
    exposed = sum_up(person.claims).items
    values = {kind: parted(getattr(person, kind)) for kind in VALUE_KINDS}
    return {
        kind: tuple(sorted({mask(kind, text) for text in values[kind]})[:HINTS_KEPT])
        for kind in VALUE_KINDS
        if kind in exposed and values[kind]
    }


def _plain(done: Sealed) -> tuple[Any, ...]:
    rejects = [(one.line, one.column, one.reason) for one in done.rejects]
    return done.rows, done.people, done.unreachable, rejects, dict(done.tallies), done.vouching
