"""Single revisions, on a database with data from before."""

import pytest
from sqlalchemy import inspect

import app.bootstrap  # noqa: F401  imports all models
from app.datasets.errors import StateConflict
from app.datasets.signed_catalog import UNSIGNED, check_catalog, public_key_of
from app.db import Database
from tests.migrations.steps import downgrade, execute, query, table_names, upgrade_and_sign, upgrade_to
from tests.support.deployment import Deployment, make_row

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
