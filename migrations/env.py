"""Runs the migrations on the connection that the caller passes, or on EXPOSURE_DATABASE_URL."""

from typing import Any

from alembic import context
from sqlalchemy import Connection

import app.bootstrap  # noqa: F401  imports all models
from app.config import load_settings
from app.db import Base, Database

METADATA = Base.metadata


def is_managed(_: object, name: str | None, kind: str, reflected: bool, __: Any) -> bool:
    """Exclude the tables of sealed rows, which imports create and drop."""
    return not (kind == "table" and reflected and (name or "").startswith("sealed_"))


def run_migrations(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        include_object=is_managed,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


connection = context.config.attributes.get("connection")
if connection is not None:
    run_migrations(connection)
else:
    with Database(load_settings().database_url).engine.begin() as own_connection:
        run_migrations(own_connection)
