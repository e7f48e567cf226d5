"""The work folder of an import: what another user plants there is refused or ignored, and destroys nothing."""

import json
import os
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.stretching import Argon2Cost, KdfParams
from app.datasets import service as datasets
from app.errors import InvalidInput, OperationRefused
from app.importing.spill import Spill, SpillCorrupted
from app.importing.workspace import Journal, Workspace
from app.private_files import NotPrivate, PrivateFolder
from tests.datasets.store_reader import list_sealed_tables
from tests.importing.helpers import MINA_EMAIL
from tests.support.deployment import INCIDENT_SLUG, Deployment, RecordingListener, make_row

KEY = bytes(32)
IMPORT_KEY = "one import"
JOURNAL = Journal.create(uuid4(), "0" * 16, "mac", KdfParams(bytes(16), Argon2Cost(1, 8)), 4)
NOBODY = 65534


@pytest.fixture
def work_dir(tmp_path: Path) -> Path:
    path = tmp_path / "work"
    path.mkdir(mode=0o700)
    return path


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    """A file outside the work folder, which no import may change."""
    path = tmp_path / "victim"
    path.write_text("unchanged")
    return path


@contextmanager
def open_workspace(work_dir: Path, key: bytes = KEY, import_key: str = IMPORT_KEY) -> Iterator[Workspace]:
    with Workspace.open(work_dir, import_key, key) as workspace:
        yield workspace


def folder_of(work_dir: Path, import_key: str = IMPORT_KEY) -> Path:
    return work_dir / f"exposure-import-{blake2b(import_key.encode(), digest_size=8).hexdigest()}"


def save_journal(work_dir: Path) -> Path:
    """Leave the folder of an interrupted import, with one sealed file, and return it."""
    with open_workspace(work_dir) as workspace:
        workspace.save_journal(JOURNAL)
        with workspace.subfolder(UUID(JOURNAL.dataset).hex).replace_file("sealed-0") as file:
            file.write(b"sealed")
    return folder_of(work_dir)


def assert_refused(work_dir: Path, reason: str, named: Path) -> None:
    with pytest.raises(InvalidInput, match=reason) as caught, open_workspace(work_dir):
        pass
    assert str(caught.value).startswith(f"EXPOSURE_WORK_DIR: {named}")


# --- what an attacker plants -----------------------------------------------------------------------------------------


def plant_journal(deployment: Deployment, source: Path, content: dict[str, object]) -> Path:
    """Plant a journal, as somebody could who may write to the parent of the work folder. Returns the folder."""
    store = deployment.database.url.render_as_string(hide_password=True)
    folder = folder_of(deployment.settings.work_dir, "\n".join((store, INCIDENT_SLUG, "full", str(source.resolve()))))
    folder.mkdir(mode=0o700, parents=True)
    text = json.dumps(content)
    (folder / "journal.json").write_text(text)
    (folder / "journal").write_bytes(bytes(32) + text.encode())
    return folder


@pytest.mark.parametrize("dataset", ["of the published data set", "another"])
def test_a_planted_journal_destroys_no_published_key(deployment: Deployment, dataset: str) -> None:
    rows = [make_row("a1", email=MINA_EMAIL, items="name")]
    published = deployment.import_and_publish(rows)
    (key_id,) = deployment.keys.list_store_key_ids()
    tables = list_sealed_tables(deployment)
    journal = {
        **{name: getattr(JOURNAL, name) for name in Journal.__dataclass_fields__},
        "dataset": str(published if dataset != "another" else uuid4()),
        "key_id": key_id,
    }
    plant_journal(deployment, deployment.folder / "people.csv", journal)
    listener = RecordingListener()
    deployment.import_rows(rows, listener=listener)
    assert key_id in deployment.keys.list_store_key_ids()
    assert set(tables) < set(list_sealed_tables(deployment))
    assert deployment.get_exposures(MINA_EMAIL)["exposures"]
    assert listener.events == [("restarted",)]
    assert list(deployment.settings.work_dir.glob("*")) == []


@pytest.mark.parametrize("name", ["journal.new", "journal.json", "journal", "lock", "read", "sorted"])
def test_a_planted_symlink_redirects_nothing(deployment: Deployment, victim: Path, name: str, tmp_path: Path) -> None:
    rows = [make_row("a1", email=MINA_EMAIL, items="name")]
    deployment.import_rows(rows)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "read-0").write_text("unchanged")
    folder = plant_journal(deployment, deployment.folder / "people.csv", {})
    (folder / name).unlink(missing_ok=True)
    (folder / name).symlink_to(elsewhere if name in ("read", "sorted") else victim)
    if name == "lock":
        with pytest.raises(InvalidInput, match="EXPOSURE_WORK_DIR"):
            deployment.import_rows(rows)
    else:
        deployment.import_rows(rows)
    assert victim.read_text() == "unchanged"
    assert [(path.name, path.read_text()) for path in elsewhere.iterdir()] == [("read-0", "unchanged")]


def test_a_symlink_in_place_of_the_folder_is_refused(work_dir: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    target.mkdir(mode=0o700)
    (target / "file").write_text("unchanged")
    folder_of(work_dir).symlink_to(target)
    assert_refused(work_dir, "is not a folder", folder_of(work_dir))
    assert [path.name for path in target.iterdir()] == ["file"]


def test_a_folder_of_another_user_is_refused(work_dir: Path) -> None:
    assert os.geteuid() == 0, "this test changes the owner of a folder, so it must run as root"
    work_dir.chmod(0o1777)
    folder_of(work_dir).mkdir(mode=0o700)
    os.chown(folder_of(work_dir), NOBODY, NOBODY)
    assert_refused(work_dir, "belongs to another user", folder_of(work_dir))


def test_a_work_dir_of_another_user_is_refused(work_dir: Path) -> None:
    assert os.geteuid() == 0, "this test changes the owner of a folder, so it must run as root"
    os.chown(work_dir, NOBODY, NOBODY)
    assert_refused(work_dir, "belongs to another user", work_dir)


@pytest.mark.parametrize("mode", [0o750, 0o705, 0o722, 0o777])
def test_a_folder_that_others_can_enter_is_refused(work_dir: Path, mode: int) -> None:
    folder_of(work_dir).mkdir()
    folder_of(work_dir).chmod(mode)
    assert_refused(work_dir, "accessible to others", folder_of(work_dir))


@pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
def test_a_work_dir_that_others_may_write_to_needs_the_sticky_bit(work_dir: Path, mode: int) -> None:
    work_dir.chmod(mode)
    assert_refused(work_dir, "no sticky bit", work_dir)
    work_dir.chmod(0o1000 | mode)
    with open_workspace(work_dir):
        pass


# --- the journal -----------------------------------------------------------------------------------------------------


def test_a_saved_journal_is_loaded_by_the_next_run(work_dir: Path) -> None:
    save_journal(work_dir)
    with open_workspace(work_dir) as workspace:
        assert workspace.load_journal() == JOURNAL
        assert not workspace.is_reset
        changed = replace(JOURNAL, marker_count=3)
        workspace.save_journal(changed)
        assert workspace.load_journal() == changed
        workspace.clear(changed)
    assert list(work_dir.iterdir()) == []


def assert_reset(work_dir: Path, folder: Path) -> None:
    with open_workspace(work_dir) as workspace:
        assert workspace.load_journal() is None
        assert workspace.is_reset
        assert [path.name for path in folder.iterdir()] == ["lock"]


@given(data=st.data())
def test_a_changed_journal_is_not_believed(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    work_dir = tmp_path_factory.mktemp("work")
    path = save_journal(work_dir) / "journal"
    content = path.read_bytes()
    position = data.draw(st.integers(0, len(content) - 1))
    change: Callable[[bytes], bytes] = data.draw(
        st.sampled_from(
            [
                lambda raw: raw[:position],
                lambda raw: raw[position + 1 :],
                lambda raw: raw + bytes(position + 1),
                lambda raw: raw[:position] + bytes([raw[position] ^ 1]) + raw[position + 1 :],
            ]
        )
    )
    path.write_bytes(change(content))
    assert_reset(work_dir, path.parent)


def test_a_journal_of_another_folder_or_key_is_not_believed(work_dir: Path) -> None:
    folder = save_journal(work_dir)
    other = folder_of(work_dir, "another import")
    folder.rename(other)
    with open_workspace(work_dir, import_key="another import") as workspace:
        assert workspace.load_journal() is None
        assert workspace.is_reset
    save_journal(work_dir)
    with open_workspace(work_dir, key=bytes(31) + b"1") as workspace:
        assert workspace.is_reset


def make_symlink(path: Path) -> None:
    moved = path.rename(path.parent.parent / "moved")
    path.symlink_to(moved)


def make_long(path: Path) -> None:
    path.write_bytes(path.read_bytes() + bytes(1 << 20))


@pytest.mark.parametrize("plant", [os.mkfifo, os.mkdir, make_symlink, make_long])
def test_a_journal_that_is_no_short_file_is_not_believed(work_dir: Path, plant: Callable[[Path], object]) -> None:
    path = save_journal(work_dir) / "journal"
    if plant in (os.mkfifo, os.mkdir):
        path.unlink()
    plant(path)
    assert_reset(work_dir, path.parent)


def test_a_run_whose_folder_has_just_been_deleted_is_refused(work_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PrivateFolder, "is_in_place", lambda _: False)  # as after the end of the run that held the lock
    with pytest.raises(OperationRefused, match="already running"), open_workspace(work_dir):
        pass


# --- spill files -----------------------------------------------------------------------------------------------------


def test_spill_files_are_private_and_not_reached_through_symlinks(work_dir: Path, victim: Path) -> None:
    spill = Spill.with_ephemeral_key(PrivateFolder.open(work_dir), "read")
    (work_dir / "read-0").symlink_to(victim)
    with pytest.raises(SpillCorrupted):
        spill.read(0, 0)
    spill.write(0, [b"chunk"])
    assert victim.read_text() == "unchanged"
    assert (work_dir / "read-0").lstat().st_mode & 0o777 == 0o600
    assert spill.read(0, 0) == b"chunk"


def test_another_process_opens_only_the_same_folder(work_dir: Path, tmp_path: Path) -> None:
    folder = PrivateFolder.open(work_dir)
    copy = pickle.loads(pickle.dumps(folder))  # noqa: S301  our own bytes
    with copy.replace_file("file") as file:
        file.write(b"content")
    assert folder.names() == ["file"]
    work_dir.rename(tmp_path / "moved")
    work_dir.mkdir(mode=0o700)
    assert folder.names() == ["file"]  # this process holds the folder open
    (unopened := tmp_path / "other").mkdir(mode=0o700)
    replaced = replace(PrivateFolder.open(unopened), identity=(0, 0))
    with pytest.raises(NotPrivate, match="was replaced"):
        replaced.names()


def test_published_data_set_survives_a_resumed_import_of_itself(deployment: Deployment) -> None:
    """An authentic journal whose data set is in the catalogue, of another file: nothing of the data set is destroyed."""
    rows = [make_row("a1", email=MINA_EMAIL, items="name")]

    class Killed(BaseException):
        pass

    with pytest.MonkeyPatch.context() as patched:

        def die(*_: object) -> None:
            raise Killed

        patched.setattr(Workspace, "clear", die)
        with pytest.raises(Killed):
            deployment.import_rows(rows)
    ((committed,),) = deployment.execute_sql("SELECT id FROM data_sets")
    deployment.publish(UUID(str(committed)))
    deployment.import_rows([*rows, make_row("a2", email="other@example.com", items="name")])
    with deployment.database.read() as db:
        assert datasets.get(db, UUID(str(committed))).key_id in deployment.keys.list_store_key_ids()
    assert deployment.get_exposures(MINA_EMAIL)["exposures"]
