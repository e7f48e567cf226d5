"""The keyholder, asked for many people: where their rows are, the tags of their values, and what else their records are made of.

A cell is a `CanonicalRow`'s: nothing, one value or several. A column of them in gives a column of answers.
"""

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto import mac_inputs
from app.crypto.key_derivation import LOCATOR_BYTES, DERIVED_KEYS_BYTES, derive_row_bytes
from app.crypto.row_sealing import MAX_RECORD_BYTES
from app.datasets.errors import ImportFailed
from app.datasets.files import RejectedRow
from app.datasets.importing.merge_people import split_values, sum_up
from app.datasets.importing.context import ImportContext
from app.datasets.importing.row_batch import BETWEEN_VALUES, CanonicalRow, to_rows
from app.datasets.importing.seal_result import Sealed
from app.datasets.importing.packed_rows import in_pieces
from app.datasets.record import CONFIDENCES, ROLES, encode_single_tags, encode_header, encode_hints, encode_items, encode_tags
from app.identifiers import IDENTIFIER_KINDS, VALUE_KINDS, IdentifierKind, ValueKind, mask
from app.keyholder import KeyholderClient

HINTS_KEPT = 3
"""Masked hints of one kind that a record keeps."""

IDENTIFIERS_AT_MOST = 1_000
"""Of one person: far more than anybody has. Each of their records names all the others."""


class Asked:
    """Answers on one connection: whoever gives them has shown which pepper it holds."""

    def __init__(self, keyholder: KeyholderClient, context: ImportContext) -> None:
        """Have the keyholder vouch for itself.

        Raises:
            KeyholderUnavailable: it does not answer.
        """
        self._keyholder = keyholder
        self._plan = context
        self._on = keyholder.connection_id()
        sentinel, mark = mac_inputs.sentinel_input(context.dataset), mac_inputs.kdf_params_input(context.scheme.salt)
        self.vouching = (keyholder.mac(sentinel, connection_id=self._on), keyholder.mac(mark, connection_id=self._on))

    def subjects(self, whos: pa.StringArray) -> pa.BinaryArray:
        """Say who people are."""
        return pc.binary_slice(self._macs(mac_inputs.subject_prefix(self._plan.incident), whos), 0, mac_inputs.SUBJECT_BYTES)

    def places(self, kind: IdentifierKind, cells: pa.StringArray) -> pa.BinaryArray:
        """Find the places of the identifiers in each cell, as `derive_row_bytes` has them, one behind the other."""
        values = pc.split_pattern(cells, BETWEEN_VALUES)
        each = values.flatten()
        coded = pc.if_else(pc.equal(each, ""), pa.scalar(None, pa.string()), each).dictionary_encode()
        macs = self._macs(mac_inputs.identifier_prefix(kind), coded.dictionary).to_pylist()
        found = derive_row_bytes(map(self._plan.scheme.stretch, macs), self._plan.dataset)
        places = pa.array(found, pa.binary()).take(coded.indices)
        return pc.coalesce(pc.binary_join(pa.ListArray.from_arrays(values.offsets, places), b""), b"")

    def tags(self, kind: ValueKind, cells: pa.StringArray, known: dict[str, bytes]) -> pa.BinaryArray:
        """Write the tags of the values in each cell. What is not *known* yet is asked for, and known from then on."""
        coded = cells.dictionary_encode()
        different = coded.dictionary.to_pylist()
        several = [cell for cell in different if BETWEEN_VALUES in cell]
        values = {*different, *(value for cell in several for value in split_values(cell))}
        asked = [*values.difference(known, several, ("",))]
        tags = pc.binary_slice(
            self._macs(mac_inputs.value_prefix(kind), pa.array(asked, pa.string())), 0, mac_inputs.TAG_BYTES
        )
        known.update(zip(asked, encode_single_tags(tags.to_pylist()), strict=True))
        for cell in several:
            known[cell] = encode_tags(sorted([known[one][-mac_inputs.TAG_BYTES :] for one in split_values(cell)]))
        known[""] = encode_tags(())
        return pa.array([*map(known.__getitem__, different)], pa.binary()).take(coded.indices)

    def _macs(self, heading: bytes, texts: pa.StringArray) -> pa.BinaryArray:
        answers = self._keyholder.mac_many(heading, texts.cast(pa.binary()).to_pylist(), connection_id=self._on)
        return in_pieces(answers, mac_inputs.MAC_BYTES)


def derive_people(
    people: pa.RecordBatch, context: ImportContext, keyholder: KeyholderClient, names: dict[str, bytes]
) -> tuple[Sealed, pa.RecordBatch]:
    """Ask the keyholder for all that the records of some people are made of, each one's rows united.

    Args:
        people: rows, each of another person; none, too.
        plan: of the import.
        keyholder: at its import door.
        names: the tags of those that it was asked for already, to which these people's are added: most names are many people's.

    Returns:
        What becomes of them, and the columns that `seal` takes.

    Raises:
        ImportFailed: one of them has no items and is not withdrawn: the read stage has let a row through that it must reject.
        KeyholderUnavailable: it does not answer.
    """
    done = Sealed()
    reachable = people.filter(pc.or_(pc.not_equal(people["email"], ""), pc.not_equal(people["phone"], "")))
    done.unreachable = people.num_rows - reachable.num_rows
    asked = Asked(keyholder, context)
    done.vouching = asked.vouching
    subjects = asked.subjects(reachable["person_ref"])
    commons = _commons(reachable, context, subjects, asked, names)
    owned = pc.binary_join_element_wise(*(asked.places(kind, reachable[kind]) for kind in IDENTIFIER_KINDS), b"")
    count = pc.divide(pc.binary_length(owned), DERIVED_KEYS_BYTES)
    length = pc.add(pc.binary_length(commons), pc.multiply(pc.subtract(count, 1), LOCATOR_BYTES))
    reasons = pc.case_when(
        pc.make_struct(pc.greater(count, IDENTIFIERS_AT_MOST), pc.greater(length, MAX_RECORD_BYTES)),
        f"one person has over {IDENTIFIERS_AT_MOST:,} identifiers",
        "one person has more values than a row holds",
    )
    fits, over = reasons.is_null(), reasons.is_valid()
    lines = zip(reachable["line"].filter(over).to_pylist(), reasons.filter(over).to_pylist(), strict=True)
    done.rejects = [RejectedRow(line, "account_ref", reason) for line, reason in lines]
    claims = reachable["claims"].filter(fits)
    done.people = len(claims)
    for claim in claims.value_counts().to_pylist():
        for seen in sum_up(claim["values"]).seen:
            done.tallies[seen] += claim["counts"]
    done.rows = pc.sum(count.filter(fits)).as_py() or 0
    columns = {"subject": subjects, "common": commons, "places": owned, "size": pc.multiply(length, count)}
    return done, pa.record_batch(columns).filter(fits)


def _commons(
    people: pa.RecordBatch, context: ImportContext, subjects: pa.BinaryArray, asked: Asked, names: dict[str, bytes]
) -> pa.BinaryArray:
    """Write what the records of each person have in common: all but the siblings."""
    coded = people["claims"].dictionary_encode()  # most people's claims are the same as others'
    different = [*map(sum_up, coded.dictionary.to_pylist())]
    if any(not claimed.items and CONFIDENCES[claimed.confidence] != "withdrawn" for claimed in different):
        raise ImportFailed("a person without items who is not withdrawn was about to be sealed; nothing was imported")
    heads = [
        encode_header(role, CONFIDENCES[claimed.confidence], has_hints=has_hints)
        for claimed in different
        for role in ROLES
        for has_hints in (False, True)
    ]
    items = [encode_items(claimed.items, [context.cohorts[cohort] for cohort in claimed.cohorts]) for claimed in different]
    shown = [encode_hints(hints_of(person)) for person in to_rows(people)] if context.hints else [b""] * people.num_rows
    hints = pa.array(shown, pa.binary())
    is_recipient = pc.invert(pc.ends_with(people["person_ref"], mac_inputs.REF_SEPARATOR))
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


def hints_of(person: CanonicalRow) -> dict[ValueKind, tuple[str, ...]]:
    """Mask what leaked of somebody's values, as its owner may be shown it."""
    exposed = sum_up(person.claims).items
    values = {kind: split_values(getattr(person, kind)) for kind in VALUE_KINDS}
    return {
        kind: tuple(sorted({mask(kind, text) for text in values[kind]})[:HINTS_KEPT])
        for kind in VALUE_KINDS
        if kind in exposed and values[kind]
    }
