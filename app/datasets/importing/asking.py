"""The keyholder, asked for many people: where their rows are, and the tags of their values.

A cell is a `Row`'s: nothing, one value or several.
"""

from collections.abc import Iterable, Sequence

from app.crypto import messages
from app.crypto.expansion import expanded_rows
from app.datasets.importing.people import parted
from app.datasets.importing.plan import Plan
from app.datasets.importing.rows import BETWEEN_VALUES
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
        different, several = _different(cells)
        digests = map(self._plan.scheme.stretch, self._macs(messages.of_identifiers(kind), different))
        found: dict[str, tuple[bytes, ...]] = {"": ()}
        found.update(zip(different, zip(expanded_rows(digests, self._plan.dataset), strict=True), strict=True))
        found.update([(cell, tuple([found[one][0] for one in parted(cell)])) for cell in several])
        return found

    def tags(self, kind: Kind, cells: Sequence[str], known: dict[str, bytes]) -> None:
        """Write the tags of the values in each of the *cells*, where they are not *known* yet, and make them so."""
        different, several = _different(cells)
        asked = [value for value in different if value not in known]
        tags = self._macs(messages.of_values(kind), asked, messages.TAG_BYTES)
        known.update(zip(asked, encode_each(tags), strict=True))
        for cell in several:
            known[cell] = encode_tags(sorted([known[one][-messages.TAG_BYTES :] for one in parted(cell)]))
        known[""] = encode_tags(())

    def _macs(self, heading: bytes, texts: Iterable[str], first: int = messages.MAC_BYTES) -> list[bytes]:
        return self._keyholder.macs(heading, [*map(str.encode, texts)], on=self._on, first=first)


def _different(cells: Iterable[str]) -> tuple[dict[str, None], list[str]]:
    """Give the values in *cells*, each once, and the cells that hold several."""
    values = dict.fromkeys(cells)
    values.pop("", None)
    several = [cell for cell in values if BETWEEN_VALUES in cell]
    for cell in several:
        del values[cell]
        values.update(dict.fromkeys(parted(cell)))
    return values, several
