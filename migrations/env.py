"""Runs the migrations on the connection that it is handed, or on EXPOSURE_DATABASE_URL."""

from typing import Any

from alembic import context
from sqlalchemy import Connection

import app.main  # noqa: F401  brings all models along
from app.config import load_settings
from app.db import Base, Database

METADATA = Base.metadata


def own_tables(_: object, name: str | None, kind: str, reflected: bool, __: Any) -> bool:
    """Leave the tables of sealed rows alone: each import makes its own."""
    return not (kind == "table" and reflected and (name or "").startswith("sealed_"))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=METADATA,
        include_object=own_tables,
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


handed = context.config.attributes.get("connection")
if handed is not None:
    run(handed)
else:
    with Database(load_settings().database_url).engine.begin() as own:
        run(own)
