"""The schema on both engines: from nothing to the newest, again, with data in it, and back."""

from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine, inspect, make_url, text

import app.main  # noqa: F401  brings all models along
from app import datasets
from app.datasets import CanaryIndex
from app.db import Base, Database
from app.db.upgrade import ROOT, SchemaOutdated, require_current_schema, upgrade
from tests.support.deployment import Deployment, make_row

EMPTY = "exposure_empty"


@pytest.fixture
def empty(database_url: str, tmp_path: Any) -> Any:
    """A database of each engine in which nothing is."""
    if database_url.startswith("sqlite"):
        database = Database(f"sqlite:///{tmp_path / 'empty' / 'exposure.sqlite3'}")
        yield database
        database.close()
        return
    # the fresh database stands on the newest schema: empty it by a schema of the test's own
    url = make_url(database_url)
    admin = create_engine(url.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    admin.dispose()
    database = Database(database_url)
    yield database
    database.close()


def tables(database: Database) -> set[str]:
    with database.engine.connect() as connection:
        return set(inspect(connection).get_table_names())


def downgrade(database: Database, revision: str = "base") -> None:
    _alembic(database, command.downgrade, revision)


def stamp(database: Database, revision: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("DELETE FROM alembic_version"))
        if revision:
            connection.execute(text("INSERT INTO alembic_version VALUES (:revision)"), {"revision": revision})


def _alembic(database: Database, run: Callable[[Config, str], object], revision: str) -> None:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with database.engine.begin() as connection:
        config.attributes["connection"] = connection
        run(config, revision)


def test_from_nothing_to_the_newest(empty: Database) -> None:
    assert tables(empty) == set()
    with pytest.raises(SchemaOutdated):
        require_current_schema(empty)
    upgrade(empty)
    require_current_schema(empty)
    assert tables(empty) == {*Base.metadata.tables, "alembic_version"}


def test_twice_is_harmless(empty: Database) -> None:
    upgrade(empty)
    before = tables(empty)
    upgrade(empty)
    require_current_schema(empty)
    assert tables(empty) == before


def test_the_models_are_what_the_migrations_make(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    with deployment.database.engine.connect() as connection:
        assert any(name.startswith("sealed_") for name in inspect(connection).get_table_names())
        differences = _differences(connection)
    assert differences == []


def _differences(connection: Any) -> list[Any]:
    def own(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:
        return not (kind == "table" and reflected and (name or "").startswith("sealed_"))

    options = {"compare_type": True, "include_object": own, "render_as_batch": True}
    return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)


def test_a_difference_would_be_seen(deployment: Deployment) -> None:
    deployment.execute_sql("ALTER TABLE outbox ADD COLUMN stray INTEGER")
    deployment.execute_sql("DROP INDEX ix_sessions_expires_at")
    with deployment.database.engine.connect() as connection:
        found = str(_differences(connection))
    assert "stray" in found
    assert "ix_sessions_expires_at" in found


def test_data_survives_a_second_upgrade(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    headers = deployment.sign_in("mina@example.com")
    before = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
    upgrade(deployment.database)
    assert deployment.client.get("/v1/exposures", headers=headers).json()["exposures"] == before
    assert len(before) == 1


def test_the_way_back_leaves_nothing_but_the_sealed_rows(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    downgrade(deployment.database)
    left = tables(deployment.database)
    assert {name for name in left if not name.startswith("sealed_")} == {"alembic_version"}
    with pytest.raises(SchemaOutdated, match="exposure db upgrade"):
        require_current_schema(deployment.database)
    upgrade(deployment.database)
    require_current_schema(deployment.database)


def test_edition_and_ranges_come_to_a_database_in_use(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    headers = deployment.sign_in("mina@example.com")
    before = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
    downgrade(deployment.database, "0002")
    assert "edition" not in tables(deployment.database)
    deployment.execute_sql("UPDATE data_sets SET rows = rows")  # no trigger is left behind
    upgrade(deployment.database)
    assert deployment.client.get("/v1/exposures", headers=headers).json()["exposures"] == before
    assert len(before) == 1


def test_a_data_set_of_before_has_no_canaries(deployment: Deployment) -> None:
    dataset = deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")], canaries=3)
    downgrade(deployment.database, "0004")
    upgrade(deployment.database)
    canaries = CanaryIndex(deployment.keys)
    with deployment.database.read() as db:
        assert datasets.list_canaries(db, dataset, keys=deployment.keys) == []
    canaries.refresh(deployment.database)
    deployment.import_rows([make_row("a1", email="mina@example.com", items="name")], canaries=3)
    canaries.refresh(deployment.database)  # whose triggers are there still
    with deployment.database.read() as db:
        planted = datasets.list_canaries(db, datasets.list_all(db)[-1].id, keys=deployment.keys)
    assert {canaries.find_incident(datasets.detect_identifier_kind(one), one) for one in planted} == {"sample-2025"}


@pytest.mark.parametrize("revision", ["", "0000", "9999"])
def test_any_other_schema_is_refused(revision: str, empty: Database) -> None:
    upgrade(empty)
    stamp(empty, revision)
    with pytest.raises(SchemaOutdated, match="EXPOSURE_DATABASE_URL"):
        require_current_schema(empty)


def test_a_newer_programs_schema_is_not_touched(empty: Database) -> None:
    upgrade(empty)
    stamp(empty, "9999")
    with pytest.raises(SchemaOutdated, match="another version"):
        upgrade(empty)
    assert tables(empty) == {*Base.metadata.tables, "alembic_version"}


def test_an_upgrade_that_fails_leaves_nothing_half_made(empty: Database) -> None:
    with empty.engine.begin() as connection:
        connection.execute(text("CREATE TABLE notices (stray INTEGER)"))  # in the way of the migration
    with pytest.raises(Exception, match="the database failed"):
        upgrade(empty)
    assert tables(empty) == {"notices"}
