"""Files that an operator names are written beside their name first, so no symlink redirects them and no reader sees half of one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.cli.import_progress import ImportReporter, ProgressBars
from app.errors import InvalidInput
from app.private_files import NotPrivate, replace_file
from app.source_files import RejectedRow, write_source_file
from app.synthetic import synthesize


@pytest.fixture(autouse=True)
def _permissive_umask() -> Iterator[None]:
    before = os.umask(0)
    yield
    os.umask(before)


def report_rejects(path: Path) -> None:
    ImportReporter(ProgressBars(as_json=True), path, as_json=True).on_rejects([RejectedRow(2, "email", "empty")])


def synthesize_to(path: Path) -> None:
    write_source_file(path, synthesize(1, seed=1))


def test_a_file_is_replaced_as_a_whole_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with replace_file(path) as file:
        file.write(b"after")
        assert path.read_text() == "before"
    assert path.read_text() == "after"
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("before")
    with pytest.raises(ZeroDivisionError), replace_file(path) as file:
        file.write(b"after")
        raise ZeroDivisionError
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("file", "before")]


@pytest.mark.parametrize("write", [report_rejects, synthesize_to])
def test_commands_follow_no_symlink(tmp_path: Path, write: object) -> None:
    assert callable(write)
    victim, path = tmp_path / "victim.csv", tmp_path / "out.csv"
    victim.write_text("unchanged")
    path.symlink_to(victim)
    with pytest.raises(InvalidInput, match="not a regular file"):
        write(path)
    assert victim.read_text() == "unchanged"
    path.unlink()
    write(path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("plant", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_not_replaced(tmp_path: Path, plant: object) -> None:
    assert callable(plant)
    plant(path := tmp_path / "file")
    with pytest.raises(NotPrivate, match="not a regular file"), replace_file(path):
        pass


def test_the_rejects_file_is_complete(tmp_path: Path) -> None:
    report_rejects(tmp_path / "rejects.csv")
    assert (tmp_path / "rejects.csv").read_bytes() == b"line,column,reason\r\n2,email,empty\r\n"
