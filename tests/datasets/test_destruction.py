"""Store keys and tables that a data set needs are never destroyed, by any caller."""

import re
from pathlib import Path
from uuid import uuid4

import pytest

from app.crypto.key_files import StoreKeyMissing
from app.crypto.keys import StoreKey
from app.datasets import sealed_rows
from app.datasets.destruction import destroy_store_key, drop_uncatalogued_rows
from app.datasets.errors import StillNeeded
from app.db import Database, DatabaseUnavailable
from tests.datasets.store_reader import list_sealed_tables
from tests.support.deployment import Deployment, make_row

ROOT = Path(__file__).parents[2]
ROWS = [make_row("a1", email="mina@example.com", items="name")]


@pytest.mark.parametrize("state", ["staged", "published", "superseded"])
def test_the_key_and_rows_of_a_data_set_are_kept(deployment: Deployment, state: str) -> None:
    dataset = deployment.import_rows(ROWS).id
    (key_id,) = deployment.keys.list_store_key_ids()
    if state != "staged":
        deployment.publish(dataset)
    if state == "superseded":
        deployment.import_and_publish(ROWS)
    before = deployment.keys.store_key_path(key_id).read_bytes()
    with pytest.raises(StillNeeded, match=f"is used by data set {dataset}"):
        destroy_store_key(deployment.database, deployment.keys, key_id)
    with pytest.raises(StillNeeded, match="is in the catalogue"):
        drop_uncatalogued_rows(deployment.database, {}, dataset)
    assert deployment.keys.store_key_path(key_id).read_bytes() == before
    assert f"sealed_{dataset.hex}" in list_sealed_tables(deployment)


def test_a_key_is_kept_while_the_catalogue_cannot_be_read(deployment: Deployment) -> None:
    deployment.keys.save_store_key(key := StoreKey.generate())
    unreachable = Database("postgresql://127.0.0.1:1/none")
    with pytest.raises(DatabaseUnavailable):
        destroy_store_key(unreachable, deployment.keys, key.id)
    assert deployment.keys.load_store_key(key.id) == key


def test_what_no_data_set_needs_is_destroyed(deployment: Deployment) -> None:
    deployment.keys.save_store_key(key := StoreKey.generate())
    destroy_store_key(deployment.database, deployment.keys, key.id)
    assert deployment.keys.list_store_key_ids() == []
    with deployment.database.write() as db:
        sealed_rows.create_table(db, unfinished := uuid4())
    drop_uncatalogued_rows(deployment.database, {}, unfinished)
    assert list_sealed_tables(deployment) == []


def test_retiring_destroys_the_key(deployment: Deployment) -> None:
    dataset = deployment.import_rows(ROWS).id
    deployment.retire(dataset)
    assert deployment.keys.list_store_key_ids() == []


@pytest.mark.parametrize("key_id", ["../application", "", "0" * 15, "0" * 16 + "\n"])
def test_an_invalid_key_id_reaches_no_file(deployment: Deployment, key_id: str) -> None:
    with pytest.raises(StoreKeyMissing, match="invalid store key id"):
        deployment.keys.destroy_store_key(key_id)


def test_a_symlink_in_place_of_a_store_key_is_not_followed(deployment: Deployment, tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("unchanged")
    path = deployment.keys.store_key_path("0" * 16)
    path.symlink_to(tmp_path / "victim")
    with pytest.raises(StoreKeyMissing, match="cannot be destroyed"):
        destroy_store_key(deployment.database, deployment.keys, "0" * 16)
    assert (tmp_path / "victim").read_text() == "unchanged"


def test_only_the_guarded_function_destroys_store_keys() -> None:
    callers = [
        path.relative_to(ROOT).as_posix()
        for folder in ("app", "benchmarks", "simulation", "tests/support")
        for path in (ROOT / folder).rglob("*.py")
        if re.search(r"\.destroy_store_key\(", path.read_text(encoding="utf-8"))
    ]
    assert callers == ["app/datasets/destruction.py"]
