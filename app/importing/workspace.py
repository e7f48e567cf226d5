"""The work folder of an import or of an inspection, and the journal from which the same command resumes an interrupted import.

WORK_DIR/exposure-import-<hash of the import>/lock          locked while the import runs
                                              journal       the data set to be created, and from which file; authenticated
                                              <data set>/   sealed rows, under the data set's own store key: usable by the next run
                                              read/ sorted/ rows under a key that is only in memory: not usable by the next run
"""

import errno
import fcntl
import hmac
import json
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from hashlib import blake2b
from pathlib import Path
from tempfile import mkdtemp
from uuid import UUID

from app.crypto.framing import frame
from app.crypto.stretching import Argon2Cost, KdfParams
from app.errors import InvalidInput, OperationRefused
from app.private_files import NotPrivate, PrivateFolder, require_own

_JOURNAL, _LOCK = "journal", "lock"
_MAX_JOURNAL_BYTES = 4096
_MAC_BYTES = 32


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


@contextmanager
def open_temporary_folder(work_dir: Path, prefix: str) -> Iterator[PrivateFolder]:
    """Create a folder for the duration of the block, and delete it with all its files, whatever ends the block.

    Raises:
        InvalidInput: the folder cannot be created, or others can change *work_dir*.
    """
    try:
        _prepare_work_dir(work_dir)
        folder = PrivateFolder.open(Path(mkdtemp(prefix=prefix, dir=work_dir)))
    except NotPrivate as error:
        raise InvalidInput(f"EXPOSURE_WORK_DIR: {error}") from None
    except OSError as error:
        raise InvalidInput(f"EXPOSURE_WORK_DIR: {work_dir}: cannot be written ({error.strerror})") from None
    try:
        yield folder
    finally:
        _delete_completely(folder)


def _delete_completely(folder: PrivateFolder) -> None:
    """Delete a folder, even if a worker that still runs writes a last file into it."""
    while folder.is_in_place():
        try:
            shutil.rmtree(folder.path)
        except OSError as error:
            if error.errno not in (errno.ENOENT, errno.ENOTEMPTY):
                raise


class Workspace:
    """The work folder of one import.

    Args:
        folder: contains nothing but files of this import.
        journal_key: authenticates the journal, 32 bytes.
    """

    def __init__(self, folder: PrivateFolder, journal_key: bytes) -> None:
        self._folder, self._journal_key = folder, journal_key
        self.is_reset = False
        """Whether there was a journal that this program did not write, or not completely. Then the whole folder was emptied."""

    @classmethod
    @contextmanager
    def open(cls, work_dir: Path, import_key: str, journal_key: bytes) -> Iterator["Workspace"]:
        """Lock and open the folder of an import for the duration of the block. Without a valid journal, its files are deleted.

        Args:
            work_dir: parent of the folder.
            import_key: identifies the import; the same for each run that may resume it.
            journal_key: authenticates the journal, 32 bytes.

        Raises:
            InvalidInput: the folder cannot be created, or others can change it or *work_dir*.
            OperationRefused: the same import is already running.
        """
        name = blake2b(import_key.encode(), digest_size=8).hexdigest()
        path = work_dir / f"exposure-import-{name}"
        try:
            _prepare_work_dir(work_dir)
            with suppress(FileExistsError):
                path.mkdir(mode=0o700)
            folder = PrivateFolder.open(path)
            lock = folder.open_file(_LOCK, os.O_RDWR | os.O_CREAT)
        except NotPrivate as error:
            raise InvalidInput(f"EXPOSURE_WORK_DIR: {error}") from None
        except OSError as error:
            raise InvalidInput(f"EXPOSURE_WORK_DIR: {path} cannot be created ({error.strerror})") from None
        try:
            _lock(lock, folder)
            workspace = cls(folder, journal_key)
            if workspace.load_journal() is None:
                workspace.is_reset = folder.has(_JOURNAL)
                workspace._empty()
            try:
                yield workspace
            finally:
                if workspace.load_journal() is None:  # nothing to resume
                    workspace._empty()
                    folder.delete(_LOCK)
                    with suppress(OSError):
                        path.rmdir()
        finally:
            os.close(lock)

    def _empty(self) -> None:
        for name in self._folder.names():
            if name != _LOCK:
                self._folder.delete(name)

    def load_journal(self) -> Journal | None:
        """Load the journal of an interrupted import, if there is one. A journal that this program did not write is ignored."""
        try:
            with os.fdopen(self._folder.open_file(_JOURNAL), "rb") as file:
                mac, content = file.read(_MAC_BYTES), file.read(_MAX_JOURNAL_BYTES)
            return Journal(**json.loads(content)) if hmac.compare_digest(mac, self._authenticate(content)) else None
        except (OSError, ValueError, TypeError):
            return None

    def save_journal(self, journal: Journal) -> None:
        """Save the journal atomically. A new import saves it before it creates anything else."""
        content = json.dumps(asdict(journal)).encode()
        with self._folder.replace_file(_JOURNAL, durable=True) as file:
            file.write(self._authenticate(content) + content)

    def _authenticate(self, content: bytes) -> bytes:
        return hmac.digest(self._journal_key, frame(self._folder.path.name.encode(), content), "sha256")

    def subfolder(self, name: str) -> PrivateFolder:
        """Return a subfolder, which is created if necessary."""
        return self._folder.subfolder(name)

    def reset_subfolder(self, name: str) -> PrivateFolder:
        """Return an empty subfolder: the files of an earlier run are deleted."""
        self._folder.delete(name)
        return self.subfolder(name)

    def clear(self, journal: Journal) -> None:
        """Delete the sealed rows of a data set and then the journal: nothing is left to resume."""
        self._folder.delete(UUID(journal.dataset).hex)
        self._folder.delete(_JOURNAL)


def _prepare_work_dir(work_dir: Path) -> None:
    """Create the parent of all work folders if necessary, and check that no other user can rename what is in it."""
    work_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = work_dir.stat()
    is_sticky = status.st_mode & stat.S_ISVTX
    require_own(
        work_dir,
        status,
        forbidden_mode=0 if is_sticky else 0o022,
        remedy="others may write to it and it has no sticky bit: chmod go-w, or name another folder",
    )


def _lock(lock: int, folder: PrivateFolder) -> None:
    """Lock a work folder until *lock* is closed.

    Raises:
        OperationRefused: another import holds the lock, or has just deleted the folder.
    """
    with suppress(BlockingIOError):
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if folder.is_in_place():
            return
    raise OperationRefused("this import is already running")
