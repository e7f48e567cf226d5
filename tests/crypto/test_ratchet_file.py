"""The ratchet file: shared by processes, never torn, and without earlier states once it has advanced."""

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.crypto.key_files import overwrite_file
from app.crypto.keys import InvalidKey
from app.crypto.ratchet_file import RatchetFile

CHILD = Path(__file__).with_name("killed_ratchet_process.py")
MAX_STEPS = 40


@pytest.fixture
def file(tmp_path: Path) -> RatchetFile:
    file = RatchetFile(tmp_path / "ratchet")
    file.create(100)
    return file


def test_a_new_file_is_readable_by_its_owner_only_and_is_not_replaced(file: RatchetFile) -> None:
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.folder.stat().st_mode) == 0o700
    raw = file.path.read_bytes()
    assert len(raw) == 36
    with pytest.raises(InvalidKey, match="never overwritten"):
        file.create(200)
    assert file.path.read_bytes() == raw


def test_advance_replaces_the_state_and_never_goes_back(file: RatchetFile) -> None:
    start = file.load()
    advanced = file.advance_to(103)
    assert advanced == start.advance_to(103) == start.advance_to(101).advance_to(103) == file.load()
    assert advanced.state not in (start.state, start.advance_to(102).state)
    assert file.advance_to(99) == file.advance_to(103) == advanced
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert os.listdir(file.folder) == ["ratchet.key"]  # noqa: PTH208  only the names


def test_the_old_bytes_are_overwritten(file: RatchetFile) -> None:
    old_state = file.path.read_bytes()[4:]
    with file.path.open("rb") as still_open:
        file.advance_to(101)
        assert old_state not in still_open.read()
        assert still_open.tell() == 36


@pytest.mark.parametrize("raw", [b"", bytes(35), bytes(37), bytes(5000)])
def test_a_file_of_the_wrong_size_is_refused(file: RatchetFile, raw: bytes) -> None:
    file.path.write_bytes(raw)
    for use in (file.load, lambda: file.advance_to(101)):
        with pytest.raises(InvalidKey, match=rf"must be 36 bytes, is {len(raw)} bytes"):
            use()
    assert file.path.read_bytes() == raw


def test_a_file_that_is_not_private_or_no_file_is_refused(file: RatchetFile, tmp_path: Path) -> None:
    file.path.chmod(0o640)
    with pytest.raises(InvalidKey, match="must be readable by its owner only"):
        file.load()
    moved = file.path.rename(tmp_path / "elsewhere.key")
    file.path.symlink_to(moved)
    with pytest.raises(InvalidKey, match="cannot be read"):
        file.load()
    file.path.unlink()
    os.mkfifo(file.path, 0o600)
    with pytest.raises(InvalidKey, match="not a regular file"):
        file.load()
    file.path.unlink()
    with pytest.raises(InvalidKey, match="`exposure keys generate`"):
        file.advance_to(101)
    with pytest.raises(InvalidKey, match="cannot be created"):
        RatchetFile(moved / "folder").create(1)
    with pytest.raises(InvalidKey, match="cannot be opened"):
        RatchetFile(moved).load()


def test_a_planted_link_is_not_followed(file: RatchetFile, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("kept")
    (file.folder / "ratchet.new").symlink_to(victim)
    before = file.load()
    with pytest.raises(InvalidKey, match="cannot be read and replaced"):
        file.advance_to(101)
    assert victim.read_text() == "kept"
    assert file.load() == before


def test_processes_that_advance_and_read_at_once_see_whole_files(file: RatchetFile) -> None:
    start, failures = file.load(), list[object]()

    def work() -> None:
        own = RatchetFile(file.folder)  # each call takes the lock with a descriptor of its own, as another process does
        for epoch in range(101, 131):
            for position in (own.load(), own.advance_to(epoch)):
                if position != start.advance_to(position.epoch):
                    failures.append(position.epoch)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert file.load() == start.advance_to(130)


@pytest.mark.kill
def test_a_killed_process_leaves_the_old_or_the_new_file(file: RatchetFile) -> None:
    """The process dies before each of its system calls in turn, and once more after a kill has left files behind."""
    outcomes = list[int]()
    for step in range(MAX_STEPS):
        before = file.load()
        target = before.epoch + 1
        child = subprocess.run([sys.executable, CHILD, file.folder, str(target), str(step)], cwd=Path.cwd())
        after = file.load()
        assert after in (before, before.advance_to(target)), f"step {step}"
        outcomes.append(after.epoch - before.epoch)
        if child.returncode == 0:
            break
        assert child.returncode == -signal.SIGKILL
    else:
        pytest.fail("the process makes more calls than the test allows")
    assert outcomes[0] == 0
    assert outcomes == sorted(outcomes)
    file.advance_to(file.load().epoch + 1)
    assert os.listdir(file.folder) == ["ratchet.key"]  # noqa: PTH208


def test_what_a_killed_process_left_is_overwritten(file: RatchetFile) -> None:
    leftover = file.folder / "ratchet.new"
    leftover.write_bytes(b"state of an earlier hour")
    with leftover.open("rb") as still_open:
        file.advance_to(101)
        assert b"state" not in still_open.read()


def test_the_name_is_durable_before_the_old_bytes_are_overwritten(
    file: RatchetFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power failure, the name must not lead to overwritten bytes."""
    calls = list[str]()
    sync = os.fsync

    def record_sync(handle: int) -> None:
        calls.append("sync folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else "sync file")
        sync(handle)

    def record_overwrite(opened: object) -> None:
        calls.append("overwrite")
        overwrite_file(opened)  # type: ignore[arg-type]

    monkeypatch.setattr(os, "fsync", record_sync)
    monkeypatch.setattr("app.crypto.ratchet_file.overwrite_file", record_overwrite)
    file.advance_to(101)
    assert calls == ["sync file", "sync folder", "sync folder", "overwrite", "sync file"]
