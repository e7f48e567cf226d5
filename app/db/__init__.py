"""The database: one engine, two units of work, migrations, and what may be remembered. SQL of the domains lives in their `queries.py`, not here."""

from app.db.database import Database, parse_url
from app.db.edition import EditionRow, Remembered, note_edition, require_edition
from app.db.reading import DatabaseUnavailable, Reader, fetch
from app.db.schema import Base, UtcDateTime, moment
from app.db.upgrade import NotUpgraded, require_newest, upgrade

__all__ = [
    "Base",
    "Database",
    "DatabaseUnavailable",
    "EditionRow",
    "NotUpgraded",
    "Reader",
    "Remembered",
    "UtcDateTime",
    "fetch",
    "moment",
    "note_edition",
    "parse_url",
    "require_edition",
    "require_newest",
    "upgrade",
]
