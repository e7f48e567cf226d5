"""The incidents as every answer needs them, remembered for as long as none of them changes."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import Reader, Remembered
from app.incidents.document import LOCALES, Incident, Locale
from app.incidents.notices import Notice
from app.incidents.service import get_notice, list_all


@dataclass(frozen=True, slots=True)
class KnownIncident:
    """An incident, and its notice that stands now."""

    incident: Incident
    notices: Mapping[Locale, Notice]
    """The newest, in every language."""

    @property
    def notice_version(self) -> int:
        """Number of the newest notice."""
        return self.notices["ko"].version


class KnownIncidents:
    """All incidents by their slugs, oldest first."""

    def __init__(self) -> None:
        self._remembered = Remembered(_read)

    def __call__(self, session: Reader) -> dict[str, KnownIncident]:
        """Give them as they stand in this snapshot.

        Raises:
            Unavailable: the database failed.
        """
        return self._remembered(session)


def _read(session: Session) -> dict[str, KnownIncident]:
    return {
        one.slug: KnownIncident(one, {locale: get_notice(session, one.slug, locale) for locale in LOCALES})
        for one in list_all(session)
    }
