"""The incidents as every answer needs them, remembered for as long as none of them changes."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.db import Remembered
from app.incidents.document import Incident
from app.incidents.service import list_all, newest_version


@dataclass(frozen=True, slots=True)
class KnownIncident:
    """An incident, and the version of its notice that stands now."""

    incident: Incident
    notice_version: int


class KnownIncidents:
    """All incidents by their slugs, oldest first."""

    def __init__(self) -> None:
        self._remembered = Remembered(_read)

    def __call__(self, session: Session) -> dict[str, KnownIncident]:
        """Give them as they stand in this snapshot.

        Raises:
            Unavailable: the database failed.
        """
        return self._remembered(session)


def _read(session: Session) -> dict[str, KnownIncident]:
    return {one.slug: KnownIncident(one, newest_version(session, one.slug)) for one in list_all(session)}
