"""Key files: one for each role, 32 raw bytes, readable by the owner only.

EXPOSURE_KEY_DIR/application.key   EXPOSURE_KEY_DIR/signing.key   EXPOSURE_KEY_DIR/store-<id>.key      read by the application
EXPOSURE_PEPPER_FILE                                                                                   read by the keyholder only

The state of the key ratchet is kept in another folder, and changes every hour: see `ratchet_file`.
"""

import os
import re
from pathlib import Path
from typing import BinaryIO, TypeVar

from app.crypto.keys import KEY_BYTES, ApplicationKey, InvalidKey, Key, SigningKey, StoreKey
from app.errors import DependencyUnavailable

K = TypeVar("K", bound=Key)

_STORE_KEY_ID = re.compile("[0-9a-f]{16}")


class StoreKeyMissing(DependencyUnavailable):
    """The store key of a data set is absent, unusable, or not the key that the file name says."""


def create_key_file(path: Path, key: Key) -> None:
    """Write a new key file with mode 0600 and flush it to disk, so that nothing is encrypted under a key that a crash could lose.

    Raises:
        InvalidKey: the file exists (a key is never overwritten), or it cannot be written.
    """
    create_secret_file(path, key.reveal())


def create_secret_file(path: Path, raw: bytes) -> None:
    """Write a new file with mode 0600 and flush it to disk.

    Raises:
        InvalidKey: the file exists, or it cannot be written.
    """
    created = False
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        created = True
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o600)  # the umask may have removed bits
            file.write(raw)
            file.flush()
            os.fsync(handle)
        fsync_directory(path.parent)
    except OSError as error:
        if created:  # a partial file would block the next attempt
            path.unlink(missing_ok=True)
        raise InvalidKey(f"{path}: cannot be created ({error.strerror}); a key is never overwritten") from None


def fsync_directory(directory: Path) -> None:
    """Flush a directory to disk, so that its files keep their names after a crash."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def overwrite_file(file: BinaryIO) -> None:
    """Overwrite the content of an open file with random bytes and flush it to disk."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    file.write(os.urandom(size))
    file.flush()
    os.fsync(file.fileno())


def load_key_file(path: Path, role: type[K]) -> K:
    """Read one key.

    Raises:
        InvalidKey: the file is missing, has the wrong size, or is accessible to others.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise InvalidKey(f"{path}: must be readable by its owner only: chmod 600, and consider whether it was read")
        raw = path.read_bytes()
    except OSError as error:
        raise InvalidKey(f"{path}: cannot be read ({error.strerror}); `exposure keys generate` creates it") from None
    if len(raw) != KEY_BYTES:
        raise InvalidKey(f"{path}: must be {KEY_BYTES} bytes, is {len(raw)} bytes")
    return role(raw)


class KeyRing:
    """The application's keys in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def application_key_path(self) -> Path:
        """Path of the application key."""
        return self.folder / "application.key"

    @property
    def signing_key_path(self) -> Path:
        """Path of the signing key."""
        return self.folder / "signing.key"

    def store_key_path(self, key_id: str) -> Path:
        """Return the path of a store key."""
        return self.folder / f"store-{key_id}.key"

    def list_store_key_ids(self) -> list[str]:
        """Return the ids of all store keys in the folder, sorted."""
        return sorted(path.stem.removeprefix("store-") for path in self.folder.glob("store-*.key"))

    def load_application_key(self) -> ApplicationKey:
        """Read the application key."""
        return load_key_file(self.application_key_path, ApplicationKey)

    def load_signing_key(self) -> SigningKey:
        """Read the signing key."""
        return load_key_file(self.signing_key_path, SigningKey)

    def save_store_key(self, key: StoreKey) -> None:
        """Write the store key of a new data set.

        Raises:
            InvalidKey: it cannot be written.
        """
        create_key_file(self.store_key_path(key.id), key)

    def load_store_key(self, key_id: str) -> StoreKey:
        """Read the store key of a data set.

        Raises:
            StoreKeyMissing: the file is absent or unusable, or holds another key.
        """
        if not _STORE_KEY_ID.fullmatch(key_id):  # the id comes from the database: it must not become another path
            raise StoreKeyMissing("a data set has an invalid store key id")
        try:
            key = load_key_file(self.store_key_path(key_id), StoreKey)
        except InvalidKey as error:
            raise StoreKeyMissing(str(error)) from None
        if key.id != key_id:
            raise StoreKeyMissing(f"{self.store_key_path(key_id)}: holds another key than its name says")
        return key

    def destroy_store_key(self, key_id: str) -> None:
        """Overwrite and remove a store key. What it encrypted becomes unreadable, in every backup too.

        Nothing here knows whether a data set needs it: `datasets.destruction.destroy_store_key` does, and is the only caller.

        Raises:
            StoreKeyMissing: the file is absent, is a symlink, or cannot be written.
        """
        if not _STORE_KEY_ID.fullmatch(key_id):
            raise StoreKeyMissing("an invalid store key id")
        path = self.store_key_path(key_id)
        try:
            # through a symlink, it would overwrite another file
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "wb") as file:
                overwrite_file(file)
            path.unlink()
        except OSError as error:
            raise StoreKeyMissing(f"{path}: cannot be destroyed ({error.strerror})") from None

    def validate(self, *, database_folder: Path | None) -> None:
        """Check that every key is usable, that no two are equal, and that none is stored in the database's folder.

        Args:
            database_folder: folder of the database file; None if the database is not a file.
        Raises:
            InvalidKey: one of the checks failed.
        """
        loaded: list[tuple[Key, Path]] = []
        paths: list[tuple[Path, type[Key]]] = [
            (self.application_key_path, ApplicationKey),
            (self.signing_key_path, SigningKey),
        ]
        paths += [(self.store_key_path(key_id), StoreKey) for key_id in self.list_store_key_ids()]
        for path, role in paths:
            if database_folder is not None and path.resolve().is_relative_to(database_folder.resolve()):
                raise InvalidKey(
                    f"{path.parent}: must not be the database's folder or beneath it; one theft would take both"
                )
            key = load_key_file(path, role)
            for other_key, other_path in loaded:
                if key == other_key:
                    raise InvalidKey(f"{path}: is equal to {other_path}; each role needs its own key")
            loaded.append((key, path))
