"""Imports to two shards that fail or are killed: nothing is left once the same command has been run again."""

import random
from pathlib import Path

import pytest

from app.db import DatabaseUnavailable
from app.errors import OperationRefused
from app.source_files import write_source_file
from app.synthetic import synthesize
from tests.datasets.sharding.helpers import (
    PEOPLE,
    PHONES,
    assert_found,
    database_name,
    get_exposures,
    sealed_tables_on_shards,
    tables_of,
)
from tests.importing.test_interrupted_import import (
    assert_same_data_and_no_leftovers,
    kill_parent,
    kill_worker,
    run_and_kill_at,
    run_to_completion,
)
from tests.support.deployment import Deployment
from tests.support.postgres_cluster import PASSWORD, PostgresCluster
from tests.support.simulated_kill import killed_at

pytestmark = pytest.mark.fleet


@pytest.mark.parametrize(
    "function", ["sealed_rows.copy_rows", "sealed_rows.create_sharded_table", "catalog_queries.insert_data_set"]
)
def test_an_import_killed_while_loading_leaves_no_table_after_a_rerun(
    deployment: Deployment, postgres_cluster: PostgresCluster, function: str
) -> None:
    before = sealed_tables_on_shards(postgres_cluster)

    with killed_at(f"app.datasets.{function}", without="app.importing.pipeline._ImportRun._try_clean_up"):
        deployment.import_rows(PEOPLE)
    leftover = sealed_tables_on_shards(postgres_cluster) - before
    assert len(leftover) == (
        0 if function == "sealed_rows.copy_rows" else 2
    )  # committed on the shards, but unknown to the primary
    dataset = deployment.import_and_publish(PEOPLE)
    assert sealed_tables_on_shards(postgres_cluster) - before == tables_of(dataset)
    assert leftover in (set(), sealed_tables_on_shards(postgres_cluster) - before)
    assert_found(get_exposures(deployment, deployment.sign_in(PHONES[0])))
    assert len(deployment.keys.list_store_key_ids()) == 1


def test_an_import_killed_repeatedly_gives_the_same_result(
    deployment: Deployment, postgres_cluster: PostgresCluster, tmp_path: Path
) -> None:
    file = tmp_path / "made-up.csv"
    write_source_file(file, synthesize(160, seed=3))
    before = sealed_tables_on_shards(postgres_cluster)
    deployment.import_file(file)
    rng = random.Random(11)
    for _ in range(4):
        run_and_kill_at(deployment, file, rng.randrange(40, 80), rng.choice([kill_worker, kill_parent]))
    run_to_completion(deployment, file)
    assert_same_data_and_no_leftovers(deployment, file)
    dataset_ids = [dataset for (dataset,) in deployment.execute_sql("SELECT id FROM data_sets")]
    assert sealed_tables_on_shards(postgres_cluster) - before == set().union(*map(tables_of, dataset_ids))


def test_an_import_with_a_shard_down_fails_and_leaves_nothing(
    deployment: Deployment, postgres_cluster: PostgresCluster
) -> None:
    before = sealed_tables_on_shards(postgres_cluster)
    postgres_cluster.shards[1].stop("immediate")
    try:
        with pytest.raises(DatabaseUnavailable, match="server shard_1") as caught:
            deployment.import_rows(PEOPLE)
        assert PASSWORD not in str(caught.value)
    finally:
        postgres_cluster.shards[1].start()
    assert sealed_tables_on_shards(postgres_cluster) == before
    assert deployment.execute_sql("SELECT * FROM data_sets") == []
    deployment.import_rows(PEOPLE)
    assert len(sealed_tables_on_shards(postgres_cluster) - before) == 2


def test_importing_a_changed_file_removes_the_interrupted_import(
    deployment: Deployment, postgres_cluster: PostgresCluster
) -> None:
    """The same command runs again after the file has changed. A shard that is down at that time must be cleaned up later."""
    before = sealed_tables_on_shards(postgres_cluster)

    with killed_at(
        "app.datasets.sealed_rows.create_sharded_table", without="app.importing.pipeline._ImportRun._try_clean_up"
    ):
        deployment.import_rows(PEOPLE)
    postgres_cluster.shards[0].stop("immediate")
    try:
        with pytest.raises(DatabaseUnavailable, match="server shard_0"):
            deployment.import_rows(PEOPLE[1:])
    finally:
        postgres_cluster.shards[0].start()
    dataset = deployment.import_rows(PEOPLE[1:]).id
    assert sealed_tables_on_shards(postgres_cluster) - before == tables_of(dataset)
    assert len(deployment.keys.list_store_key_ids()) == 1


def test_a_missing_user_mapping_names_the_shard(deployment: Deployment, postgres_cluster: PostgresCluster) -> None:
    name = database_name(deployment.settings.database_url)
    postgres_cluster.primary.run_as_superuser("DROP USER MAPPING FOR exposure SERVER shard_1", name)
    with pytest.raises(OperationRefused, match="shard_1"):
        deployment.import_rows(PEOPLE)
    assert deployment.execute_sql("SELECT * FROM data_sets") == []
