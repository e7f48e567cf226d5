"""The incidents as every answer needs them, remembered for as long as none of them changes."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import Reader, VersionedCache
from app.incidents.schema import LOCALES, Incident, Locale
from app.incidents.notices import Notice
from app.incidents.service import get_notice, list_all


@dataclass(frozen=True, slots=True)
class CachedIncident:
    """An incident, and its notice that stands now."""

    incident: Incident
    notices: Mapping[Locale, Notice]
    """The newest, in every language."""

    @property
    def notice_version(self) -> int:
        """Number of the newest notice."""
        return self.notices["ko"].version


class IncidentCache:
    """All incidents by their slugs, oldest first."""

    def __init__(self) -> None:
        self._remembered = VersionedCache(_read)

    def __call__(self, db: Reader) -> dict[str, CachedIncident]:
        """Give them as they stand in this snapshot.

        Raises:
            DependencyUnavailable: the database failed.
        """
        return self._remembered(db)


def _read(db: Session) -> dict[str, CachedIncident]:
    return {
        one.slug: CachedIncident(one, {locale: get_notice(db, one.slug, locale) for locale in LOCALES})
        for one in list_all(db)
    }
