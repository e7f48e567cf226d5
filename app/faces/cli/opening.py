"""What commands open, from the settings."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import cast

from app.config import Settings, require
from app.crypto.keyfiles import KeyRing
from app.crypto.secret import BadKey
from app.db import Database
from app.db.upgrade import require_newest
from app.keyholder import Door, start_child


@contextmanager
def open_database(settings: Settings) -> Iterator[Database]:
    """Open the database, which must be on the newest schema.

    Raises:
        NotUpgraded: it is not.
        DatabaseUnavailable: it cannot be reached.
    """
    database = Database(settings.database_url)
    try:
        require_newest(database)
        yield database
    finally:
        database.close()


def open_keys(settings: Settings, database: Database) -> KeyRing:
    """Open the folder of keys, and refuse one that would undo the sealed store.

    Raises:
        BadKey: a key is missing, readable by others, equal to another, or lies where it must not.
    """
    keys = KeyRing(settings.key_dir)
    keys.check(database_folder=database.folder)
    pepper = settings.pepper_file
    if pepper is None:
        return keys
    if database.folder is not None and pepper.resolve().parent == database.folder.resolve():
        raise BadKey("EXPOSURE_PEPPER_FILE: must not lie in the database's folder; one theft would take both")
    own = (keys.application_path, keys.signing_path, *map(keys.store_path, keys.store_ids()))
    if pepper.resolve() in [path.resolve() for path in own]:
        raise BadKey("EXPOSURE_PEPPER_FILE: must not be one of the application's keys; each role has a key of its own")
    if not database.is_sqlite and pepper.resolve().is_relative_to(settings.key_dir.resolve()):
        raise BadKey("EXPOSURE_PEPPER_FILE: must not lie inside EXPOSURE_KEY_DIR; one theft would take both")
    return keys


@contextmanager
def open_keyholder(settings: Settings, *doors: Door) -> Iterator[Path]:
    """Give the configured keyholder's lookup door, or run a child for as long as the block lasts.

    Raises:
        BadSetting: there is no keyholder, and no pepper for one.
        BadKey: the child did not start.
    """
    if settings.keyholder_path is not None:
        yield settings.keyholder_path
        return
    with start_child(cast("Path", require(settings, "pepper_file")), *doors) as path:
        yield path
