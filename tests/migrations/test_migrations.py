"""Migrations on both engines: upgrades of an empty database, of one with data, repeated upgrades, and downgrades."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, make_url, text

import app.bootstrap  # noqa: F401  imports all models
from app.datasets import service as datasets
from app.datasets.canary_index import CanaryIndex, detect_identifier_kind
from app.datasets.errors import StateConflict
from app.datasets.signed_catalog import UNSIGNED, check_catalog, public_key_of, sign_as_is
from app.db import Base, Database
from app.db.upgrade import ROOT, SchemaOutdated, require_current_schema, upgrade
from tests.support.deployment import Deployment, make_row


@pytest.fixture
def empty_database(database_url: str, tmp_path: Any) -> Any:
    """A database of each engine without any tables."""
    if database_url.startswith("sqlite"):
        database = Database(f"sqlite:///{tmp_path / 'empty' / 'exposure.sqlite3'}")
        yield database
        database.close()
        return
    # the fresh database has the newest schema: drop everything
    url = make_url(database_url)
    admin = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    admin.dispose()
    database = Database(database_url)
    yield database
    database.close()


def table_names(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def downgrade(database: Database, revision: str = "base") -> None:
    run_alembic(database, command.downgrade, revision)


def upgrade_to(database: Database, revision: str) -> None:
    run_alembic(database, command.upgrade, revision)


def stamp(database: Database, revision: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if revision:
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def run_alembic(database: Database, operation: Callable[[Config, str], object], revision: str) -> None:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        operation(config, revision)


def upgrade_and_sign(deployment: Deployment) -> None:
    upgrade(deployment.database)
    deployment.clock.advance(seconds=10)  # the downgrade lost the sequence, which goes on from the time
    with deployment.database.write() as db:
        sign_as_is(db, deployment.keys.load_signing_key(), now=deployment.clock())


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


def read_exposures(deployment: Deployment) -> list[dict[str, Any]]:
    """Sign in and return the exposures without their ids, which are those of the session."""
    exposures = deployment.get_exposures("mina@example.com")["exposures"]
    return [{name: value for name, value in exposure.items() if name != "id"} for exposure in exposures]


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


def execute(database: Database, *statements: str) -> None:
    """Execute each statement in a transaction of its own. Bytes are written as ``x'…'``, as SQLite has them."""
    for statement in statements:
        with database.engine.begin() as connection:
            blob = r"x'([0-9a-f]*)'"
            connection.exec_driver_sql(statement if database.is_sqlite else re.sub(blob, r"'\\x\1'::bytea", statement))


def query(database: Database, statement: str) -> list[tuple[Any, ...]]:
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql(statement)
        return [tuple(bytes(cell) if isinstance(cell, memoryview) else cell for cell in row) for row in rows]


TIME = "'2026-01-14 09:00:00'"
DATA_SET = "'00000000000000000000000000000001'"
ROWS_AT_0007 = (
    f"INSERT INTO incidents VALUES ('sample', '{{}}', {TIME})",
    f"INSERT INTO notices VALUES ('sample', 1, '{{}}', {TIME})",
    f"INSERT INTO scheme (id, salt, time_cost, memory_kib, vouch, created_at) VALUES (1, x'aa', 3, 512, x'ab', {TIME})",
    (
        "INSERT INTO data_sets (id, incident, version, kind, state, key_id, synthetic, rows, people, manifest, signature, "
        "imported_at, beside, tallies, ranges, canaries) VALUES "
        f"({DATA_SET}, 'sample', 1, 'supplement', 'published', 'k', false, 7, 5, x'01', x'02', {TIME}, {DATA_SET}, x'03', 4, "
        "x'04')"
    ),
    f"INSERT INTO outbox (sealed, due_at, expires_at) VALUES (x'05', {TIME}, {TIME})",
    f"INSERT INTO sessions (locator, sealed, expires_at) VALUES (x'06', x'07', {TIME})",
    (
        "INSERT INTO verifications (locator, target, code, tries_left, sends_left, expires_at) "
        f"VALUES (x'08', x'09', x'0a', 5, 4, {TIME})"
    ),
    f"INSERT INTO stops (target, until) VALUES (x'0b', {TIME})",
)
QUERIES_AT_0007 = (
    "SELECT id, name FROM edition",
    "SELECT id, salt, time_cost, memory_kib, vouch, created_at FROM scheme",
    "SELECT rows, people, manifest, signature, imported_at, beside, tallies, ranges, canaries FROM data_sets",
    "SELECT id, sealed, due_at, expires_at FROM outbox",
    "SELECT locator, sealed, expires_at FROM sessions",
    "SELECT locator, target, code, tries_left, sends_left, expires_at FROM verifications",
    "SELECT target, until FROM stops",
)
QUERIES_AT_0008 = (
    "SELECT id, version FROM catalog_version",
    "SELECT id, salt, time_cost, memory_kib, check_value, created_at FROM kdf_params",
    "SELECT rows, people, manifest, signature, imported_at, base_id, cohort_counts, shard_count, canaries FROM data_sets",
    "SELECT id, ciphertext, due_at, expires_at FROM outbox",
    "SELECT locator, ciphertext, expires_at FROM sessions",
    "SELECT locator, ciphertext, code_mac, tries_left, resends_left, expires_at FROM verifications",
    "SELECT pseudonym, until FROM opt_outs",
)
"""The same data as `QUERIES_AT_0007`, by the new names."""


def assert_triggers(database: Database, version_query: str, kdf_table: str) -> None:
    """Check that changes of each watched table, and of no other, renew the version."""
    seen = set(query(database, version_query))
    for statement in (
        "UPDATE incidents SET document = document",
        "UPDATE notices SET texts = texts",
        "UPDATE data_sets SET state = state",
        f"UPDATE {kdf_table} SET salt = salt",
        f"INSERT INTO incidents VALUES ('other', '{{}}', {TIME})",
        "DELETE FROM incidents WHERE slug = 'other'",
    ):
        execute(database, statement)
        (version,) = query(database, version_query)
        assert version not in seen, statement
        seen.add(version)
    execute(database, "UPDATE outbox SET due_at = due_at", "UPDATE sessions SET expires_at = expires_at")
    assert query(database, version_query) == [version]


def test_0008_renames_keep_the_data_and_the_triggers(empty_database: Database) -> None:
    database = empty_database
    upgrade_to(database, "0007")
    execute(database, *ROWS_AT_0007)
    before = [query(database, statement) for statement in QUERIES_AT_0007]
    assert all(len(rows) == 1 for rows in before)

    upgrade_to(database, "0008")
    assert [query(database, statement) for statement in QUERIES_AT_0008] == before
    assert not {"edition", "stops", "scheme"} & table_names(database)
    with database.engine.connect() as connection:
        indexes = {index["name"] for index in inspect(connection).get_indexes("opt_outs")}
    assert indexes == {"ix_opt_outs_until"}
    assert_triggers(database, "SELECT version FROM catalog_version", "kdf_params")

    renewed = query(database, QUERIES_AT_0008[0])
    downgrade(database, "0007")
    assert [query(database, statement) for statement in QUERIES_AT_0007] == [renewed, *before[1:]]
    assert not {"catalog_version", "opt_outs", "kdf_params"} & table_names(database)
    assert_triggers(database, "SELECT name FROM edition", "scheme")


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_0008_renames_the_primary_keys_on_postgresql(empty_database: Database) -> None:
    upgrade_to(empty_database, "0008")
    with empty_database.engine.connect() as connection:
        for table in ("catalog_version", "kdf_params", "opt_outs"):
            assert inspect(connection).get_pk_constraint(table)["name"] == f"pk_{table}"


def test_0009_deletes_what_carries_pseudonyms_of_earlier_versions(empty_database: Database) -> None:
    database = empty_database
    upgrade_to(database, "0007")
    execute(database, *ROWS_AT_0007)
    upgrade_to(database, "0008")
    before = [query(database, statement) for statement in QUERIES_AT_0008]
    upgrade_to(database, "0009")
    assert [query(database, statement) for statement in QUERIES_AT_0008] == [*before[:3], [], [], [], []]
    downgrade(database, "0008")
    assert [query(database, statement) for statement in QUERIES_AT_0008[:3]] == before[:3]


def test_0010_leaves_the_catalogue_to_be_signed(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    headers = deployment.sign_in("mina@example.com")
    tables = ("incidents", "notices", "data_sets", "kdf_params")
    before = [deployment.execute_sql(f"SELECT * FROM {table}") for table in tables]
    answer = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
    downgrade(deployment.database, "0009")
    assert "signed_catalog" not in table_names(deployment.database)
    deployment.execute_sql("UPDATE data_sets SET rows = rows")  # fails if a trigger is left behind

    upgrade_to(deployment.database, "0010")
    assert deployment.execute_sql("SELECT id, length(payload), length(signature) FROM signed_catalog") == [(1, 0, 0)]
    assert [deployment.execute_sql(f"SELECT * FROM {table}") for table in tables] == before
    public_key = public_key_of(deployment.keys.load_signing_key())
    with deployment.database.read() as db:
        assert check_catalog(db, public_key) == (None, UNSIGNED)
    assert deployment.client.get("/v1/exposures", headers=headers).status_code == 503
    with pytest.raises(StateConflict, match="exposure db sign"):
        deployment.import_rows([make_row("a1", email="mina@example.com", items="name")])

    upgrade_and_sign(deployment)
    assert deployment.client.get("/v1/exposures", headers=headers).json()["exposures"] == answer
    versions = set(deployment.execute_sql("SELECT version FROM catalog_version"))
    for statement in ("UPDATE signed_catalog SET id = id", "DELETE FROM signed_catalog"):
        deployment.execute_sql(statement)
        versions |= set(deployment.execute_sql("SELECT version FROM catalog_version"))
    assert len(versions) == 3


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
