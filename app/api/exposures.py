"""What leaked of a person, and whether a value is the one on record."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.api.bearer_auth import Token
from app.api.schemas import (
    Omitted,
    RequestModel,
    ResponseModel,
    Timestamp,
    json_response,
    problem_responses,
)
from app.exposures import ExposureReport
from app.flows import exposure_report as flows
from app.flows.exposure_report import ReportedExposure, load_person_report
from app.http.rate_limit.route import RateLimitedRoute, rate_limit
from app.http.services import services_of
from app.identifiers import IdentifierKind, ValueKind
from app.incidents.items import ItemKind
from app.rate_limits import RouteLimit

router = APIRouter(route_class=RateLimitedRoute, tags=["exposures"])


class IdentifierOut(ResponseModel):
    """A verified identifier of this session."""

    kind: IdentifierKind
    masked: str


class DataSetOut(ResponseModel):
    """The result of looking up the verified identifiers in one published data set."""

    incident: str
    version: int
    published_at: Timestamp
    result: Literal["found", "not_found", "cannot_tell"]
    synthetic: bool


class ExposureItemOut(ResponseModel):
    """An item that leaked, and how often it was viewed."""

    kind: ItemKind
    count: int
    hints: list[str] | Omitted = None


class AcknowledgedOut(ResponseModel):
    """The notice version that the person last acknowledged, and when."""

    notice_version: int
    at: Timestamp


class ExposureOut(ResponseModel):
    """What leaked of one person in one incident."""

    id: str
    incident: str
    role: Literal["holder", "recipient"]
    confidence: Literal["confirmed", "possible", "withdrawn", "under_review"]
    items: list[ExposureItemOut]
    cohorts: list[str]
    identifiers: list[IdentifierKind]
    notice_version: int
    acknowledged: AcknowledgedOut | Omitted = None
    actions: list[str]


class ExposuresOut(ResponseModel):
    """All exposures of the verified identifiers, and the data sets that were read."""

    identifiers: list[IdentifierOut]
    checked_at: Timestamp
    datasets: list[DataSetOut]
    exposures: list[ExposureOut]


class CheckIn(RequestModel):
    """A value to compare with the person's own records."""

    kind: ValueKind
    value: Annotated[str, Field(min_length=1, max_length=1000)]


class CheckOut(ResponseModel):
    """Whether the value matches the record of one exposure, and whether that kind of item leaked."""

    exposure_id: str
    item_exposed: bool
    value: Literal["matched", "not_recognised"]


class ChecksOut(ResponseModel):
    """The comparison with the record of each exposure."""

    kind: ValueKind
    results: list[CheckOut]


@router.get("/v1/exposures", response_model=ExposuresOut, responses=problem_responses(401))
@rate_limit(RouteLimit.OTHER)
def list_exposures(request: Request, token: Token) -> Response:
    """List what leaked of the holder of the verified identifiers. A result is ``not_found`` only if the data set was really read."""
    services = services_of(request)
    person = load_person_report(services, token)
    body = ExposuresOut(
        identifiers=[
            IdentifierOut(kind=identifier.kind, masked=identifier.masked) for identifier in person.principal.identifiers
        ],
        checked_at=services.clock(),
        datasets=_datasets_out(person.report),
        exposures=[_exposure_out(reported) for reported in person.exposures],
    )
    return json_response(body, personal=True)


@router.post("/v1/exposures/check", response_model=ChecksOut, responses=problem_responses(401, 413, 415, 422))
@rate_limit(RouteLimit.OTHER)
def check_value(body: CheckIn, request: Request, token: Token) -> Response:
    """Compare a name, address, email or phone with the person's own records."""
    results = flows.check_value(services_of(request), token, body.kind, body.value)
    response = ChecksOut(
        kind=body.kind,
        results=[
            CheckOut(
                exposure_id=exposure_id,
                item_exposed=result.item_exposed,
                value="matched" if result.matched else "not_recognised",
            )
            for exposure_id, result in results.items()
        ],
    )
    return json_response(response, personal=True)


def _datasets_out(answer: ExposureReport) -> list[DataSetOut]:
    return [
        DataSetOut(
            incident=dataset.incident,
            version=dataset.version,
            published_at=dataset.published_at,
            result=dataset.result,
            synthetic=dataset.synthetic,
        )
        for dataset in answer.datasets
    ]


def _exposure_out(reported: ReportedExposure) -> ExposureOut:
    exposure, incident, acknowledgement = reported.exposure, reported.incident, reported.acknowledgement
    return ExposureOut(
        id=reported.id,
        incident=exposure.incident,
        role=exposure.role,
        confidence=exposure.confidence,
        items=[
            ExposureItemOut(
                kind=kind, count=count, hints=list(exposure.hints[kind]) if kind in exposure.hints else None
            )
            for kind, count in exposure.items.items()
        ],
        cohorts=list(exposure.cohorts),
        identifiers=list(exposure.identifiers),
        notice_version=incident.notice_version,
        acknowledged=None
        if acknowledgement is None
        else AcknowledgedOut(notice_version=acknowledgement.notice_version, at=acknowledgement.acknowledged_at),
        actions=[action.id for action in exposure.actions(incident.incident)],
    )
