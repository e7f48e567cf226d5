"""The work folder of an import, and the journal from which the same command resumes an interrupted import.

WORK_DIR/exposure-import-<hash of the import>/lock          locked while the import runs
                                              journal.json  the data set to be created, and from which file
                                              <data set>/   sealed rows, under the data set's own store key: usable by the next run
                                              read/ sorted/ rows under a key that is only in memory: not usable by the next run
"""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from uuid import UUID

from app.crypto.stretching import Argon2Cost, KdfParams
from app.errors import InvalidInput, OperationRefused


@dataclass(frozen=True, slots=True)
class Journal:
    """State of an import that is saved on disk."""

    dataset: str
    key_id: str
    source_mac: str
    """Keyed digest of the file and of all settings that affect what is sealed."""
    salt: str
    time_cost: int
    memory_kib: int
    partition_count: int
    marker_count: int = 0
    """Number of overflow markers. Known after the sort stage."""

    @classmethod
    def create(
        cls, dataset: UUID, key_id: str, source_mac: str, kdf_params: KdfParams, partition_count: int
    ) -> "Journal":
        """Create the journal of a new import."""
        return cls(
            dataset=str(dataset),
            key_id=key_id,
            source_mac=source_mac,
            salt=kdf_params.salt.hex(),
            time_cost=kdf_params.cost.passes,
            memory_kib=kdf_params.cost.memory_kib,
            partition_count=partition_count,
        )

    def matches(self, source_mac: str, kdf_params: KdfParams, partition_count: int) -> bool:
        """Return whether the import of this source can resume the import of this journal."""
        saved = (self.source_mac, self.kdf_params, self.partition_count)
        return saved == (source_mac, kdf_params, partition_count)

    def with_marker_count(self, marker_count: int) -> "Journal":
        """Return a copy with the number of overflow markers."""
        return replace(self, marker_count=marker_count)

    @property
    def kdf_params(self) -> KdfParams:
        """The KDF parameters of the import."""
        return KdfParams(bytes.fromhex(self.salt), Argon2Cost(passes=self.time_cost, memory_kib=self.memory_kib))


class Workspace:
    """The work folder of one import."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journal_path = folder / "journal.json"

    @classmethod
    @contextmanager
    def open(cls, work_dir: Path, import_key: str) -> Iterator["Workspace"]:
        """Lock and open the folder of an import for the duration of the block.

        Args:
            work_dir: parent of the folder.
            import_key: identifies the import; the same for each run that may resume it.

        Raises:
            InvalidInput: the folder cannot be created.
            OperationRefused: the same import is already running.
        """
        name = blake2b(import_key.encode(), digest_size=8).hexdigest()
        folder = work_dir / f"exposure-import-{name}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise InvalidInput(f"EXPOSURE_WORK_DIR: {folder} cannot be created ({error.strerror})") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise OperationRefused("this import is already running") from None
        workspace = cls(folder)
        try:
            yield workspace
        finally:
            if workspace.load_journal() is None:  # nothing to resume
                shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)

    def load_journal(self) -> Journal | None:
        """Load the journal of an interrupted import, if there is one."""
        try:
            return Journal(**json.loads(self._journal_path.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def save_journal(self, journal: Journal) -> None:
        """Save the journal atomically. A new import saves it before it creates anything else."""
        temporary = self._journal_path.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(journal)))
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(self._journal_path)

    def subfolder(self, name: str) -> Path:
        """Return the path of a subfolder, which is created if necessary."""
        folder = self._folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def reset_subfolder(self, name: str) -> Path:
        """Return the path of an empty subfolder: the files of an earlier run are deleted."""
        shutil.rmtree(self._folder / name, ignore_errors=True)
        return self.subfolder(name)

    def clear(self, journal: Journal) -> None:
        """Delete the sealed rows of a data set and then the journal: nothing is left to resume."""
        shutil.rmtree(self._folder / UUID(journal.dataset).hex, ignore_errors=True)
        self._journal_path.unlink(missing_ok=True)
