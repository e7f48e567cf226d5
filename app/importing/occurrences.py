"""How often something occurs in a file, and where first: what an operator needs to find it."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self, TypeVar

MAX_FIRST_LINES = 10

K = TypeVar("K")


@dataclass(frozen=True, slots=True)
class Occurrences:
    """How often something occurs in a file, and the first lines where it does: at most `MAX_FIRST_LINES`, ascending."""

    count: int = 0
    first_lines: tuple[int, ...] = ()

    @classmethod
    def at(cls, lines: Collection[int]) -> Self:
        """Create the occurrences at *lines*. A line counts as often as it is given."""
        return cls(len(lines), tuple(sorted({*lines})[:MAX_FIRST_LINES]))

    def __add__(self, other: "Occurrences") -> "Occurrences":
        first_lines = sorted({*self.first_lines, *other.first_lines})[:MAX_FIRST_LINES]
        return Occurrences(self.count + other.count, tuple(first_lines))

    @property
    def place(self) -> str:
        """Where they are, for a message: ``line 3``, or ``lines 3, 9, …`` if there are more."""
        lines = ", ".join(map(str, self.first_lines))
        return f"line{'s' if len(self.first_lines) > 1 else ''} {lines}" + (
            ", …" if self.count > len(self.first_lines) else ""
        )


def add_by_key(total: dict[K, Occurrences], other: Mapping[K, Occurrences]) -> None:
    """Add the occurrences of another part of the file to *total*, key by key."""
    for key, occurrences in other.items():
        total[key] = total.get(key, Occurrences()) + occurrences
