"""What became of people whose rows were sealed."""

import marshal
from collections import Counter
from dataclasses import dataclass, field

from app.datasets.errors import PepperMismatch
from app.datasets.files import RejectedRow


@dataclass(slots=True)
class Sealed:
    """What became of a partition."""

    rows: int = 0
    people: int = 0
    unreachable: int = 0
    rejects: list[RejectedRow] = field(default_factory=list)
    tallies: Counter[tuple[str, int]] = field(default_factory=Counter)
    """People of each cohort that have just these items in it, as a mask."""
    vouching: tuple[bytes, bytes] = field(default=(b"", b""), repr=False)
    """The keyholder's answers on the data set's sentinel and on the scheme, on the connection of all others: another pepper gives others."""

    def add(self, other: "Sealed") -> None:
        """Add up what became of another partition.

        Raises:
            PepperMismatch: it was sealed under another.
        """
        if self.vouching not in ((b"", b""), other.vouching):
            raise PepperMismatch("the keyholder came back with another pepper")
        self.rows += other.rows
        self.people += other.people
        self.unreachable += other.unreachable
        self.rejects += other.rejects
        self.tallies.update(other.tallies)
        self.vouching = other.vouching

    def pack(self) -> bytes:
        """Write it as bytes, which are to be kept where only this program writes."""
        rejects = [(one.line, one.column, one.reason) for one in self.rejects]
        return marshal.dumps((self.rows, self.people, self.unreachable, rejects, dict(self.tallies), self.vouching))

    @classmethod
    def unpack(cls, packed: bytes) -> "Sealed":
        """Read what `pack` wrote."""
        rows, people, unreachable, rejects, tallies, vouching = marshal.loads(packed)  # noqa: S302  a cipher has vouched for it
        return cls(rows, people, unreachable, [RejectedRow(*one) for one in rejects], Counter(tallies), vouching)
