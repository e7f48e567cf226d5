"""Fixtures: deployments on a PostgreSQL cluster, with and without shards."""

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest

from app.db import Database
from app.db.roles import Roles
from app.db.upgrade import upgrade
from tests.datasets.sharding.helpers import PEOPLE
from tests.support.deployment import Deployment
from tests.support.postgres_cluster import PostgresCluster
from tests.support.postgres_database import SERVER_ROLE

_name_counter = itertools.count()


@pytest.fixture(scope="session")
def template_databases(postgres_cluster: PostgresCluster) -> tuple[str, str]:
    """Names of two databases on the newest schema, used as templates: one with the shards registered, one without."""
    for name in ("exposure_sharded", "exposure_unsharded"):
        postgres_cluster.primary.run_as_superuser(f"CREATE DATABASE {name} OWNER exposure", "postgres")
        database = Database(postgres_cluster.primary.url(database=name))
        upgrade(database, Roles(server=SERVER_ROLE))
        database.close()
    postgres_cluster.register_shards("exposure_sharded")
    return "exposure_sharded", "exposure_unsharded"


@contextmanager
def copied_database(postgres_cluster: PostgresCluster, template: str) -> Iterator[str]:
    name = f"{template}_{next(_name_counter)}"
    postgres_cluster.primary.run_as_superuser(f"CREATE DATABASE {name} OWNER exposure TEMPLATE {template}", "postgres")
    try:
        yield postgres_cluster.primary.url(database=name)
    finally:
        postgres_cluster.primary.run_as_superuser(f"DROP DATABASE {name} WITH (FORCE)", "postgres")


@pytest.fixture
def database_url(postgres_cluster: PostgresCluster, template_databases: tuple[str, str]) -> Iterator[str]:
    """URL of a fresh database with the shards registered."""
    with copied_database(postgres_cluster, template_databases[0]) as url:
        yield url


@pytest.fixture
def unsharded_database_url(postgres_cluster: PostgresCluster, template_databases: tuple[str, str]) -> Iterator[str]:
    """URL of a fresh database without shards."""
    with copied_database(postgres_cluster, template_databases[1]) as url:
        yield url


@pytest.fixture
def dataset(deployment: Deployment) -> UUID:
    """Id of a published data set of `PEOPLE`."""
    return deployment.import_and_publish(PEOPLE)
