"""Open the database, the keys and the keyholder that the settings name."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import cast

from sqlalchemy.orm import Session

from app.clock import system_clock
from app.config import Settings, load_settings, require_setting
from app.crypto.key_files import KeyRing
from app.crypto.keys import InvalidKey
from app.crypto.ratchet_file import RatchetFile
from app.datasets.signed_catalog import signed_change
from app.db import Database
from app.db.upgrade import require_current_schema
from app.keyholder import KeyholderSocket, require_own_folder, spawn_keyholder


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """Open the database.

    Raises:
        SchemaOutdated: its schema is not the newest.
        DatabaseUnavailable: it cannot be reached.
    """
    database = Database(settings.database_url)
    try:
        require_current_schema(database)
        yield database
    finally:
        database.close()


@contextmanager
def open_catalog() -> Iterator[tuple[Session, datetime]]:
    """Open a transaction that changes the catalogue, with its time. The catalogue is signed at the end.

    Raises:
        StateConflict: the catalogue was changed without the signing key.
        InvalidKey, SchemaOutdated, DatabaseUnavailable: as for `open_keys` and `open_database`.
    """
    settings, now = load_settings(), system_clock()
    with open_database(settings) as database:
        signing_key = open_keys(settings, database).load_signing_key()
        with database.write() as db, signed_change(db, signing_key, now=now):
            yield db, now


def open_keys(settings: Settings, database: Database) -> KeyRing:
    """Open the key folder, and check that its keys are kept apart from the database and the pepper.

    Raises:
        InvalidKey: a key is missing, readable by others, equal to another, or in a forbidden folder.
    """
    keys = KeyRing(settings.key_dir)
    keys.validate(database_folder=database.folder)
    pepper = settings.pepper_file
    if pepper is None:
        return keys
    if database.folder is not None and pepper.resolve().is_relative_to(database.folder.resolve()):
        raise InvalidKey("EXPOSURE_PEPPER_FILE: must not be in the database's folder: one theft would take both")
    application_keys = (
        keys.application_key_path,
        keys.signing_key_path,
        *map(keys.store_key_path, keys.list_store_key_ids()),
    )
    if pepper.resolve() in [path.resolve() for path in application_keys]:
        raise InvalidKey("EXPOSURE_PEPPER_FILE: must not be one of the application's keys; each role needs its own key")
    if not database.is_sqlite and pepper.resolve().is_relative_to(settings.key_dir.resolve()):
        raise InvalidKey(
            "EXPOSURE_PEPPER_FILE: must not be inside EXPOSURE_KEY_DIR; pepper and keys must be kept apart"
        )
    return keys


def check_ratchet(settings: Settings, database: Database) -> None:
    """Check that the key ratchet is usable, and kept apart from the database.

    Raises:
        InvalidKey: its file is missing, unusable, or in the database's folder.
    """
    ratchet = RatchetFile(settings.ratchet_folder)
    if database.folder is not None and ratchet.folder.resolve() == database.folder.resolve():
        raise InvalidKey("EXPOSURE_RATCHET_DIR: must not be the database's folder: one backup would take both")
    ratchet.load()


@contextmanager
def open_keyholder(settings: Settings, *sockets: KeyholderSocket) -> Iterator[Path]:
    """Yield the lookup socket of the configured keyholder, or of a child process that runs as long as the block.

    Raises:
        InvalidSetting: neither a keyholder nor a pepper file is set.
        InvalidKey: the child process did not start.
        InvalidInput: everybody may write to the folder of the keyholder's socket.
    """
    if settings.keyholder_path is not None:
        require_own_folder(settings.keyholder_path)
        yield settings.keyholder_path
        return
    with spawn_keyholder(cast("Path", require_setting(settings, "pepper_file")), *sockets) as path:
        yield path
