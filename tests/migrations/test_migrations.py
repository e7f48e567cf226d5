"""Migrations on both engines: upgrades of an empty database, of one with data, repeated upgrades, and downgrades."""

from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

import app.bootstrap  # noqa: F401  imports all models
from app.datasets import service as datasets
from app.datasets.canary_index import CanaryIndex, detect_identifier_kind
from app.db import Base, Database
from app.db.upgrade import SchemaOutdated, require_current_schema, upgrade
from tests.migrations.steps import downgrade, read_exposures, stamp, table_names, upgrade_and_sign
from tests.support.deployment import Deployment, make_row


def test_upgrade_of_an_empty_database(empty_database: Database) -> None:
    assert table_names(empty_database) == set()
    with pytest.raises(SchemaOutdated):
        require_current_schema(empty_database)
    upgrade(empty_database)
    require_current_schema(empty_database)
    assert table_names(empty_database) == {*Base.metadata.tables, "alembic_version"}


def test_a_repeated_upgrade_changes_nothing(empty_database: Database) -> None:
    upgrade(empty_database)
    before = table_names(empty_database)
    upgrade(empty_database)
    require_current_schema(empty_database)
    assert table_names(empty_database) == before


def test_the_models_match_the_migrated_schema(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    with deployment.database.engine.connect() as connection:
        assert any(name.startswith("sealed_") for name in inspect(connection).get_table_names())
        assert schema_differences(connection) == []


def schema_differences(connection: Any) -> list[Any]:
    def is_managed(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:
        return not (kind == "table" and reflected and (name or "").startswith("sealed_"))

    options = {"compare_type": True, "include_object": is_managed, "render_as_batch": True}
    differences: list[Any] = compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)
    return differences


def test_a_schema_difference_is_detected(deployment: Deployment) -> None:
    deployment.execute_sql("ALTER TABLE outbox ADD COLUMN stray INTEGER")
    deployment.execute_sql("DROP INDEX ix_sessions_expires_at")
    with deployment.database.engine.connect() as connection:
        differences = str(schema_differences(connection))
    assert "stray" in differences
    assert "ix_sessions_expires_at" in differences


def test_a_repeated_upgrade_keeps_the_data(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    headers = deployment.sign_in("mina@example.com")
    before = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
    upgrade(deployment.database)
    assert deployment.client.get("/v1/exposures", headers=headers).json()["exposures"] == before
    assert len(before) == 1


def test_a_full_downgrade_leaves_only_the_sealed_rows(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    downgrade(deployment.database)
    remaining = table_names(deployment.database)
    assert {name for name in remaining if not name.startswith("sealed_")} == {"alembic_version"}
    with pytest.raises(SchemaOutdated, match="exposure db upgrade"):
        require_current_schema(deployment.database)
    upgrade(deployment.database)
    require_current_schema(deployment.database)


def test_catalog_version_and_shard_count_are_added_to_a_database_with_data(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    before = read_exposures(deployment)
    downgrade(deployment.database, "0002")
    assert not {"edition", "catalog_version"} & table_names(deployment.database)
    deployment.execute_sql("UPDATE data_sets SET rows = rows")  # fails if a trigger is left behind
    upgrade_and_sign(deployment)
    assert read_exposures(deployment) == before  # in another session: these do not survive
    assert len(before) == 1


def test_an_older_data_set_has_no_canaries(deployment: Deployment) -> None:
    dataset = deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")], canaries=3)
    downgrade(deployment.database, "0004")
    upgrade_and_sign(deployment)
    canaries = CanaryIndex(deployment.keys)
    with deployment.database.read() as db:
        assert datasets.list_canaries(db, dataset, keys=deployment.keys) == []
    canaries.refresh(deployment.database)
    deployment.import_rows([make_row("a1", email="mina@example.com", items="name")], canaries=3)
    canaries.refresh(deployment.database)  # the triggers are still there
    with deployment.database.read() as db:
        planted = datasets.list_canaries(db, datasets.list_all(db)[-1].id, keys=deployment.keys)
    assert {canaries.find_incident(detect_identifier_kind(identifier), identifier) for identifier in planted} == {
        "sample-2025"
    }


@pytest.mark.parametrize("revision", ["", "0000", "9999"])
def test_any_other_schema_is_rejected(revision: str, empty_database: Database) -> None:
    upgrade(empty_database)
    stamp(empty_database, revision)
    with pytest.raises(SchemaOutdated, match="EXPOSURE_DATABASE_URL"):
        require_current_schema(empty_database)


def test_a_schema_of_a_newer_program_is_not_changed(empty_database: Database) -> None:
    upgrade(empty_database)
    stamp(empty_database, "9999")
    with pytest.raises(SchemaOutdated, match="another version"):
        upgrade(empty_database)
    assert table_names(empty_database) == {*Base.metadata.tables, "alembic_version"}


def test_a_failed_upgrade_is_rolled_back(empty_database: Database) -> None:
    with empty_database.engine.begin() as connection:
        connection.execute(text("CREATE TABLE notices (stray INTEGER)"))  # conflicts with the migration
    with pytest.raises(Exception, match="the database failed"):
        upgrade(empty_database)
    assert table_names(empty_database) == {"notices"}
