"""What an import adds to the catalogue: the staged data set with its properties, and the deployment's KDF parameters."""

import pytest

from app.datasets import service as datasets
from app.datasets.errors import StateConflict
from app.errors import InvalidInput
from tests.importing.helpers import MINA_EMAIL, SENTINEL_ROWS
from tests.support.deployment import Deployment, make_row


def test_one_synthetic_account_marks_the_whole_data_set_as_synthetic(deployment: Deployment) -> None:
    real = deployment.import_rows([make_row("a1", email=MINA_EMAIL, items="name")])
    with deployment.database.read() as db:
        assert not datasets.get(db, real.id).synthetic
        assert not datasets.has_synthetic_data(db)
    mixed = deployment.import_rows(
        [make_row("a1", email=MINA_EMAIL, items="name"), make_row("synthetic-1", email="p@example.com", items="name")]
    )
    with deployment.database.read() as db:
        assert datasets.get(db, mixed.id).synthetic
        assert datasets.has_synthetic_data(db)
    deployment.retire(mixed.id)
    with deployment.database.read() as db:
        assert not datasets.has_synthetic_data(db)


def test_catalog_lists_staged_data_sets_with_a_store_key_each(deployment: Deployment) -> None:
    staged = [
        deployment.import_rows([make_row("a1", email=MINA_EMAIL, items="name")], kind=kind)
        for kind in ("full", "supplement", "full")
    ]
    with deployment.database.read() as db:
        listed = datasets.list_all(db)
    assert [(dataset.id, dataset.version, dataset.kind, dataset.state) for dataset in listed] == [
        (staged[0].id, 1, "full", "staged"),
        (staged[1].id, 2, "supplement", "staged"),
        (staged[2].id, 3, "full", "staged"),
    ]
    counts = {(dataset.rows, dataset.people, dataset.published_at) for dataset in listed}
    assert counts == {(1 + SENTINEL_ROWS, 1, None)}
    assert {dataset.key_id for dataset in listed} == set(deployment.keys.list_store_key_ids())
    assert len({dataset.key_id for dataset in listed}) == 3


def test_staged_data_set_is_not_part_of_any_answer(deployment: Deployment) -> None:
    deployment.import_rows([make_row("a1", email=MINA_EMAIL, items="name")])
    answer = deployment.get_exposures(MINA_EMAIL)
    assert (answer["datasets"], answer["exposures"]) == ([], [])


def test_first_import_fixes_the_kdf_parameters(deployment: Deployment) -> None:
    rows = [make_row("a1", email=MINA_EMAIL, items="name")]
    deployment.import_rows(rows, cost="minimal")
    fixed = deployment.execute_sql("SELECT salt, time_cost, memory_kib FROM kdf_params")
    with pytest.raises(StateConflict, match="--cost default is not what the first import fixed"):
        deployment.import_rows(rows, cost="default")
    deployment.import_rows(rows, cost="minimal")
    deployment.import_rows(rows)
    assert deployment.execute_sql("SELECT salt, time_cost, memory_kib FROM kdf_params") == fixed
    assert len(deployment.execute_sql("SELECT id FROM data_sets")) == 3


def test_cost_can_be_given_as_passes_and_memory(deployment: Deployment) -> None:
    rows = [make_row("a1", email=MINA_EMAIL, items="name")]
    with pytest.raises(InvalidInput, match="--cost: must be one of"):
        deployment.import_rows(rows, cost="1:7")
    deployment.import_and_publish(rows, cost="1:512")
    assert deployment.execute_sql("SELECT time_cost, memory_kib FROM kdf_params") == [(1, 512)]
    assert len(deployment.get_exposures(MINA_EMAIL)["exposures"]) == 1
    with pytest.raises(StateConflict, match=r"--cost 2:512 is not what the first import fixed \(1:512\)"):
        deployment.import_rows(rows, cost="2:512")
    deployment.import_rows(rows, cost="1:512")
