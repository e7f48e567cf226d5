"""Settings and keys that all tasks of one import share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from app.crypto.key_files import KeyRing
from app.crypto.row_sealing import RowSealer
from app.crypto.stretching import KdfParams


@dataclass(frozen=True, slots=True)
class ImportContext:
    """Settings and keys that all tasks of one import share."""

    dataset: UUID
    incident: str
    kdf_params: KdfParams = field(repr=False)
    has_hints: bool
    """Whether records hold masked hints."""
    cohort_indexes: Mapping[str, int]
    keys: KeyRing
    key_id: str

    @staticmethod
    def index_cohorts(cohorts: set[str]) -> dict[str, int]:
        """Assign each cohort the number by which records refer to it. Cohorts are sorted, so a file always gets the same numbers."""
        return {name: index for index, name in enumerate(sorted(cohorts))}

    def create_sealer(self) -> RowSealer:
        """Load the store key, and return a sealer that uses it.

        Raises:
            StoreKeyMissing: the store key does not exist.
        """
        return RowSealer(self.keys.load_store_key(self.key_id), self.dataset)
