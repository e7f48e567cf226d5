"""Only the owner can read the files of a SQLite database."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.db import Database
from app.db.upgrade import upgrade
from tests.cli.cli_driver import CliDriver, run_in_process


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}


def test_new_files_have_mode_0600(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/new/exposure.sqlite3")
    assert list((tmp_path / "new").iterdir()) == []  # before the first use
    upgrade(database)
    with database.write() as db:
        db.connection().exec_driver_sql("CREATE TABLE t (a)")
        assert modes(tmp_path / "new") == {f"exposure.sqlite3{suffix}": 0o600 for suffix in ("", "-wal", "-shm")}
    database.close()


def test_upgrade_restricts_files_of_an_earlier_version(tmp_path: Path) -> None:
    cli = replace(CliDriver.in_folder(tmp_path), run=run_in_process)
    cli("db", "upgrade")
    path = tmp_path / "database" / "exposure.sqlite3"
    path.chmod(0o644)
    assert [event["event"] for event in cli("db", "upgrade", "--json").objects] == ["restricted", "upgraded"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert [event["event"] for event in cli("db", "upgrade", "--json").objects] == ["upgraded"]
