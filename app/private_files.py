"""Files that no other user can read, replace or redirect, also in folders where others may write."""

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from app.errors import InvalidInput

_CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
"""Without O_NONBLOCK, opening a named pipe would wait for a writer."""


class NotPrivate(InvalidInput):
    """A file or folder that other users can change. The message names it and says why."""


def require_own(path: Path, status: os.stat_result, *, forbidden_mode: int, remedy: str) -> None:
    """Check that a file or folder belongs to this user or to root, and that its mode has no bit of *forbidden_mode*.

    Raises:
        NotPrivate: it does not.
    """
    if status.st_uid not in (os.geteuid(), 0):
        raise NotPrivate(f"{path}: belongs to another user")
    if status.st_mode & forbidden_mode:
        raise NotPrivate(f"{path}: {remedy}")


@contextmanager
def replace_file(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file, and give it the name *path* at the end of the block. The file appears complete or not at all, with mode 0600.

    Raises:
        NotPrivate: *path* exists and is no regular file: a symlink, a folder, a device.
        OSError: it cannot be written.
    """
    with suppress(FileNotFoundError):
        if not stat.S_ISREG(path.lstat().st_mode):
            raise NotPrivate(f"{path}: exists and is not a regular file")
    temporary = path.with_name(f".writing-{token_hex(8)}")
    descriptor = os.open(temporary, _CREATE, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


@dataclass(frozen=True, slots=True)
class PrivateFolder:
    """A folder of this user that no other user can enter.

    Its files are reached through a descriptor of the folder, not through a path on which somebody could replace a part. Another process, to which
    this object is passed, opens the folder again and checks that it is the same.
    """

    path: Path
    identity: tuple[int, int]
    """Device and inode."""

    @classmethod
    def open(cls, path: Path) -> "PrivateFolder":
        """Open an existing folder.

        Raises:
            NotPrivate: it is a symlink or no folder, belongs to another user, or has a mode other than 0700.
            OSError: it cannot be opened.
        """
        try:
            opened = _OpenFolder(path)
        except OSError as error:
            if error.errno not in (errno.ENOTDIR, errno.ELOOP):  # one of them for a symlink, depending on the system
                raise
            raise NotPrivate(f"{path}: is not a folder") from None
        if opened.status.st_uid != os.geteuid():
            raise NotPrivate(f"{path}: belongs to another user")
        if opened.status.st_mode & 0o077:
            raise NotPrivate(f"{path}: is accessible to others")
        return cls(path, opened.identity)

    @contextmanager
    def replace_file(self, name: str, *, durable: bool = False) -> Iterator[BinaryIO]:
        """Open a temporary file, and give it its *name* at the end of the block: the file appears complete or not at all.

        Args:
            name: of the file.
            durable: whether it is on the disk at the end of the block.
        """
        folder, temporary = self._open(), f"writing-{token_hex(8)}"
        with os.fdopen(os.open(temporary, _CREATE, 0o600, dir_fd=folder.number), "wb") as file:
            yield file
            if durable:
                file.flush()
                os.fsync(file.fileno())
        os.replace(temporary, name, src_dir_fd=folder.number, dst_dir_fd=folder.number)
        if durable:
            os.fsync(folder.number)

    def open_file(self, name: str, flags: int = _READ) -> int:
        """Return the descriptor of a file, which is never reached through a symlink. The caller closes it."""
        return os.open(name, flags | os.O_NOFOLLOW, 0o600, dir_fd=self._open().number)

    def has(self, name: str) -> bool:
        """Return whether a file exists."""
        try:
            os.stat(name, dir_fd=self._open().number, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def names(self) -> list[str]:
        """Return the names of all files and subfolders."""
        return os.listdir(self._open().number)  # noqa: PTH208  as above

    def subfolder(self, name: str) -> "PrivateFolder":
        """Return a subfolder, which is created if necessary."""
        number = self._open().number
        with suppress(FileExistsError):
            os.mkdir(name, 0o700, dir_fd=number)
        found = PrivateFolder.open(self.path / name)
        if found.identity != _identity(os.stat(name, dir_fd=number, follow_symlinks=False)):
            raise NotPrivate(f"{self.path}: was replaced by another folder")
        return found

    def delete(self, name: str) -> None:
        """Delete a file, or a subfolder with its content, if it exists."""
        number = self._open().number
        with suppress(FileNotFoundError):
            if stat.S_ISDIR(os.stat(name, dir_fd=number, follow_symlinks=False).st_mode):
                shutil.rmtree(name, ignore_errors=True, dir_fd=number)  # a worker may still write to it
            else:
                os.unlink(name, dir_fd=number)

    def is_in_place(self) -> bool:
        """Return whether the folder still has its path."""
        try:
            return _identity(self.path.lstat()) == self.identity
        except FileNotFoundError:
            return False

    def _open(self) -> "_OpenFolder":
        return _open_again(self.path, self.identity)


class _OpenFolder:
    """A descriptor of a folder, closed with the last reference to this object."""

    def __init__(self, path: Path) -> None:
        self.number = -1
        self.number = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        self.status = os.fstat(self.number)
        self.identity = _identity(self.status)

    def __del__(self) -> None:
        if self.number >= 0:
            os.close(self.number)


@lru_cache(maxsize=16)
def _open_again(path: Path, identity: tuple[int, int]) -> _OpenFolder:
    """Open a folder that was checked before.

    Raises:
        NotPrivate: another folder has taken its place.
    """
    opened = _OpenFolder(path)
    if opened.identity != identity:
        raise NotPrivate(f"{path}: was replaced by another folder")
    return opened


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_dev, status.st_ino
