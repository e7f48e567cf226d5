"""If stored rows, keys or the database are damaged or missing, the response is a 503 that says "try again", and never "not found"."""

import shutil
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from app.crypto.keys import StoreKey
from app.datasets.sealed_rows import table_name
from tests.e2e.helpers import PHONE, ROWS, assert_all_routes_unavailable
from tests.support.deployment import Deployment
from tests.support.external_servers import execute_autocommit
from tests.support.responses import assert_unavailable
from tests.support.running_server import running_server

pytestmark = pytest.mark.kill


@pytest.fixture
def headers(deployment: Deployment, dataset: UUID) -> dict[str, str]:
    """Headers of a session that has read its exposures once, so that all caches are filled."""
    headers = deployment.sign_in(PHONE)
    assert len(deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]) == 1
    return headers


def test_an_emptied_partition(deployment: Deployment, dataset: UUID, headers: dict[str, str]) -> None:
    deployment.execute_sql(f"DELETE FROM {table_name(dataset)}")
    assert_all_routes_unavailable(deployment, headers)


def test_a_dropped_partition(deployment: Deployment, dataset: UUID, headers: dict[str, str]) -> None:
    deployment.execute_sql(f"DROP TABLE {table_name(dataset)}")
    assert_all_routes_unavailable(deployment, headers)


def test_a_deleted_sentinel(deployment: Deployment, dataset: UUID, headers: dict[str, str]) -> None:
    """Only the keys tell which row is the sentinel, so each row is deleted in turn, and one of them is the sentinel."""
    table = table_name(dataset)
    placeholder = "?" if deployment.database.is_sqlite else "%s"
    columns = "locator, entry, sealed, position" if deployment.database.is_sqlite else "locator, entry, sealed"
    unavailable = 0
    for row in deployment.execute_sql(f"SELECT {columns} FROM {table}"):
        deployment.execute_sql(f"DELETE FROM {table} WHERE locator = {placeholder}", row[0])
        response = deployment.client.get("/v1/exposures", headers=headers)
        if response.status_code != 200:
            assert_unavailable(response)
            unavailable += 1
        deployment.execute_sql(f"INSERT INTO {table} ({columns}) VALUES ({', '.join([placeholder] * len(row))})", *row)
    assert unavailable == 1


@pytest.mark.parametrize("column", ["locator", "sealed"])
@pytest.mark.parametrize("position", [0, -1])
def test_a_changed_byte_in_all_rows(
    deployment: Deployment, dataset: UUID, headers: dict[str, str], column: str, position: int
) -> None:
    table = table_name(dataset)
    placeholder = "?" if deployment.database.is_sqlite else "%s"
    for locator, value in deployment.execute_sql(f"SELECT locator, {column} FROM {table}"):
        changed = bytearray(value)
        changed[position] ^= 1
        deployment.execute_sql(
            f"UPDATE {table} SET {column} = {placeholder} WHERE locator = {placeholder}", bytes(changed), locator
        )
    assert_all_routes_unavailable(deployment, headers)


@pytest.mark.parametrize("change", [1, -1, 2**14])
def test_a_changed_entry_in_all_rows(
    deployment: Deployment, dataset: UUID, headers: dict[str, str], change: int
) -> None:
    deployment.execute_sql(f"UPDATE {table_name(dataset)} SET entry = entry + ({change})")
    assert_all_routes_unavailable(deployment, headers)


def test_text_instead_of_bytes(make_deployment: Callable[..., Deployment], sqlite_url: str) -> None:
    deployment = make_deployment(database_url=sqlite_url)
    dataset = deployment.import_and_publish(ROWS)
    headers = deployment.sign_in(PHONE)
    deployment.execute_sql(f"UPDATE {table_name(dataset)} SET sealed = 'text'")
    assert_all_routes_unavailable(deployment, headers)


def test_a_changed_byte_in_one_row(deployment: Deployment, dataset: UUID, headers: dict[str, str]) -> None:
    """Only lookups that read the changed row fail. Each row is changed in turn, including the person's own."""
    table = table_name(dataset)
    placeholder = "?" if deployment.database.is_sqlite else "%s"
    unavailable = 0
    for locator, sealed in deployment.execute_sql(f"SELECT locator, sealed FROM {table}"):
        changed = bytes([sealed[0] ^ 1]) + sealed[1:]
        deployment.execute_sql(
            f"UPDATE {table} SET sealed = {placeholder} WHERE locator = {placeholder}", changed, locator
        )
        response = deployment.client.get("/v1/exposures", headers=headers)
        if response.status_code != 200:
            assert_unavailable(response)
            unavailable += 1
        deployment.execute_sql(
            f"UPDATE {table} SET sealed = {placeholder} WHERE locator = {placeholder}", sealed, locator
        )
    assert unavailable == 2  # the person's row and the sentinel


def test_a_wrong_store_key(deployment: Deployment, headers: dict[str, str]) -> None:
    (key_id,) = deployment.keys.list_store_key_ids()
    deployment.keys.store_key_path(key_id).write_bytes(StoreKey.generate().reveal())
    assert_all_routes_unavailable(deployment, headers)


def test_a_missing_store_key(deployment: Deployment, headers: dict[str, str]) -> None:
    (key_id,) = deployment.keys.list_store_key_ids()
    deployment.keys.store_key_path(key_id).unlink()
    assert_all_routes_unavailable(deployment, headers)


def test_the_id_of_another_store_key(deployment: Deployment, dataset: UUID, headers: dict[str, str]) -> None:
    """The database names another existing store key as the data set's key."""
    other = deployment.import_rows(ROWS)
    key = deployment.execute_sql(f"SELECT key_id FROM data_sets WHERE id <> '{_stored_id(deployment, dataset)}'")[0][0]
    assert other.id != dataset
    deployment.execute_sql(f"UPDATE data_sets SET key_id = '{key}'")
    assert_all_routes_unavailable(deployment, headers)


def test_changed_kdf_params(deployment: Deployment, headers: dict[str, str]) -> None:
    deployment.execute_sql("UPDATE kdf_params SET time_cost = time_cost + 1")
    restarted = deployment.build_app()
    with running_server(restarted) as client:
        assert_unavailable(client.get("/v1/exposures", headers=headers))
    restarted.state.services.close()


def test_a_dead_database(deployment: Deployment, headers: dict[str, str], request: pytest.FixtureRequest) -> None:
    url = deployment.database.url
    assert url.database
    deployment.database.close()
    if deployment.database.is_sqlite:
        deployment.app.state.services.database.close()
        shutil.rmtree(Path(url.database).parent)
    else:
        execute_autocommit(request.getfixturevalue("postgresql_url"), f'DROP DATABASE "{url.database}" WITH (FORCE)')
    assert_all_routes_unavailable(deployment, headers)
    assert_unavailable(deployment.request_code(PHONE))
    assert deployment.client.get("/healthz").status_code == 200


def _stored_id(deployment: Deployment, dataset: UUID) -> str:
    return dataset.hex if deployment.database.is_sqlite else str(dataset)
