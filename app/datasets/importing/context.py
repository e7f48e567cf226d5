"""What all people of one import have in common."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.crypto.key_files import KeyRing
from app.crypto.stretching import KdfParams
from app.crypto.row_sealing import RowSealer


@dataclass(frozen=True, slots=True)
class ImportContext:
    """What all people of one import have in common."""

    dataset: UUID
    incident: str
    scheme: KdfParams = field(repr=False)
    hints: bool
    cohorts: Mapping[str, int]
    keys: KeyRing
    key_id: str

    @staticmethod
    def index_cohorts(cohorts: set[str]) -> dict[str, int]:
        """Number the cohorts of a file, as the records refer to them: by name, so that the same file gives the same numbers."""
        return {name: number for number, name in enumerate(sorted(cohorts))}

    def create_sealer(self) -> RowSealer:
        """Load the store key, and give what cloaks and seals under it.

        Raises:
            StoreKeyMissing: it is not there.
        """
        return RowSealer(self.keys.load_store_key(self.key_id), self.dataset)
