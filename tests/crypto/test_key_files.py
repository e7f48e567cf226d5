"""Key files: created once, readable by their owner only, and refused if they would make the sealed store insecure."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.crypto.key_files import KeyRing, StoreKeyMissing, create_key_file, load_key_file
from app.crypto.keys import ApplicationKey, InvalidKey, Key, Pepper, SigningKey, StoreKey
from tests.crypto.helpers import ROLES

RAW = b"SECRET-KEY-OF-EXACTLY-32-BYTES!!"


def write_file(path: Path, raw: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(raw)
    path.chmod(mode)
    return path


def assert_safe_message(error: pytest.ExceptionInfo[Exception], *names: object) -> str:
    """Check that an error is one line that names the file and contains no key; return the line."""
    line = str(error.value)
    assert "\n" not in line
    assert all(str(name) in line for name in names)
    assert RAW.decode() not in line
    assert RAW.hex() not in line
    assert error.value.__suppress_context__ or error.value.__context__ is None
    return line


@pytest.fixture
def key_ring(tmp_path: Path) -> KeyRing:
    """Return a folder with an application key, a signing key and one store key."""
    key_ring = KeyRing(tmp_path / "keys")
    create_key_file(key_ring.application_key_path, ApplicationKey.generate())
    create_key_file(key_ring.signing_key_path, SigningKey.generate())
    key_ring.save_store_key(StoreKey.generate())
    return key_ring


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277, 0o377])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Set a umask, from permissive to restrictive."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("role", ROLES)
def test_load_returns_the_created_key(tmp_path: Path, role: type[Key]) -> None:
    key = role.generate()
    create_key_file(tmp_path / "some.key", key)
    loaded = load_key_file(tmp_path / "some.key", role)
    assert loaded == key
    assert type(loaded) is role


def test_a_new_key_file_has_mode_0600(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "some.key"
    create_key_file(path, Pepper(RAW))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == RAW


def test_a_new_key_folder_has_mode_0700(tmp_path: Path) -> None:
    create_key_file(tmp_path / "new" / "some.key", Pepper(RAW))
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "some.key"
    create_key_file(path, Pepper(RAW))
    with pytest.raises(InvalidKey, match="never overwritten") as caught:
        create_key_file(path, Pepper.generate())
    assert_safe_message(caught, path)
    assert path.read_bytes() == RAW


def test_a_key_is_never_written_through_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "some.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidKey):
        create_key_file(tmp_path / "some.key", Pepper(RAW))
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_file_that_cannot_be_created(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "some.key", tmp_path / "file" / "deeper" / "some.key", tmp_path / ("x" * 300)):
        with pytest.raises(InvalidKey) as caught:
            create_key_file(path, Pepper(RAW))
        assert_safe_message(caught, path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o601, 0o777])
def test_a_key_file_accessible_to_others_is_refused(tmp_path: Path, mode: int) -> None:
    path = write_file(tmp_path / "some.key", RAW, mode)
    with pytest.raises(InvalidKey, match="must be readable by its owner only") as caught:
        load_key_file(path, Pepper)
    assert_safe_message(caught, path)


@pytest.mark.parametrize("raw", [b"", RAW[:-1], RAW + b"\n", RAW * 2])
def test_a_key_file_of_wrong_size_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = write_file(tmp_path / "some.key", raw)
    with pytest.raises(InvalidKey, match=f"{len(raw)} bytes") as caught:
        load_key_file(path, Pepper)
    assert_safe_message(caught, path)


def test_a_missing_key_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.key").mkdir(mode=0o700)
    for path in (tmp_path / "none.key", tmp_path / "folder.key"):
        with pytest.raises(InvalidKey, match="cannot be read") as caught:
            load_key_file(path, Pepper)
        assert_safe_message(caught, path)


def test_a_key_ring_loads_its_keys(key_ring: KeyRing) -> None:
    (key_id,) = key_ring.list_store_key_ids()
    assert type(key_ring.load_application_key()) is ApplicationKey
    assert type(key_ring.load_signing_key()) is SigningKey
    assert key_ring.load_store_key(key_id).id == key_id
    another = StoreKey.generate()
    key_ring.save_store_key(another)
    assert key_ring.list_store_key_ids() == sorted([key_id, another.id])
    assert key_ring.load_store_key(another.id) == another
    key_ring.validate(database_folder=None)
    key_ring.validate(database_folder=key_ring.folder.parent / "database")


def test_a_store_key_is_saved_under_its_id_and_only_once(key_ring: KeyRing) -> None:
    key = StoreKey(RAW)
    key_ring.save_store_key(key)
    path = key_ring.store_key_path(key.id)
    assert path.read_bytes() == RAW
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = key_ring.list_store_key_ids()
    with pytest.raises(InvalidKey, match="never overwritten") as caught:
        key_ring.save_store_key(StoreKey(RAW))
    assert_safe_message(caught, path)
    assert key_ring.list_store_key_ids() == before
    assert key_ring.load_store_key(key.id) == key


def test_a_store_key_that_cannot_be_saved(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    key = StoreKey(RAW)
    with pytest.raises(InvalidKey, match="cannot be created") as caught:
        KeyRing(tmp_path / "file").save_store_key(key)
    assert_safe_message(caught, KeyRing(tmp_path / "file").store_key_path(key.id))


def test_a_store_key_under_another_id_counts_as_missing(key_ring: KeyRing) -> None:
    (key_id,) = key_ring.list_store_key_ids()
    other = StoreKey.generate().id
    key_ring.store_key_path(key_id).rename(key_ring.store_key_path(other))
    for requested_id in (key_id, other):
        with pytest.raises(StoreKeyMissing) as caught:
            key_ring.load_store_key(requested_id)
        assert_safe_message(caught, key_ring.folder)


def test_an_unusable_store_key_counts_as_missing(key_ring: KeyRing) -> None:
    (key_id,) = key_ring.list_store_key_ids()
    key_ring.store_key_path(key_id).chmod(0o644)
    with pytest.raises(StoreKeyMissing, match="must be readable by its owner only"):
        key_ring.load_store_key(key_id)
    write_file(key_ring.store_key_path(key_id), RAW[:7])
    with pytest.raises(StoreKeyMissing, match="7 bytes"):
        key_ring.load_store_key(key_id)
    write_file(key_ring.store_key_path(key_id), RAW)
    with pytest.raises(StoreKeyMissing, match="another key"):
        key_ring.load_store_key(key_id)


def test_a_destroyed_key_is_overwritten_before_removal(key_ring: KeyRing, tmp_path: Path) -> None:
    (key_id,) = key_ring.list_store_key_ids()
    path = key_ring.store_key_path(key_id)
    raw = path.read_bytes()
    os.link(path, tmp_path / "what-the-disk-keeps")
    key_ring.destroy_store_key(key_id)
    assert not path.exists()
    assert key_ring.list_store_key_ids() == []
    remains = (tmp_path / "what-the-disk-keeps").read_bytes()
    assert len(remains) == 32
    assert remains != raw
    with pytest.raises(StoreKeyMissing):
        key_ring.load_store_key(key_id)
    with pytest.raises(StoreKeyMissing, match="cannot be destroyed") as caught:
        key_ring.destroy_store_key(key_id)
    assert_safe_message(caught, path)


def test_validate_refuses_a_missing_key(key_ring: KeyRing) -> None:
    for path in (key_ring.application_key_path, key_ring.signing_key_path):
        raw = path.read_bytes()
        path.unlink()
        with pytest.raises(InvalidKey, match="exposure keys generate") as caught:
            key_ring.validate(database_folder=None)
        assert_safe_message(caught, path)
        write_file(path, raw)
    key_ring.validate(database_folder=None)


@pytest.mark.parametrize("which", ["application", "signing", "store"])
@pytest.mark.parametrize(("mode", "size"), [(0o640, 32), (0o604, 32), (0o600, 31), (0o600, 0)])
def test_validate_refuses_an_unusable_key(key_ring: KeyRing, which: str, mode: int, size: int) -> None:
    (key_id,) = key_ring.list_store_key_ids()
    path = key_ring.store_key_path(key_id) if which == "store" else key_ring.folder / f"{which}.key"
    write_file(path, path.read_bytes()[:size], mode)
    with pytest.raises(InvalidKey) as caught:
        key_ring.validate(database_folder=None)
    assert_safe_message(caught, path)


@pytest.mark.parametrize(
    ("first", "other"), [("application", "signing"), ("application", "store"), ("signing", "store")]
)
def test_validate_refuses_equal_keys(key_ring: KeyRing, first: str, other: str) -> None:
    (key_id,) = key_ring.list_store_key_ids()
    paths = {
        "application": key_ring.application_key_path,
        "signing": key_ring.signing_key_path,
        "store": key_ring.store_key_path(key_id),
    }
    write_file(paths[other], paths[first].read_bytes())
    with pytest.raises(InvalidKey, match="is equal to") as caught:
        key_ring.validate(database_folder=None)
    assert_safe_message(caught, paths[first], paths[other])


def test_validate_refuses_a_copy_of_a_store_key(key_ring: KeyRing) -> None:
    (key_id,) = key_ring.list_store_key_ids()
    write_file(key_ring.store_key_path("0" * 16), key_ring.store_key_path(key_id).read_bytes())
    with pytest.raises(InvalidKey, match="is equal to"):
        key_ring.validate(database_folder=None)


def test_validate_refuses_keys_in_or_beneath_the_database_folder(key_ring: KeyRing, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(key_ring.folder)
    relative = Path(os.path.relpath(key_ring.folder))
    for folder in (key_ring.folder, key_ring.folder / "..", tmp_path / "link", relative, tmp_path):
        with pytest.raises(InvalidKey, match="one theft would take both"):
            key_ring.validate(database_folder=folder)
    key_ring.validate(database_folder=key_ring.folder / "deeper")


def test_validate_refuses_a_symlink_to_a_key_in_the_database_folder(key_ring: KeyRing, tmp_path: Path) -> None:
    (tmp_path / "database").mkdir()
    moved = key_ring.signing_key_path.rename(tmp_path / "database" / "signing.key")
    key_ring.signing_key_path.symlink_to(moved)
    with pytest.raises(InvalidKey, match="one theft would take both"):
        key_ring.validate(database_folder=tmp_path / "database")


@pytest.mark.parametrize("key_id", ["", "../application", "0" * 15, "0" * 15 + "\0", "G" * 16, "x" * 300])
def test_an_invalid_store_key_id_opens_no_file(tmp_path: Path, key_id: str) -> None:
    with pytest.raises(StoreKeyMissing, match="invalid store key id"):
        KeyRing(tmp_path).load_store_key(key_id)
