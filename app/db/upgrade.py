"""Migrations by Alembic, run from here so that nobody needs another command or file path."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from app.db.database import Database
from app.db.readers import DatabaseUnavailable
from app.errors import InvalidInput

ROOT = Path(__file__).parents[2]
"""The project's root: ``alembic.ini`` and ``migrations/`` stand there, and in the image."""


class SchemaOutdated(InvalidInput):
    """The schema is not the one that this program knows."""


def upgrade(database: Database) -> None:
    """Bring the schema to the newest revision, all or nothing.

    Raises:
        SchemaOutdated: it is at a revision that this program does not know.
        DatabaseUnavailable: the database failed.
    """
    try:
        with database.engine.begin() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError:
        raise SchemaOutdated("EXPOSURE_DATABASE_URL: the schema is of another version of this program") from None
    except SQLAlchemyError as error:
        raise DatabaseUnavailable(f"the database failed ({type(error).__name__})") from None


def require_current_schema(database: Database) -> None:
    """Refuse a schema that is older or newer than this program.

    Raises:
        SchemaOutdated: it is.
        DatabaseUnavailable: the database failed.
    """
    try:
        with database.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        raise DatabaseUnavailable(
            f"EXPOSURE_DATABASE_URL: the database cannot be reached ({type(error).__name__})"
        ) from None
    if current != ScriptDirectory.from_config(_config()).get_current_head():
        raise SchemaOutdated("EXPOSURE_DATABASE_URL: the schema is not the newest; run `exposure db upgrade`")


def _config() -> Config:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config
