"""What all people of one import have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.crypto.keyfiles import KeyRing
from app.crypto.scheme import Scheme
from app.crypto.seal import RowSealer


@dataclass(frozen=True, slots=True)
class Plan:
    """What all people of one import have in common."""

    dataset: UUID
    incident: str
    scheme: Scheme = field(repr=False)
    hints: bool
    cohorts: Mapping[str, int]
    keys: KeyRing
    key_id: str

    @staticmethod
    def numbers(cohorts: set[str]) -> dict[str, int]:
        """Number the cohorts of a file, as the records refer to them: by name, so that the same file gives the same numbers."""
        return {name: number for number, name in enumerate(sorted(cohorts))}

    def sealer(self) -> RowSealer:
        """Load the store key, and give what cloaks and seals under it.

        Raises:
            MissingKey: it is not there.
        """
        return RowSealer(self.keys.store(self.key_id), self.dataset)
