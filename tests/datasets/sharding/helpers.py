"""Helpers for tests of data sets on several PostgreSQL servers."""

from uuid import UUID

import httpx
import psycopg

from app.crypto.row_sealing import RowSealer
from app.datasets.sealed_rows import table_name
from app.datasets.shard_ranges import range_index
from tests.datasets.store_reader import look_up
from tests.support.deployment import Deployment, make_row
from tests.support.postgres_cluster import PostgresCluster, PostgresServer

UNAFFECTED_EMAIL = "stranger@example.com"
PHONES = [f"010-2000-{number:04}" for number in range(24)]
PEOPLE = [make_row(f"a{number}", phone=phone, items="name") for number, phone in enumerate(PHONES)]


def database_name(url: str) -> str:
    """Return the name of the database in a URL."""
    return url.split("/")[3].split("?", maxsplit=1)[0]


def locators_on(server: PostgresServer, dataset: UUID) -> list[bytes] | None:
    """Return the stored locators of a data set on a server; None if the server has no table for it."""
    with server.connect() as connection:
        try:
            return [bytes(locator) for (locator,) in connection.execute(f"SELECT locator FROM {table_name(dataset)}")]
        except psycopg.errors.UndefinedTable:
            return None


def sealed_tables_on_shards(postgres_cluster: PostgresCluster) -> set[tuple[int, str]]:
    """Return the tables of sealed rows on the shards, as pairs of shard index and table name."""
    tables: set[tuple[int, str]] = set()
    for index, shard in enumerate(postgres_cluster.shards):
        with shard.connect() as connection:
            names = connection.execute("SELECT tablename FROM pg_tables WHERE tablename ~ '^sealed_[0-9a-f]{32}$'")
            tables |= {(index, name) for (name,) in names}
    return tables


def phone_on_shard(deployment: Deployment, dataset: UUID, shard: int) -> str:
    """Return the phone of a person whose row is on a shard."""
    key = deployment.keys.load_store_key(
        deployment.execute_sql(f"SELECT key_id FROM data_sets WHERE id = '{dataset}'")[0][0]
    )
    sealer = RowSealer(key, dataset)
    for phone in PHONES:
        locator = look_up(deployment, dataset, phone).locator
        if range_index(sealer.encrypt_locators(locator), 2) == shard:
            return phone
    raise AssertionError(f"no phone on shard {shard}")


def get_exposures(deployment: Deployment, headers: dict[str, str]) -> httpx.Response:
    return deployment.client.get("/v1/exposures", headers=headers)


def assert_found(response: httpx.Response) -> None:
    assert response.status_code == 200, response.text
    assert "found" in {dataset["result"] for dataset in response.json()["datasets"]}
    assert response.json()["exposures"]


def tables_of(dataset: UUID) -> set[tuple[int, str]]:
    """Return the tables of a data set on both shards, as `sealed_tables_on_shards` does."""
    return {(shard, table_name(dataset)) for shard in (0, 1)}
