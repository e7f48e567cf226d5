"""Database access: the engine, transactions, and a cache that is valid for one version of the catalog.

Each domain keeps its SQL in its own `queries.py`. Migrations are in `app.db.upgrade`, a separate import because it loads Alembic, which only
commands need.
"""

from app.db.base import Base, UtcDateTime, as_utc
from app.db.catalog_version import CatalogVersionRow, VersionedCache, observe_version, require_same_version
from app.db.database import Database, parse_database_url
from app.db.readers import DatabaseUnavailable, Reader, fetch

__all__ = [
    "Base",
    "CatalogVersionRow",
    "Database",
    "DatabaseUnavailable",
    "Reader",
    "UtcDateTime",
    "VersionedCache",
    "as_utc",
    "fetch",
    "observe_version",
    "parse_database_url",
    "require_same_version",
]
