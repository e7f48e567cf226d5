"""What commands open, from the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from app.config import Settings, require_setting
from app.crypto.key_files import KeyRing
from app.crypto.keys import InvalidKey
from app.db import Database
from app.db.upgrade import require_current_schema
from app.keyholder import KeyholderSocket, spawn_keyholder


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """Open the database, which must be on the newest schema.

    Raises:
        SchemaOutdated: it is not.
        DatabaseUnavailable: it cannot be reached.
    """
    database = Database(settings.database_url)
    try:
        require_current_schema(database)
        yield database
    finally:
        database.close()


def open_keys(settings: Settings, database: Database) -> KeyRing:
    """Open the folder of keys, and refuse one that would undo the sealed store.

    Raises:
        InvalidKey: a key is missing, readable by others, equal to another, or lies where it must not.
    """
    keys = KeyRing(settings.key_dir)
    keys.validate(database_folder=database.folder)
    pepper = settings.pepper_file
    if pepper is None:
        return keys
    if database.folder is not None and pepper.resolve().parent == database.folder.resolve():
        raise InvalidKey("EXPOSURE_PEPPER_FILE: must not lie in the database's folder; one theft would take both")
    own = (keys.application_key_path, keys.signing_key_path, *map(keys.store_key_path, keys.list_store_key_ids()))
    if pepper.resolve() in [path.resolve() for path in own]:
        raise InvalidKey("EXPOSURE_PEPPER_FILE: must not be one of the application's keys; each role needs its own key")
    if not database.is_sqlite and pepper.resolve().is_relative_to(settings.key_dir.resolve()):
        raise InvalidKey("EXPOSURE_PEPPER_FILE: must not lie inside EXPOSURE_KEY_DIR; one theft would take both")
    return keys


@contextmanager
def open_keyholder(settings: Settings, *sockets: KeyholderSocket) -> Iterator[Path]:
    """Give the configured keyholder's lookup door, or run a child for as long as the block lasts.

    Raises:
        InvalidSetting: there is no keyholder, and no pepper for one.
        InvalidKey: the child did not start.
    """
    if settings.keyholder_path is not None:
        yield settings.keyholder_path
        return
    with spawn_keyholder(cast("Path", require_setting(settings, "pepper_file")), *sockets) as path:
        yield path
