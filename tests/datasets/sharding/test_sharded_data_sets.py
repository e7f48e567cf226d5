"""A data set spread over two shards: look-up, versions, integrity check, suppression, retirement."""

import itertools
import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from app.datasets import sealed_rows
from app.datasets.errors import SentinelMissing, StateConflict
from app.datasets.sealed_rows import table_name
from app.datasets.shard_ranges import range_index
from app.datasets.shards import open_shards
from app.db import fetch
from tests.cli.cli_driver import CliDriver
from tests.datasets.operator_actions import check_integrity, suppress
from tests.datasets.sharding.helpers import (
    PEOPLE,
    PHONES,
    UNAFFECTED_EMAIL,
    assert_found,
    database_name,
    get_exposures,
    locators_on,
    phone_on_shard,
    sealed_tables_on_shards,
    tables_of,
)
from tests.support.deployment import Deployment, make_row
from tests.support.postgres_cluster import PASSWORD, PostgresCluster

pytestmark = pytest.mark.fleet


def test_import_publish_and_look_up_on_two_shards(
    deployment: Deployment, postgres_cluster: PostgresCluster, dataset: UUID
) -> None:
    locators_by_shard = [locators_on(shard, dataset) or [] for shard in postgres_cluster.shards]
    assert all(len(rows) > 2 for rows in locators_by_shard)
    assert sum(map(len, locators_by_shard)) == len(PEOPLE) + 2  # a sentinel on each shard
    assert [{range_index(locator, 2) for locator in rows} for rows in locators_by_shard] == [{0}, {1}]
    for index, shard in enumerate(postgres_cluster.shards):
        misplaced = locators_by_shard[1 - index][0]
        with shard.connect() as connection, pytest.raises(psycopg.errors.CheckViolation):
            connection.execute(f"INSERT INTO {table_name(dataset)} VALUES (99, %s, '')", [misplaced])
    for phone in PHONES:
        (exposure,) = deployment.get_exposures(phone)["exposures"]
        assert [item["kind"] for item in exposure["items"]] == ["name"]
    (result,) = deployment.get_exposures(UNAFFECTED_EMAIL)["datasets"]
    assert result["result"] == "not_found"
    phones = [phone_on_shard(deployment, dataset, shard) for shard in (0, 1)]
    assert deployment.get_exposures(*phones)["datasets"][0]["result"] == "found"
    assert deployment.client.get("/readyz").status_code == 200


@pytest.mark.parametrize("mode", ["force_custom_plan", "force_generic_plan"])
def test_look_up_statement_asks_one_shard_which_searches_by_key(
    deployment: Deployment, dataset: UUID, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    later = deployment.import_and_publish(PEOPLE, kind="supplement")
    sent: list[tuple[str, list[bytes]]] = []

    def record_statement(db: Any, statement: str, values: list[bytes]) -> list[Any]:
        sent.append((statement, values))
        return fetch(db, statement, values)

    for shard in (0, 1):
        headers = deployment.sign_in(phone_on_shard(deployment, dataset, shard))
        with monkeypatch.context() as patched:
            patched.setattr(sealed_rows, "fetch", record_statement)
            assert_found(get_exposures(deployment, headers))
        statement, values = sent[-1]
        placeholders = itertools.count(1)
        statement = re.sub("%s", lambda _: f"${next(placeholders)}", statement)  # noqa: B023
        with psycopg.connect(deployment.settings.database_url, autocommit=True) as connection:
            connection.execute(f"SET plan_cache_mode = {mode}")
            connection.execute(f"PREPARE look_up AS {statement}")
            literals = ", ".join(f"'\\x{value.hex()}'" for value in values)
            lines = connection.execute(f"EXPLAIN (VERBOSE, COSTS OFF) EXECUTE look_up ({literals})").fetchall()
        plan_text = "\n".join(line for (line,) in lines)
        scanned = re.findall(r"Foreign Scan on public\.(\w+)", plan_text)
        # the later set has another store key, so the same person may be on the other shard
        assert [name for name in scanned if name.startswith(table_name(dataset))] == [f"{table_name(dataset)}_{shard}"]
        assert len([name for name in scanned if name.startswith(table_name(later))]) == 1
        assert len(re.findall(r"Remote SQL: .* WHERE \(\(locator = ANY \(", plan_text)) == 2
        assert "Filter" not in plan_text


def test_unsharded_and_sharded_data_sets_coexist(
    make_deployment: Callable[..., Deployment], postgres_cluster: PostgresCluster, unsharded_database_url: str
) -> None:
    deployment = make_deployment(database_url=unsharded_database_url)
    before = deployment.import_and_publish(PEOPLE[:12])
    assert locators_on(postgres_cluster.shards[0], before) is None
    postgres_cluster.register_shards(database_name(unsharded_database_url))
    after = deployment.import_and_publish(PEOPLE[12:], kind="supplement")
    assert locators_on(postgres_cluster.shards[0], after)
    for phone in (PHONES[0], PHONES[-1]):
        assert {dataset["result"] for dataset in deployment.get_exposures(phone)["datasets"]} == {"found", "not_found"}
    deployment.publish(deployment.import_rows(PEOPLE).id)
    deployment.retire(before)
    deployment.retire(after)
    assert locators_on(postgres_cluster.shards[0], after) is None
    assert_found(get_exposures(deployment, deployment.sign_in(PHONES[0])))


def test_a_single_shard_holds_all_rows(deployment: Deployment, postgres_cluster: PostgresCluster) -> None:
    postgres_cluster.primary.run_as_superuser(
        "DROP SERVER shard_0 CASCADE", database_name(deployment.settings.database_url)
    )
    dataset = deployment.import_and_publish(PEOPLE)
    assert len(locators_on(postgres_cluster.shards[1], dataset) or []) == len(PEOPLE) + 1
    assert_found(get_exposures(deployment, deployment.sign_in(PHONES[0])))
    assert check_integrity(deployment, dataset).problems == ()


def test_a_server_role_without_a_user_mapping_keeps_a_data_set_from_being_published(
    deployment: Deployment, postgres_cluster: PostgresCluster, dataset: UUID
) -> None:
    name = database_name(deployment.settings.database_url)
    postgres_cluster.primary.run_as_superuser("DROP USER MAPPING FOR exposure_server SERVER shard_1", name)
    newer = deployment.import_rows(PEOPLE)
    with pytest.raises(StateConflict, match="role exposure_server cannot read the rows"):
        deployment.publish(newer.id)
    assert deployment.execute_sql("SELECT state FROM data_sets ORDER BY version") == [("published",), ("staged",)]


def test_publish_a_new_version_and_roll_back(deployment: Deployment, dataset: UUID) -> None:
    headers = deployment.sign_in(PHONES[0])
    newer = deployment.import_and_publish(PEOPLE[1:])
    (exposure,) = get_exposures(deployment, headers).json()["exposures"]
    assert exposure["confidence"] == "under_review"
    deployment.publish(dataset)
    (exposure,) = get_exposures(deployment, headers).json()["exposures"]
    assert exposure["confidence"] == "confirmed"
    assert check_integrity(deployment, newer).problems == ()


def test_integrity_check_covers_every_row_on_the_shards(
    deployment: Deployment, postgres_cluster: PostgresCluster, dataset: UUID
) -> None:
    report = check_integrity(deployment, dataset, deployment.folder / "people.csv")
    assert (report.rows, report.sampled, report.problems) == (len(PEOPLE) + 2, len(PEOPLE), ())
    sentinels = 0
    for locator in locators_on(postgres_cluster.shards[1], dataset) or []:
        with postgres_cluster.shards[1].connect(autocommit=False) as connection:
            statement = f"DELETE FROM {table_name(dataset)} WHERE locator = %s RETURNING *"
            rows = connection.execute(statement, [locator]).fetchall()
            connection.commit()
        try:
            assert check_integrity(deployment, dataset).problems
        except SentinelMissing:
            sentinels += 1
        with postgres_cluster.shards[1].connect() as connection:
            connection.execute(f"INSERT INTO {table_name(dataset)} VALUES (%s, %s, %s)", rows[0])
    assert sentinels == 1
    assert check_integrity(deployment, dataset).problems == ()


@pytest.mark.parametrize("shard", [0, 1])
def test_integrity_check_finds_an_emptied_shard(
    deployment: Deployment, postgres_cluster: PostgresCluster, dataset: UUID, shard: int
) -> None:
    with postgres_cluster.shards[shard].connect() as connection:
        connection.execute(f"DELETE FROM {table_name(dataset)}")
    with pytest.raises(SentinelMissing):
        check_integrity(deployment, dataset)


def test_suppression_deletes_rows_on_every_shard(deployment: Deployment, postgres_cluster: PostgresCluster) -> None:
    emails = [f"mina{number}@example.com" for number in range(12)]
    person = make_row("mina", phone=PHONES[0], email="|".join(emails), items="name")
    dataset = deployment.import_and_publish([person, *PEOPLE[1:]])
    before = [len(locators_on(shard, dataset) or []) for shard in postgres_cluster.shards]
    assert suppress(deployment, dataset, PHONES[0]) == {dataset: 13}
    after = [len(locators_on(shard, dataset) or []) for shard in postgres_cluster.shards]
    assert sum(before) - sum(after) == 13
    assert all(remaining < initial for initial, remaining in zip(before, after, strict=True))
    assert check_integrity(deployment, dataset).problems == ()
    assert deployment.get_exposures(PHONES[0])["datasets"][0]["result"] == "not_found"
    assert deployment.get_exposures(PHONES[1])["datasets"][0]["result"] == "found"


def test_retire_drops_the_rows_on_every_shard(
    deployment: Deployment, postgres_cluster: PostgresCluster, dataset: UUID
) -> None:
    before = sealed_tables_on_shards(postgres_cluster)
    newer = deployment.import_and_publish(PEOPLE)
    deployment.retire(dataset)
    assert sealed_tables_on_shards(postgres_cluster) - before == tables_of(newer)
    assert before - sealed_tables_on_shards(postgres_cluster) == tables_of(dataset)
    assert_found(get_exposures(deployment, deployment.sign_in(PHONES[0])))
    with pytest.raises(StateConflict):
        deployment.publish(dataset)


def test_retire_with_a_shard_down_can_be_repeated(
    deployment: Deployment, postgres_cluster: PostgresCluster, dataset: UUID
) -> None:
    deployment.import_and_publish(PEOPLE)
    headers = deployment.sign_in(phone_on_shard(deployment, dataset, 0))
    url, keys = deployment.settings.database_url, deployment.settings.key_dir
    exposure = CliDriver.in_folder(deployment.folder, url).with_settings(
        EXPOSURE_KEY_DIR=str(keys), EXPOSURE_PEPPER_FILE=None
    )
    postgres_cluster.shards[0].stop("immediate")
    try:
        error_output = exposure.expect_refusal("dataset", "retire", dataset, exit_code=1)
        assert re.search(f"server shard_0 .*{dataset}.*again", error_output)
        assert PASSWORD not in error_output
    finally:
        postgres_cluster.shards[0].start()
    assert deployment.execute_sql(f"SELECT state FROM data_sets WHERE id = '{dataset}'") == [("retired",)]
    assert locators_on(postgres_cluster.shards[0], dataset)
    assert locators_on(postgres_cluster.shards[1], dataset) is None
    assert_found(get_exposures(deployment, headers))
    exposure("dataset", "retire", dataset)
    assert locators_on(postgres_cluster.shards[0], dataset) is None


def test_open_shards_reads_the_primary_and_hides_the_password(
    deployment: Deployment, postgres_cluster: PostgresCluster
) -> None:
    with open_shards(deployment.database) as shards:
        assert list(shards) == ["shard_0", "shard_1"]
        assert PASSWORD not in repr(shards)
        assert PASSWORD not in repr([(shard.url, shard.engine) for shard in shards.values()])
        for shard, server in zip(shards.values(), postgres_cluster.shards, strict=True):
            with shard.write() as db:
                driver: Any = db.connection().connection.driver_connection
                assert driver.info.host == str(server.folder)
                assert driver.info.user == "exposure"
