"""The database: one engine, two units of work, migrations. SQL of the domains lives in their `queries.py`, not here."""

from app.db.database import Database, DatabaseUnavailable
from app.db.schema import Base, UtcDateTime
from app.db.upgrade import NotUpgraded, require_newest, upgrade

__all__ = ["Base", "Database", "DatabaseUnavailable", "NotUpgraded", "UtcDateTime", "require_newest", "upgrade"]
