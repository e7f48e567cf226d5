"""Planting of canaries after the read stage: the later stages treat them as people of the file.

Each canary copies the exposure details of a randomly chosen person of the file, has as many identifiers, names and addresses, and has rows of the
same size, so neither sizes nor counts give it away. Phone numbers that occur in the file, because people enter anything, are not used.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field

from app.crypto import mac_inputs
from app.crypto.key_derivation import LOCATOR_BYTES
from app.crypto.keys import ApplicationKey
from app.crypto.padding import RecordTooLong
from app.crypto.row_sealing import size_class_for_record
from app.datasets.errors import ImportFailed
from app.datasets.record import encode_hints, encode_items
from app.identifiers import calling_code
from app.importing.canary_identities import MAX_PER_KIND, CanaryIdentities
from app.importing.keyholder_batch import mask_hints
from app.importing.merge_people import merge_by_person, merge_rows, split_values, summarize
from app.importing.options import MAX_CANARIES, ImportOptions
from app.importing.row_batch import (
    CELL_SEPARATOR,
    VALUE_SEPARATOR,
    CanonicalRow,
    partition_by_person,
    serialize_batch,
    to_batch,
    to_rows,
)
from app.importing.seal_result import SealResult
from app.importing.spill import Spill

_MAX_TEMPLATE_TRIES = 30
"""People of the file that are tried as the template of one canary, until the sizes match."""


@dataclass(slots=True)
class PlantedCanaries:
    """The planted canaries. They are not part of any number of people that an operator sees."""

    identifiers: list[str] = field(default_factory=list, repr=False)
    count: int = 0
    phone_only: Counter[tuple[str, ...]] = field(default_factory=Counter)
    cohort_counts: Counter[tuple[str, int]] = field(default_factory=Counter)

    def subtract_from(self, result: SealResult) -> None:
        """Remove the canaries from the counts of all people."""
        result.people -= self.count
        result.phone_only -= self.phone_only
        result.cohort_counts.subtract(self.cohort_counts)
        result.cohort_counts = +result.cohort_counts


class CanaryPlanter:
    """Plants the canaries of one import.

    Args:
        application_key: the canaries' identities are derived from it.
        options: of the import.
        hints: whether records hold masked hints.

    Raises:
        ImportFailed: there are too many canaries, or their domain is not valid in an email address.
    """

    def __init__(self, application_key: ApplicationKey, options: ImportOptions, *, hints: bool) -> None:
        if not 0 <= options.canaries <= MAX_CANARIES:
            raise ImportFailed(f"canaries: must be from 0 to {MAX_CANARIES:,}")
        self._count = options.canaries
        self._identities = CanaryIdentities(application_key, options.incident, options.canary_domain)
        self._has_hints = hints

    def candidate_phones(self) -> frozenset[str]:
        """Return all phone numbers that may be planted. The read stage reports which of them the file contains."""
        return frozenset(phone for index in range(self._count) for phone in self._identities.phones(index))

    def plant(
        self, spill: Spill, block_count: int, partition_count: int, used_phones: AbstractSet[str]
    ) -> PlantedCanaries:
        """Write the canaries' rows as an additional block.

        Args:
            spill: of the read stage.
            block_count: number of blocks that the read stage wrote.
            partition_count: number of partitions in each block.
            used_phones: phone numbers that the file contains.
        """
        planted = PlantedCanaries()
        templates = _load_templates(spill, block_count, partition_count) if self._count else []
        planted_rows: list[CanonicalRow] = []
        for index in range(self._count if templates else 0):
            rows = next(self._candidates(index, templates, used_phones), None)
            if rows is None:
                continue
            canary = merge_rows(rows)
            planted_rows += rows
            planted.identifiers += [*split_values(canary.email), *split_values(canary.phone)]
            planted.count += 1
            if not canary.email:
                planted.phone_only[tuple(sorted({*map(calling_code, split_values(canary.phone))}))] += 1
            planted.cohort_counts.update(summarize(canary.details).cohort_item_masks)
        if planted.count:
            partitions = partition_by_person(to_batch(planted_rows), partition_count)
            spill.write(block_count, [*map(serialize_batch, partitions)])
        return planted

    def _candidates(
        self, index: int, templates: Sequence[CanonicalRow], used_phones: AbstractSet[str]
    ) -> Iterator[list[CanonicalRow]]:
        """Copy randomly chosen templates, and yield the copies of the same size class; hints may be shorter or longer."""
        for attempt in range(_MAX_TEMPLATE_TRIES):
            choice = self._identities.seeded_choice(index * _MAX_TEMPLATE_TRIES + attempt)
            template = templates[choice.integer_below(len(templates))]
            rows = self._copy(template, index, used_phones)
            if self._size_class(merge_rows(rows)) == self._size_class(template):
                yield rows

    def _copy(self, template: CanonicalRow, index: int, used_phones: AbstractSet[str]) -> list[CanonicalRow]:
        """Return the rows of a canary that copies a person of the file."""
        cells = (template.email, template.phone, template.name, template.address)
        email_count, phone_count, name_count, address_count = (len(split_values(cell)) for cell in cells)
        usable_phones = [phone for phone in self._identities.phones(index) if phone not in used_phones]
        phones = usable_phones[:phone_count][:MAX_PER_KIND]
        missing_phones = min(phone_count, MAX_PER_KIND) - len(phones)
        values = (
            self._identities.emails(index, min(email_count, MAX_PER_KIND) + missing_phones),
            phones,
            self._identities.names(index, name_count),
            self._identities.addresses(index, address_count),
        )
        is_recipient = not template.person_ref.endswith(mac_inputs.REF_SEPARATOR)
        person_ref = mac_inputs.person_ref(self._identities.account_ref(index), "r1" if is_recipient else "")
        email, phone, name, address = (VALUE_SEPARATOR.join(sorted({*several})) for several in values)
        first, *others = template.details.split(CELL_SEPARATOR)
        rest = [CanonicalRow(person_ref, 0, "", "", "", "", details) for details in others]
        return [CanonicalRow(person_ref, 0, email, phone, name, address, first), *rest]

    def _size_class(self, person: CanonicalRow) -> int:
        """Return the size class of the person's rows as the seal stage computes it, or 0 if it would reject the person."""
        summary = summarize(person.details)
        hints = mask_hints(person) if self._has_hints else {}
        length = sum(
            (
                1 + mac_inputs.SUBJECT_BYTES,
                len(encode_items(summary.item_counts, range(len(summary.cohorts)))),
                sum(1 + mac_inputs.TAG_BYTES * len(split_values(values)) for values in (person.name, person.address)),
                len(encode_hints(hints)) if hints else 0,
                LOCATOR_BYTES * (len(split_values(person.email)) + len(split_values(person.phone)) - 1),
            )
        )
        try:
            return size_class_for_record(length)
        except RecordTooLong:
            return 0


def _load_templates(spill: Spill, block_count: int, partition_count: int) -> list[CanonicalRow]:
    """Return the people with an identifier of the first partition that has any. A hash of the references assigns partitions."""
    for partition in range(partition_count):
        people, _ = merge_by_person(spill.read_all(block_count, partition))
        if reachable := sorted(person for person in to_rows(people) if person.email or person.phone):
            return reachable
    return []
