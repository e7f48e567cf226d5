"""Stage three: the rows of all people, brought together by locator, where people who share an identifier meet.

Entries are numbered in the order of their sealed bytes, so that neither the file's order nor the workers' shows.
"""

from collections import Counter
from collections.abc import Iterable
from itertools import groupby
from operator import attrgetter

from app.crypto.expansion import Place
from app.crypto.messages import TAG_BYTES
from app.crypto.seal import NOBODYS, RowSealer, rounded_sizes, seal_record, sealed_size
from app.datasets.importing.sealing import SealedRow
from app.datasets.manifest import Row
from app.datasets.record import Sentinel, encode

SHARED_BY_AT_MOST = 20
"""People who share an identifier and are still told apart; beyond it stands one marker, `NOBODYS`."""

LEAST_OF_A_SIZE = 1_000
"""Rows that must have a size, or they take the next larger one."""


def sort(
    rows: Iterable[SealedRow], sentinel: Place, cohorts: Iterable[str], sealer: RowSealer
) -> tuple[list[Row], int]:
    """Number the entries, lay the outer seal, cloak the places, and sort by what is stored.

    Args:
        rows: of all people.
        sentinel: where the partition's sentinel goes.
        cohorts: the names that the records' indexes refer to; they stand in the sentinel.
        sealer: cloak and outer seal of the data set.

    Returns:
        The rows as they are stored, and how many identifiers too many people share.
    """
    vouching = seal_record(sentinel, sealer.dataset, encode(Sentinel(tuple(cohorts))))
    numbered = [(0, SealedRow(sentinel.locator, bytes(TAG_BYTES), vouching))]
    markers = 0
    for locator, shared in groupby(sorted(rows), attrgetter("locator")):
        entries = list(shared)
        if len(entries) > SHARED_BY_AT_MOST:
            entries = [SealedRow(locator, bytes(TAG_BYTES), NOBODYS)]
            markers += 1
        numbered += enumerate(entries)
    stored_at = rounded_sizes(Counter(sealed_size(row.inner) for _, row in numbered), LEAST_OF_A_SIZE)
    stored = [
        (sealer.cloak(locator), entry, sealer.seal(locator, entry, tag, inner, stored_at[sealed_size(inner)]))
        for entry, (locator, tag, inner) in numbered
    ]
    return sorted(stored), markers
