"""Where an import puts things aside, and what it remembers of itself, so that the same command can go on where another was cut short.

WORK_DIR/exposure-import-<of the request>/lock           held while an import of this request runs
                                          journal.json   which data set it is to be, of which file
                                          <data set>/    what is put aside: rows as they were read, under a key in memory only; sealed ones under
                                                         the data set's own store key, and so of use to the next run
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
    """What an import remembers of itself."""

    dataset: str
    key_id: str
    source: str
    """A keyed digest of the file and of all else that decides what is sealed."""
    salt: str
    time_cost: int
    memory_kib: int
    partitions: int
    markers: int = 0
    """Identifiers that too many people share, once they have been counted."""

    @classmethod
    def of(cls, dataset: UUID, key_id: str, source: str, scheme: KdfParams, partitions: int) -> "Journal":
        """Note down a new import."""
        return cls(
            dataset=str(dataset),
            key_id=key_id,
            source=source,
            salt=scheme.salt.hex(),
            time_cost=scheme.cost.passes,
            memory_kib=scheme.cost.memory_kib,
            partitions=partitions,
        )

    def is_of(self, source: str, scheme: KdfParams, partitions: int) -> bool:
        """Whether an import of this can go on where that of the journal was cut short."""
        return (self.source, self.scheme, self.partitions) == (source, scheme, partitions)

    def with_markers(self, markers: int) -> "Journal":
        """Note down how many markers were made."""
        return replace(self, markers=markers)

    @property
    def scheme(self) -> KdfParams:
        """The scheme that it seals under."""
        return KdfParams(bytes.fromhex(self.salt), Argon2Cost(passes=self.time_cost, memory_kib=self.memory_kib))


class Workspace:
    """The folder of one request."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._journal = folder / "journal.json"

    @classmethod
    @contextmanager
    def of(cls, work_dir: Path, request: str) -> Iterator["Workspace"]:
        """Take the folder of a *request*, which a description tells from all others, for as long as the block lasts.

        Raises:
            InvalidInput: nothing can be written there.
            OperationRefused: the same import is running.
        """
        name = blake2b(request.encode(), digest_size=8).hexdigest()
        folder = work_dir / f"exposure-import-{name}"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise InvalidInput(f"EXPOSURE_WORK_DIR: {folder} cannot be made ({error.strerror})") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(handle)
            raise OperationRefused("this import is running already") from None
        workspace = cls(folder)
        try:
            yield workspace
        finally:
            if workspace.journal() is None:  # nothing to go on from
                shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)

    def journal(self) -> Journal | None:
        """Read what an earlier run remembered of itself, where there was one that did not end."""
        try:
            return Journal(**json.loads(self._journal.read_text()))
        except (OSError, ValueError, TypeError):
            return None

    def begin(self, journal: Journal) -> None:
        """Remember a new import, before anything of it exists."""
        temporary = self._journal.with_suffix(".new")
        temporary.write_text(json.dumps(asdict(journal)))
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(self._journal)

    def folder(self, name: str) -> Path:
        """Give a folder for what is put aside."""
        folder = self._folder / name
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def emptied(self, name: str) -> Path:
        """Give a folder, without what an earlier run put aside in it."""
        shutil.rmtree(self._folder / name, ignore_errors=True)
        return self.folder(name)

    def clear(self, journal: Journal) -> None:
        """Take away what was sealed for a data set, and then what is remembered of it: there is nothing to go on from."""
        shutil.rmtree(self._folder / UUID(journal.dataset).hex, ignore_errors=True)
        self._journal.unlink(missing_ok=True)
