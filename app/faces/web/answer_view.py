"""View models of the answer page, one for each incident.

The `exposures` domain decides who is affected; this module only arranges its result for display.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.acknowledgements import Acknowledgement
from app.db import Reader
from app.exposures import Exposure, ExposureReport, exposure_id
from app.faces.http.auth import identifier_digests_of
from app.faces.http.services import Services
from app.incidents import Action, Incident, ItemKind, LocalizedText, Notice
from app.locales import Locale
from app.verification import Principal

IncidentResult = Literal["found", "not_found", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class ExposureView:
    """An exposure with its recommended actions and its last acknowledgement."""

    id: str
    exposure: Exposure
    actions: tuple[Action, ...]
    acknowledgement: Acknowledgement | None


@dataclass(frozen=True, slots=True)
class IncidentView:
    """The result for one incident."""

    incident: Incident
    notice: Notice
    exposures: tuple[ExposureView, ...]
    result: IncidentResult
    is_partly_unclear: bool
    """Whether one identifier was found and another is shared by too many people to tell."""

    @property
    def item_labels(self) -> dict[ItemKind, LocalizedText]:
        """The incident's names for its item kinds."""
        return {item.kind: item.label for item in self.incident.items}

    @property
    def unacknowledged(self) -> tuple[ExposureView, ...]:
        """The exposures whose current notice version was not acknowledged."""
        return tuple(
            view
            for view in self.exposures
            if view.acknowledgement is None or view.acknowledgement.notice_version < self.notice.version
        )

    @property
    def last_acknowledged_at(self) -> datetime | None:
        """The time of the latest acknowledgement, of any notice version."""
        acknowledged = [view.acknowledgement for view in self.exposures if view.acknowledgement is not None]
        return max((read.acknowledged_at for read in acknowledged), default=None)


@dataclass(frozen=True, slots=True)
class AnswerView:
    """Everything that the answer page shows."""

    masked_identifiers: tuple[str, ...]
    is_synthetic: bool
    as_of: datetime | None
    """Publication time of the newest data set; None if there is none."""
    incidents: tuple[IncidentView, ...]


def load_answer_view(services: Services, db: Reader, principal: Principal, locale: Locale) -> AnswerView:
    """Load the answer for a session, with notices and acknowledgements, from one database snapshot.

    Incidents without a data set or an exposure are left out.

    Raises:
        ReverificationNeeded: the session lacks what is needed to read the current data sets.
        DependencyUnavailable: a dependency failed, so there is no answer.
    """
    answer = services.exposures.find(db, identifier_digests_of(principal))
    incidents = services.incident_cache.get_all(db)
    acknowledgements = services.acknowledgements.latest_for_exposures(db, answer.exposures)
    acknowledged = list(zip(answer.exposures, acknowledgements, strict=True))
    slugs = {dataset.incident for dataset in answer.datasets} | {exposure.incident for exposure in answer.exposures}
    views = [
        _incident_view(
            cached.incident,
            cached.notices[locale],
            answer,
            [
                _exposure_view(principal, cached.incident, exposure, acknowledgement)
                for exposure, acknowledgement in acknowledged
                if exposure.incident == slug
            ],
        )
        for slug, cached in incidents.items()
        if slug in slugs
    ]
    return AnswerView(
        masked_identifiers=tuple(identifier.masked for identifier in principal.identifiers),
        is_synthetic=any(dataset.synthetic for dataset in answer.datasets),
        as_of=max((dataset.published_at for dataset in answer.datasets), default=None),
        incidents=tuple(reversed(views)),
    )


def _exposure_view(
    principal: Principal, incident: Incident, exposure: Exposure, acknowledgement: Acknowledgement | None
) -> ExposureView:
    actions = tuple(exposure.actions(incident))
    return ExposureView(exposure_id(principal.session_key, exposure), exposure, actions, acknowledgement)


def _incident_view(
    incident: Incident, notice: Notice, answer: ExposureReport, exposures: Sequence[ExposureView]
) -> IncidentView:
    results = [dataset.result for dataset in answer.datasets if dataset.incident == incident.slug]
    unclear = "cannot_tell" in results
    result: IncidentResult = "found" if exposures else "cannot_tell" if unclear else "not_found"
    return IncidentView(incident, notice, tuple(exposures), result, is_partly_unclear=bool(exposures) and unclear)
