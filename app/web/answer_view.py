"""View models of the answer page, one for each incident.

The `exposures` domain decides who is affected; this module only arranges its result for display.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from app.acknowledgements import Acknowledgement
from app.exposures import Exposure, ExposureReport
from app.flows.exposure_report import PersonReport, ReportedExposure
from app.incidents.items import ItemKind
from app.incidents.notices import Notice
from app.incidents.schema import Action, Incident, LocalizedText
from app.locales import Locale

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


def build_answer_view(person: PersonReport, locale: Locale) -> AnswerView:
    """Arrange a person's report for the page. Incidents without a data set or an exposure are left out."""
    report = person.report
    slugs = {dataset.incident for dataset in report.datasets} | {exposure.incident for exposure in report.exposures}
    views = [
        _incident_view(
            cached.incident,
            cached.notices[locale],
            report,
            [_exposure_view(reported) for reported in person.exposures if reported.exposure.incident == slug],
        )
        for slug, cached in person.incidents.items()
        if slug in slugs
    ]
    return AnswerView(
        masked_identifiers=tuple(identifier.masked for identifier in person.principal.identifiers),
        is_synthetic=any(dataset.synthetic for dataset in report.datasets),
        as_of=max((dataset.published_at for dataset in report.datasets), default=None),
        incidents=tuple(reversed(views)),
    )


def _exposure_view(reported: ReportedExposure) -> ExposureView:
    actions = tuple(reported.exposure.actions(reported.incident.incident))
    return ExposureView(reported.id, reported.exposure, actions, reported.acknowledgement)


def _incident_view(
    incident: Incident, notice: Notice, report: ExposureReport, exposures: Sequence[ExposureView]
) -> IncidentView:
    results = [dataset.result for dataset in report.datasets if dataset.incident == incident.slug]
    unclear = "cannot_tell" in results
    result: IncidentResult = "found" if exposures else "cannot_tell" if unclear else "not_found"
    return IncidentView(incident, notice, tuple(exposures), result, is_partly_unclear=bool(exposures) and unclear)
