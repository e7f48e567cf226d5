"""What is remembered is what stands there: every change of what is watched renews the edition in its own transaction, whoever makes it."""

from collections.abc import Callable

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.db import Database, DatabaseUnavailable, VersionedCache, fetch, observe_version
from app.db.catalog_version import CatalogVersionMissing, read_version
from app.errors import DependencyUnavailable
from tests.support.deployment import Deployment, make_row


def edition_of(database: Database) -> bytes:
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
def test_every_change_of_what_is_watched_renews_it(deployment: Deployment, table: str) -> None:
    """By hand, as somebody would who knows nothing of editions; and a change that is taken back leaves it as it was."""
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    seen = {edition_of(deployment.database)}
    deployment.execute_sql(f"CREATE TABLE copy_of_{table} AS SELECT * FROM {table}")
    for statement in CHANGES[table]:
        with deployment.database.write() as db:
            db.execute(text(statement))
            db.rollback()
        assert edition_of(deployment.database) in seen
        deployment.execute_sql(statement)
        now = edition_of(deployment.database)
        assert now not in seen, statement
        seen.add(now)


def test_it_is_what_the_snapshot_began_with(deployment: Deployment) -> None:
    database = deployment.database
    with database.read() as db:
        before = read_version(db)
        deployment.create_incident(deployment.incident.model_copy(update={"slug": "another-2026"}))
        db.info.pop("edition")
        assert read_version(db) == before
    assert edition_of(database) != before


def slugs(db: Session) -> list[str]:
    return [slug for (slug,) in db.execute(text("SELECT slug FROM incidents ORDER BY slug"))]


def test_it_is_read_once_for_each_edition(deployment: Deployment) -> None:
    reads = []

    def read(db: Session) -> list[str]:
        reads.append(slugs(db))
        return reads[-1]

    remembered = VersionedCache(read)
    database = deployment.database
    for _ in range(3):
        with database.read() as db:
            assert remembered(db) == ["sample-2025"]
    assert len(reads) == 1
    with database.read() as old:
        assert remembered(old) == ["sample-2025"]
        deployment.create_incident(deployment.incident.model_copy(update={"slug": "another-2026"}))
        with database.read() as db:
            assert remembered(db) == ["another-2026", "sample-2025"]
        assert remembered(old) == ["sample-2025"]  # whoever began before is told what was so then
    assert len(reads) == 3


def test_a_writer_reads_anew_and_leaves_nothing_behind(deployment: Deployment) -> None:
    remembered = VersionedCache(slugs)
    with deployment.database.write() as db:
        assert remembered(db) == ["sample-2025"]
        db.execute(text("INSERT INTO incidents VALUES ('another', '{}', '2026-01-01 00:00:00')"))
        assert remembered(db) == ["another", "sample-2025"]
        db.rollback()
    with deployment.database.read() as db:
        assert remembered(db) == ["sample-2025"]


def test_without_its_row_nothing_is_remembered(deployment: Deployment) -> None:
    headers = deployment.sign_in("mina@example.com")
    deployment.execute_sql("DELETE FROM edition")
    with deployment.database.read() as db, pytest.raises(CatalogVersionMissing):
        VersionedCache(slugs)(db)
    assert deployment.client.get("/v1/exposures", headers=headers).status_code == 503


def test_statements_that_saw_different_editions_are_not_one_answer(deployment: Deployment) -> None:
    seen: list[bytes] = []

    def work(db: Session) -> bytes:
        seen.append(read_version(db))
        if len(seen) == 1:
            deployment.execute_sql("UPDATE incidents SET document = document")
        ((name,),) = fetch(db, "SELECT name FROM edition", [])
        observe_version(db, name)
        return bytes(name)

    answered = deployment.database.optimistic_read(work)
    if deployment.database.is_sqlite:  # there a glance is a snapshot
        assert [answered] == seen
    else:
        assert len(seen) == 2
        assert answered == seen[1] != seen[0]


# --- beginning once more ---------------------------------------------------------------------------------------------


def failing(times: int, meanwhile: Callable[[], object]) -> tuple[Callable[[Session], bytes], list[bytes]]:
    """Work that fails so often, something else happening each time."""
    seen: list[bytes] = []

    def work(db: Session) -> bytes:
        seen.append(read_version(db))
        if len(seen) <= times:
            meanwhile()
            raise DatabaseUnavailable(f"failure {len(seen)}")
        return seen[-1]

    return work, seen


def test_what_failed_while_the_edition_changed_begins_once_more(deployment: Deployment) -> None:
    work, seen = failing(1, lambda: deployment.execute_sql("UPDATE incidents SET document = document"))
    assert deployment.database.snapshot_read(work) == seen[1] != seen[0]


def test_what_failed_of_itself_stays_failed(deployment: Deployment) -> None:
    work, seen = failing(1, lambda: None)
    with pytest.raises(DependencyUnavailable, match="failure 1"):
        deployment.database.snapshot_read(work)
    assert len(seen) == 1


def test_once_more_is_not_for_ever(deployment: Deployment) -> None:
    work, seen = failing(5, lambda: deployment.execute_sql("UPDATE incidents SET document = document"))
    with pytest.raises(DependencyUnavailable, match="failure 2"):
        deployment.database.snapshot_read(work)
    assert len(seen) == 2
