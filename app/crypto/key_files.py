"""Keys on disk: one file for each role, 32 raw bytes, readable by its owner alone.

EXPOSURE_KEY_DIR/application.key   EXPOSURE_KEY_DIR/signing.key   EXPOSURE_KEY_DIR/store-<id>.key      the application's
EXPOSURE_PEPPER_FILE                                                                                   the keyholder's
"""

import os
import re
from pathlib import Path
from typing import TypeVar

from app.crypto.keys import KEY_BYTES, ApplicationKey, InvalidKey, Key, SigningKey, StoreKey
from app.errors import DependencyUnavailable

K = TypeVar("K", bound=Key)

_STORE_ID = re.compile("[0-9a-f]{16}")


class StoreKeyMissing(DependencyUnavailable):
    """A data set names a store key that is not there, or not the one it says it is."""


def create_key_file(path: Path, key: Key) -> None:
    """Write a new key file, mode 0600, flushed to disk before anything is sealed under it.

    Raises:
        InvalidKey: the file is there already, since a key is never overwritten, or it cannot be written.
    """
    made = False
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        made = True
        with os.fdopen(handle, "wb") as file:
            os.fchmod(handle, 0o600)  # whatever the umask took
            file.write(key.reveal())
            file.flush()
            os.fsync(handle)
        _flush_folder(path.parent)
    except OSError as error:
        if made:  # half a key would stand in the way of a whole one
            path.unlink(missing_ok=True)
        raise InvalidKey(f"{path}: cannot be made ({error.strerror}); a key is never overwritten") from None


def _flush_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def load(path: Path, role: type[K]) -> K:
    """Read one key.

    Raises:
        InvalidKey: it is missing, of another size, or others can read it.
    """
    try:
        if path.stat().st_mode & 0o077:
            raise InvalidKey(f"{path}: must be readable by its owner only: chmod 600, and consider whether it was read")
        raw = path.read_bytes()
    except OSError as error:
        raise InvalidKey(f"{path}: cannot be read ({error.strerror}); `exposure keys generate` creates it") from None
    if len(raw) != KEY_BYTES:
        raise InvalidKey(f"{path}: is {len(raw)} bytes, and a key is {KEY_BYTES}")
    return role(raw)


class KeyRing:
    """The application's keys in one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def application_key_path(self) -> Path:
        """Where the application secret lies."""
        return self.folder / "application.key"

    @property
    def signing_key_path(self) -> Path:
        """Where the seed of the signing key lies."""
        return self.folder / "signing.key"

    def store_key_path(self, key_id: str) -> Path:
        """Where a store key lies."""
        return self.folder / f"store-{key_id}.key"

    def list_store_key_ids(self) -> list[str]:
        """Name the store keys that are there."""
        return sorted(path.stem.removeprefix("store-") for path in self.folder.glob("store-*.key"))

    def load_application_key(self) -> ApplicationKey:
        """Read the application secret."""
        return load(self.application_key_path, ApplicationKey)

    def load_signing_key(self) -> SigningKey:
        """Read the seed of the signing key."""
        return load(self.signing_key_path, SigningKey)

    def save_store_key(self, key: StoreKey) -> None:
        """Keep the store key of a new data set.

        Raises:
            InvalidKey: it cannot be written.
        """
        create_key_file(self.store_key_path(key.id), key)

    def load_store_key(self, key_id: str) -> StoreKey:
        """Read a data set's store key.

        Raises:
            StoreKeyMissing: it is not there, or the file holds another.
        """
        if not _STORE_ID.fullmatch(key_id):  # it comes out of the database
            raise StoreKeyMissing("a data set names a store key that cannot be one")
        try:
            key = load(self.store_key_path(key_id), StoreKey)
        except InvalidKey as error:
            raise StoreKeyMissing(str(error)) from None
        if key.id != key_id:
            raise StoreKeyMissing(f"{self.store_key_path(key_id)}: holds another key than its name says")
        return key

    def destroy_store_key(self, key_id: str) -> None:
        """Take a store key away for good: overwritten, then removed. What it sealed, in every backup, is unreadable from now on.

        Raises:
            StoreKeyMissing: it is not there, or cannot be written.
        """
        path = self.store_key_path(key_id)
        try:
            with path.open("r+b") as file:
                file.write(os.urandom(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            path.unlink()
        except OSError as error:
            raise StoreKeyMissing(f"{path}: cannot be destroyed ({error.strerror})") from None

    def validate(self, *, database_folder: Path | None) -> None:
        """Refuse a folder of keys that would undo the sealed store.

        Args:
            database_folder: where the database's file lies, where it is one.
        Raises:
            InvalidKey: two keys are equal, one cannot be used, or they lie where the database lies.
        """
        if database_folder is not None and self.folder.resolve() == database_folder.resolve():
            raise InvalidKey(f"{self.folder}: must not be the database's folder; one theft would take both")
        seen: list[tuple[Key, Path]] = []
        paths: list[tuple[Path, type[Key]]] = [
            (self.application_key_path, ApplicationKey),
            (self.signing_key_path, SigningKey),
        ]
        paths += [(self.store_key_path(key_id), StoreKey) for key_id in self.list_store_key_ids()]
        for path, role in paths:
            key = load(path, role)
            for other, where in seen:
                if key == other:
                    raise InvalidKey(f"{path}: is equal to {where}; each role needs its own key")
            seen.append((key, path))
