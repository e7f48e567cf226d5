"""The keyholder, asked for many people: where their rows are, and the tags of their values.

A cell is a `Row`'s: nothing, one value or several. A column of them in gives a column of answers.
"""

import pyarrow as pa
import pyarrow.compute as pc

from app.crypto import messages
from app.crypto.expansion import expanded_rows
from app.datasets.importing.people import parted
from app.datasets.importing.plan import Plan
from app.datasets.importing.rows import BETWEEN_VALUES
from app.datasets.importing.stored import in_pieces
from app.datasets.record import encode_each, encode_tags
from app.identifiers import IdentifierKind, Kind
from app.keyholder import Keyholder


class Asked:
    """Answers on one connection: whoever gives them has shown which pepper it holds."""

    def __init__(self, keyholder: Keyholder, plan: Plan) -> None:
        """Have the keyholder vouch for itself.

        Raises:
            KeyholderUnavailable: it does not answer.
        """
        self._keyholder = keyholder
        self._plan = plan
        self._on = keyholder.connection()
        sentinel, mark = messages.sentinel(plan.dataset), messages.scheme(plan.scheme.salt)
        self.vouching = (keyholder.mac(sentinel, on=self._on), keyholder.mac(mark, on=self._on))

    def subjects(self, whos: pa.StringArray) -> pa.BinaryArray:
        """Say who people are."""
        return pc.binary_slice(self._macs(messages.of_subjects(self._plan.incident), whos), 0, messages.SUBJECT_BYTES)

    def places(self, kind: IdentifierKind, cells: pa.StringArray) -> pa.BinaryArray:
        """Find the places of the identifiers in each cell, as `expanded_rows` has them, one behind the other."""
        values = pc.split_pattern(cells, BETWEEN_VALUES)
        each = values.flatten()
        coded = pc.if_else(pc.equal(each, ""), pa.scalar(None, pa.string()), each).dictionary_encode()
        macs = self._macs(messages.of_identifiers(kind), coded.dictionary).to_pylist()
        found = expanded_rows(map(self._plan.scheme.stretch, macs), self._plan.dataset)
        places = pa.array(found, pa.binary()).take(coded.indices)
        return pc.coalesce(pc.binary_join(pa.ListArray.from_arrays(values.offsets, places), b""), b"")

    def tags(self, kind: Kind, cells: pa.StringArray, known: dict[str, bytes]) -> pa.BinaryArray:
        """Write the tags of the values in each cell. What is not *known* yet is asked for, and known from then on."""
        coded = cells.dictionary_encode()
        different = coded.dictionary.to_pylist()
        several = [cell for cell in different if BETWEEN_VALUES in cell]
        values = {*different, *(value for cell in several for value in parted(cell))}
        asked = [*values.difference(known, several, ("",))]
        tags = pc.binary_slice(
            self._macs(messages.of_values(kind), pa.array(asked, pa.string())), 0, messages.TAG_BYTES
        )
        known.update(zip(asked, encode_each(tags.to_pylist()), strict=True))
        for cell in several:
            known[cell] = encode_tags(sorted([known[one][-messages.TAG_BYTES :] for one in parted(cell)]))
        known[""] = encode_tags(())
        return pa.array([*map(known.__getitem__, different)], pa.binary()).take(coded.indices)

    def _macs(self, heading: bytes, texts: pa.StringArray) -> pa.BinaryArray:
        answers = self._keyholder.macs(heading, texts.cast(pa.binary()).to_pylist(), on=self._on)
        return in_pieces(answers, messages.MAC_BYTES)
