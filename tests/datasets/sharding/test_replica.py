"""Look-ups that read a replica: only look-ups use it, and a stale replica gives 503 instead of a wrong answer."""

from collections.abc import Callable
from typing import Any

import pytest

from app.datasets.sealed_rows import table_name
from tests.datasets.operator_actions import check_integrity, suppress
from tests.datasets.sharding.helpers import (
    PEOPLE,
    PHONES,
    UNAFFECTED_EMAIL,
    assert_found,
    database_name,
    get_exposures,
)
from tests.datasets.store_reader import read_stored_rows
from tests.support.deployment import Deployment
from tests.support.postgres_cluster import PostgresCluster
from tests.support.responses import assert_unavailable

pytestmark = pytest.mark.fleet


@pytest.fixture(params=["unsharded", "sharded"])
def replicated_deployment(
    make_deployment: Callable[..., Deployment],
    postgres_cluster: PostgresCluster,
    unsharded_database_url: str,
    database_url: str,
    request: Any,
) -> Deployment:
    """A deployment whose look-ups read the replica. The rows are on the replica itself or on the shards."""
    url = unsharded_database_url if request.param == "unsharded" else database_url
    return make_deployment(database_url=url, replica_url=postgres_cluster.replica.url(database=database_name(url)))


def test_only_look_ups_read_the_replica(replicated_deployment: Deployment, postgres_cluster: PostgresCluster) -> None:
    replicated_deployment.import_and_publish(PEOPLE)
    postgres_cluster.wait_for_replica()
    headers = replicated_deployment.sign_in(PHONES[0])
    assert_found(get_exposures(replicated_deployment, headers))
    (result,) = replicated_deployment.get_exposures(UNAFFECTED_EMAIL)["datasets"]
    assert result["result"] == "not_found"
    assert replicated_deployment.client.get("/readyz").status_code == 200
    postgres_cluster.replica.stop("immediate")
    try:
        assert_unavailable(get_exposures(replicated_deployment, headers))
        assert_unavailable(replicated_deployment.client.get("/readyz"))
        replicated_deployment.sign_in(PHONES[1])  # codes and sessions do not use the replica
    finally:
        postgres_cluster.replica.start()
    postgres_cluster.wait_for_replica()
    assert_found(get_exposures(replicated_deployment, headers))


def test_a_stale_replica_gives_503_until_it_catches_up(
    replicated_deployment: Deployment, postgres_cluster: PostgresCluster
) -> None:
    before = replicated_deployment.import_and_publish(PEOPLE[:-1])
    postgres_cluster.wait_for_replica()
    headers = replicated_deployment.sign_in(PHONES[0])
    headers_of_last = replicated_deployment.sign_in(PHONES[-1])
    for _ in range(6):
        assert_found(get_exposures(replicated_deployment, headers))
    result = get_exposures(replicated_deployment, headers_of_last).json()["datasets"][0]["result"]
    assert result == "not_found"  # correct until the next publication
    with postgres_cluster.paused_replica():
        replicated_deployment.import_and_publish(PEOPLE)  # a table that the replica lacks
        for _ in range(3):
            assert_unavailable(get_exposures(replicated_deployment, headers))
            assert_unavailable(get_exposures(replicated_deployment, headers_of_last))
            assert_unavailable(replicated_deployment.client.get("/readyz"))
    assert_found(get_exposures(replicated_deployment, headers))
    assert_found(get_exposures(replicated_deployment, headers_of_last))
    with postgres_cluster.paused_replica():
        suppress(replicated_deployment, before, PHONES[0])  # rows that the replica still has
        assert_unavailable(get_exposures(replicated_deployment, headers))
    assert get_exposures(replicated_deployment, headers).json()["datasets"][0]["result"] == "not_found"
    with postgres_cluster.paused_replica():
        replicated_deployment.retire(before)
        assert_unavailable(get_exposures(replicated_deployment, headers_of_last))
    assert_found(get_exposures(replicated_deployment, headers_of_last))


def test_a_changed_incident_waits_for_the_replica(
    replicated_deployment: Deployment, postgres_cluster: PostgresCluster
) -> None:
    replicated_deployment.import_and_publish(PEOPLE)
    postgres_cluster.wait_for_replica()
    headers = replicated_deployment.sign_in(PHONES[0])
    assert_found(get_exposures(replicated_deployment, headers))
    with postgres_cluster.paused_replica():
        replicated_deployment.execute_sql("UPDATE incidents SET document = document")
        assert_unavailable(get_exposures(replicated_deployment, headers))
    assert_found(get_exposures(replicated_deployment, headers))


def test_the_sentinel_detects_rows_missing_on_the_replica(
    make_deployment: Callable[..., Deployment], postgres_cluster: PostgresCluster, unsharded_database_url: str
) -> None:
    """Rows inserted by hand do not change the catalogue version, so the version check alone does not detect a stale replica here."""
    replica_url = postgres_cluster.replica.url(database=database_name(unsharded_database_url))
    deployment = make_deployment(database_url=unsharded_database_url, replica_url=replica_url)
    dataset = deployment.import_and_publish(PEOPLE)
    headers = deployment.sign_in(PHONES[0])
    table = table_name(dataset)
    rows = read_stored_rows(deployment, dataset)
    deployment.execute_sql(f"DELETE FROM {table}")
    with postgres_cluster.paused_replica():
        for locator, entry, sealed in rows:
            deployment.execute_sql(
                f"INSERT INTO {table} (locator, entry, sealed) VALUES (%s, %s, %s)", locator, entry, sealed
            )
        assert check_integrity(deployment, dataset).problems == ()
        assert_unavailable(get_exposures(deployment, headers))
        assert_unavailable(get_exposures(deployment, deployment.sign_in(UNAFFECTED_EMAIL)))
    assert_found(get_exposures(deployment, headers))
