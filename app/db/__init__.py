"""The database: one engine, two units of work, and what may be remembered. SQL of the domains lives in their `queries.py`, not here.

Migrations are in `app.db.upgrade`, which brings Alembic along: only commands need it.
"""

from app.db.database import Database, parse_database_url
from app.db.catalog_version import CatalogVersionRow, VersionedCache, observe_version, require_same_version
from app.db.readers import DatabaseUnavailable, Reader, fetch
from app.db.base import Base, UtcDateTime, as_utc

__all__ = [
    "Base",
    "Database",
    "DatabaseUnavailable",
    "CatalogVersionRow",
    "Reader",
    "Remembered",
    "UtcDateTime",
    "fetch",
    "moment",
    "observe_version",
    "parse_database_url",
    "require_same_version",
]
