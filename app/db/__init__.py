"""The database: one engine, two units of work, and what may be remembered. SQL of the domains lives in their `queries.py`, not here.

Migrations are in `app.db.upgrade`, which brings Alembic along: only commands need it.
"""

from app.db.database import Database, parse_url
from app.db.edition import EditionRow, Remembered, note_edition, require_edition
from app.db.reading import DatabaseUnavailable, Reader, fetch
from app.db.schema import Base, UtcDateTime, moment

__all__ = [
    "Base",
    "Database",
    "DatabaseUnavailable",
    "EditionRow",
    "Reader",
    "Remembered",
    "UtcDateTime",
    "fetch",
    "moment",
    "note_edition",
    "parse_url",
    "require_edition",
]
