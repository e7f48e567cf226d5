"""Key files: made once, read only by their owner, and refused where they would undo the sealed store."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.crypto.key_files import KeyRing, StoreKeyMissing, create_key_file, load
from app.crypto.keys import ApplicationKey, InvalidKey, Key, Pepper, SigningKey, StoreKey
from tests.crypto.helpers import ROLES

RAW = b"SECRET-KEY-OF-EXACTLY-32-BYTES!!"


def write(path: Path, raw: bytes, mode: int = 0o600) -> Path:
    path.write_bytes(raw)
    path.chmod(mode)
    return path


def refusal(error: pytest.ExceptionInfo[Exception], *named: object) -> str:
    """One line that names the file, and holds no key."""
    said = str(error.value)
    assert "\n" not in said
    assert all(str(name) in said for name in named)
    assert RAW.decode() not in said
    assert RAW.hex() not in said
    assert error.value.__suppress_context__ or error.value.__context__ is None
    return said


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    """A folder with an application secret, a signing key and one store key."""
    ring = KeyRing(tmp_path / "keys")
    create_key_file(ring.application_key_path, ApplicationKey.generate())
    create_key_file(ring.signing_key_path, SigningKey.generate())
    ring.save_store_key(StoreKey.generate())
    return ring


@pytest.fixture(params=[0o000, 0o022, 0o077, 0o277, 0o377])
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    """Umasks, generous and mean."""
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


@pytest.mark.parametrize("role", ROLES)
def test_a_key_comes_back(tmp_path: Path, role: type[Key]) -> None:
    key = role.generate()
    create_key_file(tmp_path / "some.key", key)
    back = load(tmp_path / "some.key", role)
    assert back == key
    assert type(back) is role


def test_only_the_owner_reads_a_new_key(tmp_path: Path, umask: int) -> None:
    path = tmp_path / "some.key"
    create_key_file(path, Pepper(RAW))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes() == RAW


def test_only_the_owner_enters_a_new_folder(tmp_path: Path) -> None:
    create_key_file(tmp_path / "new" / "some.key", Pepper(RAW))
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "some.key"
    create_key_file(path, Pepper(RAW))
    with pytest.raises(InvalidKey, match="never overwritten") as caught:
        create_key_file(path, Pepper.generate())
    refusal(caught, path)
    assert path.read_bytes() == RAW


def test_nor_is_one_written_through_a_link(tmp_path: Path) -> None:
    (tmp_path / "some.key").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(InvalidKey):
        create_key_file(tmp_path / "some.key", Pepper(RAW))
    assert not (tmp_path / "elsewhere").exists()


def test_a_key_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "file" / "some.key", tmp_path / "file" / "deeper" / "some.key", tmp_path / ("x" * 300)):
        with pytest.raises(InvalidKey) as caught:
            create_key_file(path, Pepper(RAW))
        refusal(caught, path)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o620, 0o601, 0o777])
def test_a_key_that_others_can_get_at_is_refused(tmp_path: Path, mode: int) -> None:
    path = write(tmp_path / "some.key", RAW, mode)
    with pytest.raises(InvalidKey, match="must be readable by its owner only") as caught:
        load(path, Pepper)
    refusal(caught, path)


@pytest.mark.parametrize("raw", [b"", RAW[:-1], RAW + b"\n", RAW * 2])
def test_a_key_of_another_size_is_refused(tmp_path: Path, raw: bytes) -> None:
    path = write(tmp_path / "some.key", raw)
    with pytest.raises(InvalidKey, match=f"{len(raw)} bytes") as caught:
        load(path, Pepper)
    refusal(caught, path)


def test_a_missing_key_is_refused(tmp_path: Path) -> None:
    (tmp_path / "folder.key").mkdir(mode=0o700)
    for path in (tmp_path / "none.key", tmp_path / "folder.key"):
        with pytest.raises(InvalidKey, match="cannot be read") as caught:
            load(path, Pepper)
        refusal(caught, path)


def test_a_ring_gives_its_keys(ring: KeyRing) -> None:
    (key_id,) = ring.list_store_key_ids()
    assert type(ring.load_application_key()) is ApplicationKey
    assert type(ring.load_signing_key()) is SigningKey
    assert ring.store(key_id).id == key_id
    another = StoreKey.generate()
    ring.save_store_key(another)
    assert ring.list_store_key_ids() == sorted([key_id, another.id])
    assert ring.store(another.id) == another
    ring.check(database_folder=None)
    ring.check(database_folder=ring.folder.parent)


def test_a_store_key_is_kept_under_its_own_name_and_only_once(ring: KeyRing) -> None:
    key = StoreKey(RAW)
    ring.save_store_key(key)
    path = ring.store_key_path(key.id)
    assert path.read_bytes() == RAW
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = ring.list_store_key_ids()
    with pytest.raises(InvalidKey, match="never overwritten") as caught:
        ring.save_store_key(StoreKey(RAW))
    refusal(caught, path)
    assert ring.list_store_key_ids() == before
    assert ring.store(key.id) == key


def test_a_store_key_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    key = StoreKey(RAW)
    with pytest.raises(InvalidKey, match="cannot be made") as caught:
        KeyRing(tmp_path / "file").save_store_key(key)
    refusal(caught, KeyRing(tmp_path / "file").store_key_path(key.id))


def test_a_store_key_under_another_name_is_missing(ring: KeyRing) -> None:
    (key_id,) = ring.list_store_key_ids()
    other = StoreKey.generate().id
    ring.store_key_path(key_id).rename(ring.store_key_path(other))
    for asked in (key_id, other):
        with pytest.raises(StoreKeyMissing) as caught:
            ring.store(asked)
        refusal(caught, ring.folder)


def test_a_store_key_that_cannot_be_used_is_missing(ring: KeyRing) -> None:
    (key_id,) = ring.list_store_key_ids()
    ring.store_key_path(key_id).chmod(0o644)
    with pytest.raises(StoreKeyMissing, match="must be readable by its owner only"):
        ring.store(key_id)
    write(ring.store_key_path(key_id), RAW[:7])
    with pytest.raises(StoreKeyMissing, match="7 bytes"):
        ring.store(key_id)
    write(ring.store_key_path(key_id), RAW)
    with pytest.raises(StoreKeyMissing, match="another key"):
        ring.store(key_id)


def test_a_destroyed_key_is_overwritten_before_it_goes(ring: KeyRing, tmp_path: Path) -> None:
    (key_id,) = ring.list_store_key_ids()
    path = ring.store_key_path(key_id)
    raw = path.read_bytes()
    os.link(path, tmp_path / "what-the-disk-keeps")
    ring.destroy_store_key(key_id)
    assert not path.exists()
    assert ring.list_store_key_ids() == []
    kept = (tmp_path / "what-the-disk-keeps").read_bytes()
    assert len(kept) == 32
    assert kept != raw
    with pytest.raises(StoreKeyMissing):
        ring.store(key_id)
    with pytest.raises(StoreKeyMissing, match="cannot be destroyed") as caught:
        ring.destroy_store_key(key_id)
    refusal(caught, path)


def test_a_ring_without_its_keys_is_refused(ring: KeyRing) -> None:
    for path in (ring.application_key_path, ring.signing_key_path):
        raw = path.read_bytes()
        path.unlink()
        with pytest.raises(InvalidKey, match="exposure keys generate") as caught:
            ring.check(database_folder=None)
        refusal(caught, path)
        write(path, raw)
    ring.check(database_folder=None)


@pytest.mark.parametrize("which", ["application", "signing", "store"])
@pytest.mark.parametrize(("mode", "size"), [(0o640, 32), (0o604, 32), (0o600, 31), (0o600, 0)])
def test_a_ring_with_an_unusable_key_is_refused(ring: KeyRing, which: str, mode: int, size: int) -> None:
    (key_id,) = ring.list_store_key_ids()
    path = ring.store_key_path(key_id) if which == "store" else ring.folder / f"{which}.key"
    write(path, path.read_bytes()[:size], mode)
    with pytest.raises(InvalidKey) as caught:
        ring.check(database_folder=None)
    refusal(caught, path)


@pytest.mark.parametrize(("one", "other"), [("application", "signing"), ("application", "store"), ("signing", "store")])
def test_a_ring_with_equal_keys_is_refused(ring: KeyRing, one: str, other: str) -> None:
    (key_id,) = ring.list_store_key_ids()
    paths = {
        "application": ring.application_key_path,
        "signing": ring.signing_key_path,
        "store": ring.store_key_path(key_id),
    }
    write(paths[other], paths[one].read_bytes())
    with pytest.raises(InvalidKey, match="is equal to") as caught:
        ring.check(database_folder=None)
    refusal(caught, paths[one], paths[other])


def test_a_store_key_kept_twice_is_refused(ring: KeyRing) -> None:
    (key_id,) = ring.list_store_key_ids()
    write(ring.store_key_path("0" * 16), ring.store_key_path(key_id).read_bytes())
    with pytest.raises(InvalidKey, match="is equal to"):
        ring.check(database_folder=None)


def test_keys_where_the_database_lies_are_refused(ring: KeyRing, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(ring.folder)
    for folder in (ring.folder, ring.folder / "..", tmp_path / "link", Path(os.path.relpath(ring.folder))):
        if folder.name == "..":
            ring.check(database_folder=folder)
            continue
        with pytest.raises(InvalidKey, match="one theft would take both"):
            ring.check(database_folder=folder)


@pytest.mark.parametrize("key_id", ["", "../application", "0" * 15, "0" * 15 + "\0", "G" * 16, "x" * 300])
def test_a_name_that_is_none_of_a_store_key_opens_no_file(tmp_path: Path, key_id: str) -> None:
    with pytest.raises(StoreKeyMissing, match="cannot be one"):
        KeyRing(tmp_path).store(key_id)
