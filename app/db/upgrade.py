"""Runs Alembic's migrations from within the application, so that operators need no other command or file path."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy.exc import SQLAlchemyError

from app.db.database import Database
from app.db.readers import DatabaseUnavailable
from app.db.roles import Roles, grant, require_roles
from app.errors import InvalidInput

ROOT = Path(__file__).parents[2]
"""Root of the project and of the image: ``alembic.ini`` and ``migrations/`` are there."""


class SchemaOutdated(InvalidInput):
    """The database schema does not match this version of the program."""


def upgrade(database: Database, roles: Roles | None = None) -> None:
    """Migrate the schema to the newest revision, and grant *roles* their privileges: all or nothing.

    Raises:
        InvalidInput: a role does not exist, or has more rights than its privileges.
        SchemaOutdated: its revision is unknown to this version of the program.
        DatabaseUnavailable: the database failed.
    """
    require_roles(database, roles := roles or Roles())
    try:
        with database.engine.begin() as connection:
            config = _alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            grant(connection, roles)
    except CommandError:
        raise SchemaOutdated("EXPOSURE_DATABASE_URL: the schema is of another version of this program") from None
    except SQLAlchemyError as error:
        raise DatabaseUnavailable(f"the database failed ({type(error).__name__})") from None


def require_current_schema(database: Database) -> None:
    """Check that the schema is at the newest revision that this program knows.

    Raises:
        SchemaOutdated: the schema is older or newer.
        DatabaseUnavailable: the database failed.
    """
    try:
        with database.engine.connect() as connection:
            current = MigrationContext.configure(connection).get_current_revision()
    except SQLAlchemyError as error:
        raise DatabaseUnavailable(
            f"EXPOSURE_DATABASE_URL: the database cannot be reached ({type(error).__name__})"
        ) from None
    if current != ScriptDirectory.from_config(_alembic_config()).get_current_head():
        raise SchemaOutdated("EXPOSURE_DATABASE_URL: the schema is not the newest; run `exposure db upgrade`")


def _alembic_config() -> Config:
    config = Config(ROOT / "alembic.ini")
    config.set_main_option("script_location", str(ROOT / "migrations"))
    return config
