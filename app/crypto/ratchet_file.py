"""The file that holds a host's position in the key ratchet: the epoch (4 bytes, big-endian), then the state (32 bytes).

All processes of a host share it; a lock on its folder orders them. It is replaced as a whole, so a process that is killed leaves the old or the
new file, never a torn one.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from app.crypto.key_files import create_secret_file, fsync_directory, overwrite_file
from app.crypto.keys import KEY_BYTES, InvalidKey, RatchetState

EPOCH_BYTES = 4
_FILE_BYTES = EPOCH_BYTES + KEY_BYTES


@dataclass(frozen=True, slots=True)
class RatchetPosition:
    """The state of one epoch. Epochs are hours since 1970."""

    epoch: int
    state: RatchetState

    def advance_to(self, epoch: int) -> Self:
        """Return the position at a later *epoch*; the same position if *epoch* is not later. Takes microseconds for each epoch."""
        state = self.state
        for _ in range(self.epoch, epoch):
            state = state.next()
        return type(self)(max(self.epoch, epoch), state)


class RatchetFile:
    """The ratchet file in *folder*, which holds nothing else and must not be backed up."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "ratchet.key"

    def create(self, epoch: int) -> None:
        """Start a new chain at *epoch*.

        Raises:
            InvalidKey: the file exists, or it cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise InvalidKey(f"{self.folder}: cannot be created ({error.strerror})") from None
        with self._locked():
            if self.path.exists():
                raise InvalidKey(f"{self.path}: exists already; a key is never overwritten")
            self._write(RatchetPosition(epoch, RatchetState.generate()))

    def load(self) -> RatchetPosition:
        """Read the position.

        Raises:
            InvalidKey: the file is missing, has the wrong size, or is accessible to others.
        """
        with self._locked(), self._open() as file:
            return self._parse(file)

    def advance_to(self, epoch: int) -> RatchetPosition:
        """Advance the file to *epoch*, which destroys all earlier states; return the position. A file that is further stays as it is.

        1. Write and sync the new file beside the old one.
        2. Rename it and sync the folder.
        3. Overwrite the old file, which has no name any more. Not before: a crash could then leave a name that leads to overwritten bytes.

        Raises:
            InvalidKey: the file cannot be used or replaced.
        """
        with self._locked(), self._open() as old:
            position = self._parse(old)
            if position.epoch < epoch:
                position = position.advance_to(epoch)
                self._write(position)  # (1), (2)
                overwrite_file(old)  # (3)
            return position

    def _write(self, position: RatchetPosition) -> None:
        new_path = self.path.with_suffix(".new")
        if new_path.is_symlink() or new_path.exists():  # left by a process that was killed: it holds a state
            with _open_existing(new_path) as leftover:
                overwrite_file(leftover)
            new_path.unlink()
        create_secret_file(new_path, position.epoch.to_bytes(EPOCH_BYTES, "big") + position.state.reveal())
        new_path.replace(self.path)
        fsync_directory(self.folder)

    def _parse(self, file: BinaryIO) -> RatchetPosition:
        status = os.fstat(file.fileno())
        if status.st_mode & 0o077:
            raise InvalidKey(f"{self.path}: must be readable by its owner only: chmod 600, and consider a new one")
        raw = file.read(_FILE_BYTES + 1)
        if len(raw) != _FILE_BYTES:
            raise InvalidKey(f"{self.path}: must be {_FILE_BYTES} bytes, is {status.st_size} bytes")
        return RatchetPosition(int.from_bytes(raw[:EPOCH_BYTES], "big"), RatchetState(raw[EPOCH_BYTES:]))

    def _open(self) -> BinaryIO:
        try:
            return _open_existing(self.path)
        except FileNotFoundError:
            raise self._missing() from None

    def _missing(self) -> InvalidKey:
        return InvalidKey(
            f"{self.path}: does not exist; copy it from a server that runs, or create the first with `exposure keys generate`"
        )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the folder. Readers need it too: they could have opened the file that is being overwritten."""
        try:
            handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:
            raise self._missing() from None
        except OSError as error:
            raise InvalidKey(f"{self.folder}: cannot be opened ({error.strerror})") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        except OSError as error:
            reason = error.strerror or "not a regular file"  # Python's own error, for a file without positions
            raise InvalidKey(f"{self.path}: cannot be read and replaced ({reason})") from None
        finally:
            os.close(handle)


def _open_existing(path: Path) -> BinaryIO:
    """Open a file for reading and overwriting. A symbolic link is an error."""
    return os.fdopen(os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK), "r+b")
