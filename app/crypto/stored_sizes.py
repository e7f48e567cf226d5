"""At which sizes the rows of a data set are stored, so that no size singles out a person."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Self

_FILLER_MARGIN = 6
"""Standard deviations of the number of fillers above the number that is needed."""


@dataclass(frozen=True, slots=True)
class StoredSizes:
    """The sizes at which the rows of a data set are stored, so that no size singles out a person."""

    by_class: Mapping[int, int]
    """For each size class in use."""
    largest: int
    filler_size: int = 0
    """Some rows of this size are stored at the largest instead, because that has too few rows of its own. 0 if it has enough."""
    filler_bound: bytes = b""
    """These are the rows whose locator is below this. Locators are uniform, and secret without the store key."""

    @classmethod
    def choose(cls, row_counts: Mapping[int, int], min_rows: int) -> Self:
        """Choose the sizes.

        Args:
            row_counts: number of rows of each size class in use.
            min_rows: a class with fewer rows is stored at the next larger size in use. The largest has none, and gets rows of the most common one.
        """
        by_class: dict[int, int] = {}
        counts: dict[int, int] = {}
        pending: list[int] = []
        rows = 0
        for size, count in sorted(row_counts.items()):
            pending.append(size)
            rows += count
            if rows >= min_rows:
                by_class |= dict.fromkeys(pending, size)
                counts[size] = rows
                pending, rows = [], 0
        largest = max(row_counts, default=0)
        by_class |= dict.fromkeys(pending, largest)
        if not pending or not counts:
            return cls(by_class, largest)
        filler_size = max(counts, key=lambda size: counts[size])
        missing = min_rows - rows + _FILLER_MARGIN * math.isqrt(min_rows)
        if counts[filler_size] < 2 * (missing + min_rows):  # all of them: some would leave too few
            return cls({size: largest if to == filler_size else to for size, to in by_class.items()}, largest)
        return cls(by_class, largest, filler_size, (missing * (1 << 64) // counts[filler_size]).to_bytes(8, "big"))

    def fillers(self, locators: Sequence[bytes], sizes: Sequence[int]) -> list[int]:
        """Return the indexes of the rows that are stored at the largest size instead of their own of *sizes*."""
        bound = self.filler_bound
        below = (index for index, locator in enumerate(locators) if locator < bound)
        return [index for index in below if sizes[index] == self.filler_size]
