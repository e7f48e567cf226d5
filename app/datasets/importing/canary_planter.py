"""Planting canaries among the people that were read: everything behind the read stage takes them for people of the file.

What is said of each is what the file says of somebody drawn by lot, with as many identifiers, names and addresses, and rows as large: neither sizes
nor counts stand out. Phones that the file has all the same, since people type anything, are left out.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from app.crypto import mac_inputs
from app.crypto.key_derivation import LOCATOR_BYTES
from app.crypto.padding import RecordTooLong
from app.crypto.row_sealing import size_class_for_record
from app.crypto.keys import ApplicationKey
from app.datasets.errors import ImportFailed
from app.datasets.importing.keyholder_batch import hints_of
from app.datasets.importing.canary_identities import EACH, Nobodies
from app.datasets.importing.merge_people import merge_by_person, split_values, sum_up, merge_rows
from app.datasets.importing.options import MAX_CANARIES, ImportOptions
from app.datasets.importing.row_batch import BETWEEN_CELLS, BETWEEN_VALUES, CanonicalRow, to_batch, to_rows, pack, parted_by_person
from app.datasets.importing.seal_result import Sealed
from app.datasets.importing.spill import Spill
from app.datasets.record import encode_hints, encode_items

_MODELS = 30
"""People of the file that are tried as a model of one, until one's size fits."""


@dataclass(slots=True)
class Planted:
    """What was planted, in no figure of people that an operator is told."""

    identifiers: list[str] = field(default_factory=list, repr=False)
    people: int = 0
    tallies: Counter[tuple[str, int]] = field(default_factory=Counter)

    def leave_out(self, total: Sealed) -> None:
        """Take them out of what became of all people."""
        total.people -= self.people
        total.tallies.subtract(self.tallies)
        total.tallies = +total.tallies


class CanaryPlanter:
    """The canaries that one import asks for."""

    def __init__(self, secret: ApplicationKey, request: ImportOptions, *, hints: bool) -> None:
        """Know who they are, and whether records have *hints*.

        Raises:
            ImportFailed: there are too many, or no email can stand at their domain.
        """
        if not 0 <= request.canaries <= MAX_CANARIES:
            raise ImportFailed(f"canaries: from 0 to {MAX_CANARIES:,}")
        self._count = request.canaries
        self._nobodies = Nobodies(secret, request.incident, request.canary_domain)
        self._hints = hints

    def candidate_phones(self) -> frozenset[str]:
        """All phones that may be planted, for the read stage to look out for."""
        return frozenset(phone for number in range(self._count) for phone in self._nobodies.phones(number))

    def plant(self, spill: Spill, blocks: int, partitions: int, taken: AbstractSet[str]) -> Planted:
        """Put them aside as one more block of rows, of the number *blocks*.

        Args:
            spill: of the read stage.
            blocks: that it wrote.
            partitions: in each.
            taken: phones that the file has.
        """
        planted = Planted()
        models = _models(spill, blocks, partitions) if self._count else []
        planted_rows: list[CanonicalRow] = []
        for number in range(self._count if models else 0):
            rows = next(self._fitting(number, models, taken), None)
            if rows is None:
                continue
            canary = merge_rows(rows)
            planted_rows += rows
            planted.identifiers += [*split_values(canary.email), *split_values(canary.phone)]
            planted.people += 1
            planted.tallies.update(sum_up(canary.claims).seen)
        if planted.people:
            spill.write(blocks, [*map(pack, parted_by_person(to_batch(planted_rows), partitions))])
        return planted

    def _fitting(self, number: int, models: Sequence[CanonicalRow], taken: AbstractSet[str]) -> Iterator[list[CanonicalRow]]:
        """Make one after each of some *models*; gives those whose rows are as large, though hints are shorter or longer."""
        for attempt in range(_MODELS):
            draw = self._nobodies.draw(number * _MODELS + attempt)
            model = models[draw.integer_below(len(models))]
            rows = self._after(model, number, taken)
            if self._size(merge_rows(rows)) == self._size(model):
                yield rows

    def _after(self, model: CanonicalRow, number: int, taken: AbstractSet[str]) -> list[CanonicalRow]:
        """Make one after a *model* of the file: rows of one person."""
        emails, asked, names, addresses = (len(split_values(cell)) for cell in model[2:6])
        phones = [phone for phone in self._nobodies.phones(number) if phone not in taken][:asked][:EACH]
        missing = min(asked, EACH) - len(phones)
        spelled = (
            self._nobodies.emails(number, min(emails, EACH) + missing),
            phones,
            self._nobodies.names(number, names),
            self._nobodies.addresses(number, addresses),
        )
        is_recipient = not model.person_ref.endswith(mac_inputs.REF_SEPARATOR)
        person_ref = mac_inputs.person_ref(self._nobodies.account(number), "r1" if is_recipient else "")
        email, phone, name, address = (BETWEEN_VALUES.join(sorted({*values})) for values in spelled)
        first, *others = model.claims.split(BETWEEN_CELLS)
        rest = [CanonicalRow(person_ref, 0, "", "", "", "", claim) for claim in others]
        return [CanonicalRow(person_ref, 0, email, phone, name, address, first), *rest]

    def _size(self, person: CanonicalRow) -> int:
        """Say the size class of somebody's rows, as the seal stage comes to it; zero where it rejects them."""
        claimed = sum_up(person.claims)
        hints = hints_of(person) if self._hints else {}
        length = sum(
            (
                1 + mac_inputs.SUBJECT_BYTES,
                len(encode_items(claimed.items, range(len(claimed.cohorts)))),
                sum(1 + mac_inputs.TAG_BYTES * len(split_values(values)) for values in (person.name, person.address)),
                len(encode_hints(hints)) if hints else 0,
                LOCATOR_BYTES * (len(split_values(person.email)) + len(split_values(person.phone)) - 1),
            )
        )
        try:
            return size_class_for_record(length)
        except RecordTooLong:
            return 0


def _models(spill: Spill, blocks: int, partitions: int) -> list[CanonicalRow]:
    """Give people whom something finds, of the first partition that has any: who is in it, a hash of the references decides."""
    for number in range(partitions):
        people = to_rows(merge_by_person(spill.read_all(blocks, number)))
        if found := sorted(person for person in people if person.email or person.phone):
            return found
    return []
