"""Which keys, peppers and keyholders a command opens, and which it refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.resources import open_keyholder, open_keys
from app.config import InvalidSetting, Settings
from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.keys import ApplicationKey, InvalidKey, SigningKey, StoreKey
from app.db import Database
from app.errors import InvalidInput
from app.keyholder import KeyholderClient, KeyholderSocket, serve
from tests.keyholder.helpers import (
    TIMEOUT_SECONDS,
    VALUE_INPUT,
    fail_when_ready,
    short_temp_folder,
    write_pepper_file,
)

pytestmark = pytest.mark.kill


@pytest.fixture
def pepper(tmp_path: Path) -> Path:
    return write_pepper_file(tmp_path / "pepper" / "pepper.key")


@pytest.fixture
def settings(tmp_path: Path, pepper: Path) -> Settings:
    """Return settings of a deployment with keys, pepper and database in separate folders."""
    keys = KeyRing(tmp_path / "keys")
    create_key_file(keys.application_key_path, ApplicationKey.generate())
    create_key_file(keys.signing_key_path, SigningKey.generate())
    url = f"sqlite:///{tmp_path}/database/exposure.sqlite3"
    return Settings(_env_file=None, key_dir=keys.folder, pepper_file=pepper, database_url=url)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """Yield a database of each kind; no connection is opened."""
    sqlite = f"sqlite:///{tmp_path}/database/exposure.sqlite3"
    database = Database(sqlite if request.param == "sqlite" else "postgresql://127.0.0.1:1/exposure")
    yield database
    database.close()


def with_settings(settings: Settings, **fields: object) -> Settings:
    return settings.model_copy(update=fields)


def test_keys_in_a_separate_folder_are_opened(settings: Settings, database: Database) -> None:
    assert open_keys(settings, database).folder == settings.key_dir
    assert open_keys(with_settings(settings, pepper_file=None), database).folder == settings.key_dir


def test_keys_or_pepper_in_the_database_folder_are_refused(settings: Settings, tmp_path: Path) -> None:
    for folder, match in (
        (settings.key_dir, "must not be the database's folder"),
        (tmp_path / "pepper", "EXPOSURE_PEPPER_FILE: must not be in the database"),
    ):
        database = Database(f"sqlite:///{folder}/exposure.sqlite3")
        with pytest.raises(InvalidKey, match=match):
            open_keys(settings, database)
        database.close()


@pytest.mark.parametrize("folder", ["database", "database/deeper"])
def test_a_pepper_beneath_the_database_folder_is_refused(settings: Settings, tmp_path: Path, folder: str) -> None:
    database = Database(settings.database_url)
    with pytest.raises(InvalidKey, match="EXPOSURE_PEPPER_FILE: must not be in the database"):
        open_keys(with_settings(settings, pepper_file=tmp_path / folder / "pepper.key"), database)
    database.close()


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o702])
def test_a_socket_that_anybody_could_create_is_refused(settings: Settings, pepper: Path, mode: int) -> None:
    with short_temp_folder() as folder:
        folder.chmod(mode)
        configured = with_settings(settings, keyholder=f"unix:{folder}/socket", pepper_file=None)
        with pytest.raises(InvalidInput, match="could put their own socket there"):
            serve(folder / "socket", pepper, on_ready=fail_when_ready)
        with (
            pytest.raises(InvalidInput, match="could put their own socket there"),
            open_keyholder(configured, KeyholderSocket.LOOKUP),
        ):
            pass


@pytest.mark.parametrize("relative_path", ["pepper.key", "deeper/pepper.key", "../keys/pepper.key"])
def test_on_postgresql_a_pepper_among_the_keys_is_refused(
    settings: Settings, database: Database, relative_path: str
) -> None:
    combined = with_settings(settings, pepper_file=settings.key_dir / relative_path)
    if database.is_sqlite:
        assert open_keys(combined, database)
    else:
        with pytest.raises(InvalidKey, match=r"EXPOSURE_PEPPER_FILE: .*EXPOSURE_KEY_DIR"):
            open_keys(combined, database)


def test_a_pepper_that_is_one_of_the_applications_keys_is_refused(settings: Settings, database: Database) -> None:
    keys = KeyRing(settings.key_dir)
    store_key = StoreKey.generate()
    keys.save_store_key(store_key)
    for path in (keys.application_key_path, keys.signing_key_path, keys.store_key_path(store_key.id)):
        with pytest.raises(InvalidKey, match="EXPOSURE_PEPPER_FILE"):
            open_keys(with_settings(settings, pepper_file=path), database)


def test_unusable_keys_are_refused(settings: Settings, database: Database) -> None:
    keys = KeyRing(settings.key_dir)
    keys.signing_key_path.chmod(0o640)
    with pytest.raises(InvalidKey, match="must be readable by its owner only"):
        open_keys(settings, database)
    keys.signing_key_path.unlink()
    with pytest.raises(InvalidKey, match="cannot be read"):
        open_keys(settings, database)
    create_key_file(keys.signing_key_path, SigningKey(keys.load_application_key().reveal()))
    with pytest.raises(InvalidKey, match="is equal to"):
        open_keys(settings, database)


def test_a_configured_keyholder_is_used(settings: Settings, tmp_path: Path) -> None:
    configured = with_settings(settings, keyholder=f"unix:{tmp_path}/socket", pepper_file=None)
    with open_keyholder(configured, KeyholderSocket.LOOKUP) as path:
        assert path == tmp_path / "socket"


def test_a_child_is_started_if_no_keyholder_is_configured(settings: Settings) -> None:
    with (
        open_keyholder(settings, KeyholderSocket.LOOKUP) as path,
        KeyholderClient(path, timeout=TIMEOUT_SECONDS) as keyholder,
    ):
        assert len(keyholder.mac(VALUE_INPUT)) == 32
    with pytest.raises(InvalidSetting, match="EXPOSURE_PEPPER_FILE: must be set"):
        open_keyholder(with_settings(settings, pepper_file=None), KeyholderSocket.LOOKUP).__enter__()
