"""The catalog version and what is cached by it: every change of a watched table renews the version in its own transaction."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Database, DatabaseUnavailable, Reader, VersionedCache, fetch, observe_version
from app.db.catalog_version import CatalogVersionMissing, read_version
from app.errors import DependencyUnavailable
from tests.support.deployment import Deployment, make_row


def version_of(database: Database) -> bytes:
    with database.read() as db:
        return read_version(db)


CHANGES = {
    "incidents": (
        "INSERT INTO incidents VALUES ('stray', '{}', '2026-01-01 00:00:00')",
        "UPDATE incidents SET document = document WHERE slug = 'stray'",
        "DELETE FROM incidents WHERE slug = 'stray'",
    ),
    "notices": (
        "INSERT INTO notices VALUES ('sample-2025', 9, '{}', '2026-01-01 00:00:00')",
        "UPDATE notices SET texts = texts WHERE version = 9",
        "DELETE FROM notices WHERE version = 9",
    ),
    "data_sets": (
        "UPDATE data_sets SET state = state",
        "DELETE FROM data_sets",
        "INSERT INTO data_sets SELECT * FROM copy_of_data_sets",
    ),
    "kdf_params": (
        "UPDATE kdf_params SET salt = salt",
        "DELETE FROM kdf_params",
        "INSERT INTO kdf_params SELECT * FROM copy_of_kdf_params",
    ),
}


@pytest.mark.parametrize("table", CHANGES)
def test_every_change_of_a_watched_table_renews_the_version(deployment: Deployment, table: str) -> None:
    """With plain SQL, which does not mention the version; and a change that is rolled back does not renew it."""
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    seen = {version_of(deployment.database)}
    deployment.execute_sql(f"CREATE TABLE copy_of_{table} AS SELECT * FROM {table}")
    for statement in CHANGES[table]:
        with deployment.database.write() as db:
            db.execute(text(statement))
            db.rollback()
        assert version_of(deployment.database) in seen
        deployment.execute_sql(statement)
        version = version_of(deployment.database)
        assert version not in seen, statement
        seen.add(version)


def test_a_snapshot_keeps_the_version_it_began_with(deployment: Deployment) -> None:
    database = deployment.database
    with database.read() as db:
        before = read_version(db)
        deployment.create_incident(deployment.incident.model_copy(update={"slug": "another-2026"}))
        db.info.pop("catalog_version")
        assert read_version(db) == before
    assert version_of(database) != before


def slugs(db: Session) -> list[str]:
    return [slug for (slug,) in db.execute(text("SELECT slug FROM incidents ORDER BY slug"))]


def test_a_value_is_loaded_once_for_each_version(deployment: Deployment) -> None:
    loads = []

    def load(db: Session) -> list[str]:
        loads.append(slugs(db))
        return loads[-1]

    cache = VersionedCache(load)
    database = deployment.database
    for _ in range(3):
        with database.read() as db:
            assert cache(db) == ["sample-2025"]
    assert len(loads) == 1
    with database.read() as old:
        assert cache(old) == ["sample-2025"]
        deployment.create_incident(deployment.incident.model_copy(update={"slug": "another-2026"}))
        with database.read() as db:
            assert cache(db) == ["another-2026", "sample-2025"]
        assert cache(old) == ["sample-2025"]  # the older snapshot still gets the older value
    assert len(loads) == 3


def test_a_write_transaction_bypasses_the_cache(deployment: Deployment) -> None:
    cache = VersionedCache(slugs)
    with deployment.database.write() as db:
        assert cache(db) == ["sample-2025"]
        db.execute(text("INSERT INTO incidents VALUES ('another', '{}', '2026-01-01 00:00:00')"))
        assert cache(db) == ["another", "sample-2025"]
        db.rollback()
    with deployment.database.read() as db:
        assert cache(db) == ["sample-2025"]


def test_a_missing_version_is_an_error(deployment: Deployment) -> None:
    headers = deployment.sign_in("mina@example.com")
    deployment.execute_sql("DELETE FROM catalog_version")
    with deployment.database.read() as db, pytest.raises(CatalogVersionMissing):
        VersionedCache(slugs)(db)
    assert deployment.client.get("/v1/exposures", headers=headers).status_code == 503


def test_an_optimistic_read_that_sees_two_versions_is_repeated(deployment: Deployment) -> None:
    seen: list[bytes] = []

    def work(db: Reader) -> bytes:
        seen.append(read_version(db))
        if len(seen) == 1:
            deployment.execute_sql("UPDATE incidents SET document = document")
        ((version,),) = fetch(db, "SELECT version FROM catalog_version", [])
        observe_version(db, version)
        return bytes(version)

    result = deployment.database.optimistic_read(work)
    if deployment.database.is_sqlite:  # where optimistic reads use a snapshot
        assert [result] == seen
    else:
        assert len(seen) == 2
        assert result == seen[1] != seen[0]


# --- repeating a failed read ------------------------------------------------------------------------------------------


def failing_work(times: int, concurrently: Callable[[], object]) -> tuple[Callable[[Reader], bytes], list[bytes]]:
    """Return work that fails *times* times, calling *concurrently* before each failure, and the versions that it saw."""
    seen: list[bytes] = []

    def work(db: Reader) -> bytes:
        seen.append(read_version(db))
        if len(seen) <= times:
            concurrently()
            raise DatabaseUnavailable(f"failure {len(seen)}")
        return seen[-1]

    return work, seen


def test_a_read_that_failed_during_a_change_is_repeated(deployment: Deployment) -> None:
    work, seen = failing_work(1, lambda: deployment.execute_sql("UPDATE incidents SET document = document"))
    assert deployment.database.snapshot_read(work) == seen[1] != seen[0]


def test_a_failure_without_a_change_is_raised(deployment: Deployment) -> None:
    work, seen = failing_work(1, lambda: None)
    with pytest.raises(DependencyUnavailable, match="failure 1"):
        deployment.database.snapshot_read(work)
    assert len(seen) == 1


def test_a_read_is_repeated_once_only(deployment: Deployment) -> None:
    work, seen = failing_work(5, lambda: deployment.execute_sql("UPDATE incidents SET document = document"))
    with pytest.raises(DependencyUnavailable, match="failure 2"):
        deployment.database.snapshot_read(work)
    assert len(seen) == 2
