"""A cache of all incidents and their newest notices, which every answer needs. It is valid for one catalog version."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import Reader, VersionedCache
from app.incidents.notices import Notice
from app.incidents.schema import Incident
from app.incidents.service import get_notice, list_incidents
from app.locales import LOCALES, Locale


@dataclass(frozen=True, slots=True)
class CachedIncident:
    """An incident and its newest notice."""

    incident: Incident
    notices: Mapping[Locale, Notice]
    """The newest notice in every language."""

    @property
    def notice_version(self) -> int:
        """Version of the newest notice."""
        return self.notices["ko"].version


class IncidentCache:
    """All incidents by slug, oldest first.

    Args:
        verify: checks the catalogue before it is read.
    """

    def __init__(self, verify: Callable[[Session], object] = lambda _: None) -> None:
        self._verify = verify
        self._cache = VersionedCache(self._load)

    def get_all(self, db: Reader) -> dict[str, CachedIncident]:
        """Return the incidents as of the reader's state.

        Raises:
            DependencyUnavailable: the database failed, or the catalogue is invalid.
        """
        return self._cache(db)

    def _load(self, db: Session) -> dict[str, CachedIncident]:
        self._verify(db)
        return {
            incident.slug: CachedIncident(
                incident, {locale: get_notice(db, incident.slug, locale) for locale in LOCALES}
            )
            for incident in list_incidents(db)
        }
