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
from app.datasets.importing.asking import hints_of
from app.datasets.importing.nobodies import EACH, Nobodies
from app.datasets.importing.people import gather, parted, sum_up, unite
from app.datasets.importing.request import CANARIES_AT_MOST, Request
from app.datasets.importing.rows import BETWEEN_CELLS, BETWEEN_VALUES, Row, as_batch, listed, pack, parted_by_person
from app.datasets.importing.sealed import Sealed
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


class Planting:
    """The canaries that one import asks for."""

    def __init__(self, secret: ApplicationKey, request: Request, *, hints: bool) -> None:
        """Know who they are, and whether records have *hints*.

        Raises:
            ImportFailed: there are too many, or no email can stand at their domain.
        """
        if not 0 <= request.canaries <= CANARIES_AT_MOST:
            raise ImportFailed(f"canaries: from 0 to {CANARIES_AT_MOST:,}")
        self._count = request.canaries
        self._nobodies = Nobodies(secret, request.incident, request.canary_domain)
        self._hints = hints

    def phones(self) -> frozenset[str]:
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
        planted_rows: list[Row] = []
        for number in range(self._count if models else 0):
            rows = next(self._fitting(number, models, taken), None)
            if rows is None:
                continue
            canary = unite(rows)
            planted_rows += rows
            planted.identifiers += [*parted(canary.email), *parted(canary.phone)]
            planted.people += 1
            planted.tallies.update(sum_up(canary.claims).seen)
        if planted.people:
            spill.write(blocks, [*map(pack, parted_by_person(as_batch(planted_rows), partitions))])
        return planted

    def _fitting(self, number: int, models: Sequence[Row], taken: AbstractSet[str]) -> Iterator[list[Row]]:
        """Make one after each of some *models*; gives those whose rows are as large, though hints are shorter or longer."""
        for attempt in range(_MODELS):
            draw = self._nobodies.draw(number * _MODELS + attempt)
            model = models[draw.below(len(models))]
            rows = self._after(model, number, taken)
            if self._size(unite(rows)) == self._size(model):
                yield rows

    def _after(self, model: Row, number: int, taken: AbstractSet[str]) -> list[Row]:
        """Make one after a *model* of the file: rows of one person."""
        emails, asked, names, addresses = (len(parted(cell)) for cell in model[2:6])
        phones = [phone for phone in self._nobodies.phones(number) if phone not in taken][:asked][:EACH]
        missing = min(asked, EACH) - len(phones)
        spelled = (
            self._nobodies.emails(number, min(emails, EACH) + missing),
            phones,
            self._nobodies.names(number, names),
            self._nobodies.addresses(number, addresses),
        )
        is_recipient = not model.who.endswith(mac_inputs.REF_SEPARATOR)
        who = mac_inputs.person_ref(self._nobodies.account(number), "r1" if is_recipient else "")
        email, phone, name, address = (BETWEEN_VALUES.join(sorted({*values})) for values in spelled)
        first, *others = model.claims.split(BETWEEN_CELLS)
        rest = [Row(who, 0, "", "", "", "", claim) for claim in others]
        return [Row(who, 0, email, phone, name, address, first), *rest]

    def _size(self, person: Row) -> int:
        """Say the size class of somebody's rows, as the seal stage comes to it; zero where it rejects them."""
        claimed = sum_up(person.claims)
        hints = hints_of(person) if self._hints else {}
        length = sum(
            (
                1 + mac_inputs.SUBJECT_BYTES,
                len(encode_items(claimed.items, range(len(claimed.cohorts)))),
                sum(1 + mac_inputs.TAG_BYTES * len(parted(values)) for values in (person.name, person.address)),
                len(encode_hints(hints)) if hints else 0,
                LOCATOR_BYTES * (len(parted(person.email)) + len(parted(person.phone)) - 1),
            )
        )
        try:
            return size_class_for_record(length)
        except RecordTooLong:
            return 0


def _models(spill: Spill, blocks: int, partitions: int) -> list[Row]:
    """Give people whom something finds, of the first partition that has any: who is in it, a hash of the references decides."""
    for number in range(partitions):
        people = listed(gather(spill.read_all(blocks, number)))
        if found := sorted(person for person in people if person.email or person.phone):
            return found
    return []
