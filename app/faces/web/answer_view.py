"""The answer as a page shows it, incident by incident. Decides nothing about who is affected: the exposures do."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.acknowledgements import Acknowledgement
from app.db import Reader
from app.exposures import ExposureReport, Exposure, exposure_id
from app.faces.http.auth import identifier_digests_of
from app.faces.http.services import Services
from app.incidents import Action, Incident, ItemKind, Notice, LocalizedText
from app.locales import Locale
from app.verification import Principal


@dataclass(frozen=True, slots=True)
class Leak:
    """One exposure."""

    id: str
    exposure: Exposure
    actions: tuple[Action, ...]
    read: Acknowledgement | None


@dataclass(frozen=True, slots=True)
class IncidentView:
    """What the lists of one incident say of the person."""

    incident: Incident
    notice: Notice
    leaks: tuple[Leak, ...]
    outcome: Literal["found", "not_found", "cannot_tell"]
    partly: bool
    """Whether one of the contacts tells nothing, while another was found."""

    @property
    def labels(self) -> dict[ItemKind, LocalizedText]:
        """What the incident calls its items."""
        return {item.kind: item.label for item in self.incident.items}

    @property
    def unread(self) -> tuple[Leak, ...]:
        """The leaks whose newest notice was not acknowledged."""
        return tuple(leak for leak in self.leaks if leak.read is None or leak.read.notice_version < self.notice.version)

    @property
    def read_at(self) -> datetime | None:
        """When the last of them was acknowledged, whichever version it was."""
        return max((leak.read.acknowledged_at for leak in self.leaks if leak.read is not None), default=None)


@dataclass(frozen=True, slots=True)
class AnswerView:
    """All of it."""

    masked: tuple[str, ...]
    synthetic: bool
    as_of: datetime | None
    incidents: tuple[IncidentView, ...]


def load_answer_view(services: Services, session: Reader, principal: Principal, locale: Locale) -> AnswerView:
    """Read the answer of one session, its notices and what was acknowledged, all on one state of the database.

    Raises:
        ReverificationNeeded: the data sets cannot be read with what the session holds.
        DependencyUnavailable: something could not be read; then there is no answer.
    """
    answer = services.exposures.find(session, identifier_digests_of(principal))
    known = services.incident_cache.get_all(session)
    read = services.acknowledgements.latest_for_exposures(session, answer.exposures)
    concerned = {one.incident for one in answer.datasets} | {one.incident for one in answer.exposures}
    return AnswerView(
        masked=tuple(one.masked for one in principal.identifiers),
        synthetic=any(one.synthetic for one in answer.datasets),
        as_of=max((one.published_at for one in answer.datasets), default=None),
        incidents=tuple(
            _view(
                incident,
                notice,
                answer,
                [
                    _leak(principal, incident, exposure, acknowledged)
                    for exposure, acknowledged in zip(answer.exposures, read, strict=True)
                    if exposure.incident == incident.slug
                ],
            )
            for incident, notice in reversed([(one.incident, one.notices[locale]) for one in known.values()])
            if incident.slug in concerned
        ),
    )


def _leak(principal: Principal, incident: Incident, exposure: Exposure, read: Acknowledgement | None) -> Leak:
    return Leak(exposure_id(principal.session_key, exposure), exposure, tuple(exposure.actions(incident)), read)


def _view(incident: Incident, notice: Notice, answer: ExposureReport, leaks: Sequence[Leak]) -> IncidentView:
    results = [one.result for one in answer.datasets if one.incident == incident.slug]
    unclear = "cannot_tell" in results
    outcome: Literal["found", "not_found", "cannot_tell"] = "cannot_tell" if unclear else "not_found"
    return IncidentView(incident, notice, tuple(leaks), "found" if leaks else outcome, partly=bool(leaks) and unclear)
