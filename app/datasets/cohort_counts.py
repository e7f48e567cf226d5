"""Counts of people by cohort and item. The import makes them, because the sealed rows cannot be counted afterwards.

They are encrypted under the data set's store key: cohort names come from the file, and a holder of the database alone must not read them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.keys import StoreKey
from app.incidents.items import ITEM_KINDS

PEOPLE_KEY = "people"
"""Key of a cohort's total, beside the kinds of items."""


@dataclass(frozen=True, slots=True)
class CountDiff:
    """One count in two data sets."""

    cohort: str
    item: str
    """One of `ITEM_KINDS`, or `PEOPLE_KEY` for the cohort's total."""
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class PublishedCounts:
    """Counts of the data set that is published."""

    id: UUID
    people: int
    counts: Mapping[str, Mapping[str, int]]
    """As `tabulate_cohort_counts` returns them."""


def tabulate_cohort_counts(people_by_mask: Mapping[tuple[str, int], int]) -> dict[str, Counter[str]]:
    """Return for each cohort its total, and the people of each item, from the people by cohort and bit mask of their items."""
    counts: dict[str, Counter[str]] = {}
    for (cohort, mask), people in people_by_mask.items():
        cohort_counts = counts.setdefault(cohort, Counter())
        cohort_counts[PEOPLE_KEY] += people
        for bit, kind in enumerate(ITEM_KINDS):
            if mask >> bit & 1:
                cohort_counts[kind] += people
    return counts


def seal_cohort_counts(people_by_mask: Mapping[tuple[str, int], int], key: StoreKey, dataset: UUID) -> bytes:
    """Encrypt the counts that `tabulate_cohort_counts` makes of *people_by_mask*."""
    return encrypt_json(key.subkey("tallies"), tabulate_cohort_counts(people_by_mask), aad=dataset.bytes)


def open_cohort_counts(ciphertext: bytes, key: StoreKey, dataset: UUID) -> dict[str, dict[str, int]]:
    """Decrypt the counts: for each cohort its total, and the people of each item.

    Raises:
        DecryptionFailed: wrong key or wrong data set.
    """
    counts: dict[str, dict[str, int]] = decrypt_json(key.subkey("tallies"), ciphertext, aad=dataset.bytes)
    return counts


def diff_counts(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> list[CountDiff]:
    """Compare the counts of two data sets, sorted by cohort and then in the order of the items."""
    return [
        CountDiff(cohort, item, old.get(item, 0), new.get(item, 0))
        for cohort in sorted({*before, *after})
        for old, new in [(before.get(cohort, {}), after.get(cohort, {}))]
        for item in (PEOPLE_KEY, *ITEM_KINDS)
        if item in old or item in new
    ]
