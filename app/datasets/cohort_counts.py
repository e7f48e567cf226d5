"""How many people of each cohort had which items: counted at the import, since nobody can count them in the sealed rows afterwards.

Kept sealed under the data set's store key: the names of cohorts are the file's, and whoever holds only the database need not read them.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.keys import StoreKey
from app.incidents import ITEM_KINDS

PEOPLE = "people"


@dataclass(frozen=True, slots=True)
class CountDiff:
    """One count, in one data set and in another."""

    cohort: str
    item: str
    """One of `ITEM_KINDS`, or `PEOPLE` for all of the cohort."""
    before: int
    after: int


def seal_cohort_counts(tallies: Mapping[tuple[str, int], int], key: StoreKey, dataset: UUID) -> bytes:
    """Seal the counts of people by cohort and by the mask of their items in it."""
    counts: dict[str, Counter[str]] = {}
    for (cohort, mask), people in tallies.items():
        own = counts.setdefault(cohort, Counter())
        own[PEOPLE] += people
        for bit, kind in enumerate(ITEM_KINDS):
            if mask >> bit & 1:
                own[kind] += people
    return encrypt_json(key.subkey("tallies"), counts, aad=dataset.bytes)


def open_cohort_counts(sealed: bytes, key: StoreKey, dataset: UUID) -> dict[str, dict[str, int]]:
    """Open the counts: for each cohort the people, and those of each item.

    Raises:
        DecryptionFailed: they are not this data set's.
    """
    counts: dict[str, dict[str, int]] = decrypt_json(key.subkey("tallies"), sealed, aad=dataset.bytes)
    return counts


def differences(before: Mapping[str, Mapping[str, int]], after: Mapping[str, Mapping[str, int]]) -> list[CountDiff]:
    """Lay two data sets' counts beside each other, by cohort and in the order of the items."""
    return [
        CountDiff(cohort, item, old.get(item, 0), new.get(item, 0))
        for cohort in sorted({*before, *after})
        for old, new in [(before.get(cohort, {}), after.get(cohort, {}))]
        for item in (PEOPLE, *ITEM_KINDS)
        if item in old or item in new
    ]
