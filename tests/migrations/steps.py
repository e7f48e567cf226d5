"""What the tests of migrations do to a database."""

import re
from collections.abc import Callable
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, text

import app.bootstrap  # noqa: F401  imports all models
from app.datasets.signed_catalog import sign_as_is
from app.db import Database
from app.db.upgrade import ROOT, upgrade
from tests.support.deployment import Deployment


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


def read_exposures(deployment: Deployment) -> list[dict[str, Any]]:
    """Sign in and return the exposures without their ids, which are those of the session."""
    exposures = deployment.get_exposures("mina@example.com")["exposures"]
    return [{name: value for name, value in exposure.items() if name != "id"} for exposure in exposures]


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
