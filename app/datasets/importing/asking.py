"""The keyholder, asked for many people: where their rows are, and the tags of their values.

A cell is a `Row`'s: nothing, one value or several.
"""

from collections.abc import Iterable, Sequence

from app.crypto import messages
from app.crypto.expansion import expanded_rows
from app.datasets.importing.people import parted
from app.datasets.importing.plan import Plan
from app.datasets.importing.reading import BETWEEN_VALUES
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

    def subjects(self, whos: Iterable[str]) -> list[bytes]:
        """Say who people are, in their order."""
        return self._macs(messages.of_subjects(self._plan.incident), whos, messages.SUBJECT_BYTES)

    def places(self, kind: IdentifierKind, cells: Sequence[str]) -> dict[str, tuple[bytes, ...]]:
        """Find the places of the identifiers in each of the *cells*, as `expanded_rows` has them."""
        different = _different(cells)
        digests = map(self._plan.scheme.stretch, self._macs(messages.of_identifiers(kind), different))
        found = dict(zip(different, zip(expanded_rows(digests, self._plan.dataset), strict=True), strict=True))
        together = {cell: tuple([found[one][0] for one in parted(cell)]) for cell in _of_several(cells)}
        return {**found, **together, "": ()}

    def tags(self, kind: Kind, cells: Sequence[str], known: dict[str, bytes]) -> None:
        """Write the tags of the values in each of the *cells*, where they are not *known* yet, and make them so."""
        asked = [value for value in _different(cells) if value not in known]
        tags = self._macs(messages.of_values(kind), asked, messages.TAG_BYTES)
        known.update(zip(asked, encode_each(tags), strict=True))
        for cell in _of_several(cells):
            known[cell] = encode_tags(sorted([known[one][-messages.TAG_BYTES :] for one in parted(cell)]))
        known[""] = encode_tags(())

    def _macs(self, heading: bytes, texts: Iterable[str], first: int = messages.MAC_BYTES) -> list[bytes]:
        return self._keyholder.macs(heading, [*map(str.encode, texts)], on=self._on, first=first)


def _different(cells: Iterable[str]) -> dict[str, None]:
    different = dict.fromkeys(BETWEEN_VALUES.join(cells).split(BETWEEN_VALUES))
    different.pop("", None)
    return different


def _of_several(cells: Iterable[str]) -> list[str]:
    return [cell for cell in cells if BETWEEN_VALUES in cell]
