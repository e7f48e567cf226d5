"""Fixtures of the command line tests."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from app.crypto.key_files import KeyRing, create_key_file
from app.crypto.keys import ApplicationKey, Pepper, SigningKey
from app.crypto.ratchet_file import RatchetFile
from tests.cli.cli_driver import CliDriver, run_in_process


@pytest.fixture
def cli(tmp_path: Path, migrated_sqlite: Path) -> CliDriver:
    """Create a deployment with a schema and keys, and nothing else."""
    (tmp_path / "database").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "database" / "exposure.sqlite3")
    keys = KeyRing(tmp_path / "keys")
    create_key_file(keys.application_key_path, ApplicationKey.generate())
    create_key_file(keys.signing_key_path, SigningKey.generate())
    RatchetFile(keys.folder / "ratchet").create(epoch=0)
    create_key_file(tmp_path / "pepper" / "pepper.key", Pepper.generate())
    (tmp_path / "nobody").write_text("")
    return replace(CliDriver.in_folder(tmp_path), run=run_in_process)
