"""Result of the seal stage."""

import marshal
from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from app.datasets.errors import PepperMismatch
from app.importing.occurrences import Occurrences
from app.source_files import RejectedRow

SEAL_RESULT_FORMAT = "seal result with merged people"
"""Names what `SealResult.to_bytes` writes, so that an import does not resume with results of another release."""


class KeyholderCheck(NamedTuple):
    """Two MACs that identify the keyholder's pepper: a keyholder with another pepper computes other values."""

    sentinel_mac: bytes = b""
    kdf_params_mac: bytes = b""


@dataclass(slots=True)
class SealResult:
    """Counts, rejects and keyholder check of one partition, or of several together."""

    rows: int = 0
    people: int = 0
    unreachable: int = 0
    phone_only: Counter[tuple[str, ...]] = field(default_factory=Counter)
    """Number of people without an email, by the calling codes of their phones."""
    rejects: list[RejectedRow] = field(default_factory=list)
    cohort_counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    """Number of people for each cohort and each set of items (as a bit mask) that they have in it."""
    merged_people: Occurrences = field(default_factory=Occurrences)
    """People whose rows contradict each other, by their first lines."""
    keyholder_check: KeyholderCheck = field(default=KeyholderCheck(), repr=False)
    """Computed on the same keyholder connection as all other MACs of the partition."""

    def add(self, other: "SealResult") -> None:
        """Add the result of another partition.

        Raises:
            PepperMismatch: the keyholder used another pepper for it.
        """
        if self.keyholder_check not in (KeyholderCheck(), other.keyholder_check):
            raise PepperMismatch("the keyholder's pepper changed during the import")
        self.rows += other.rows
        self.people += other.people
        self.unreachable += other.unreachable
        self.phone_only.update(other.phone_only)
        self.rejects += other.rejects
        self.cohort_counts.update(other.cohort_counts)
        self.merged_people += other.merged_people
        self.keyholder_check = other.keyholder_check

    def to_bytes(self) -> bytes:
        """Serialize the result with `marshal`. Store it only where nobody else can write: loading untrusted data is unsafe."""
        rejects = [(reject.line, reject.column, reject.reason) for reject in self.rejects]
        phone_only, cohort_counts, check = dict(self.phone_only), dict(self.cohort_counts), tuple(self.keyholder_check)
        counted = (self.rows, self.people, self.unreachable)
        merged_people = (self.merged_people.count, self.merged_people.first_lines)
        return marshal.dumps((counted, phone_only, rejects, cohort_counts, merged_people, check))

    @classmethod
    def from_bytes(cls, data: bytes) -> "SealResult":
        """Read what `to_bytes` wrote."""
        counted, phone_only, rejects, cohort_counts, merged_people, check = marshal.loads(data)  # noqa: S302  authenticated by AES-GCM
        rows, people, unreachable = counted
        return cls(
            rows,
            people,
            unreachable,
            Counter(phone_only),
            [RejectedRow(*reject) for reject in rejects],
            Counter(cohort_counts),
            Occurrences(*merged_people),
            KeyholderCheck(*check),
        )
