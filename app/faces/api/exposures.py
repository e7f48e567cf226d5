"""The answer: what of one's own leaked; and whether a value is one that is known."""

from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app.acknowledgements import Acknowledgement
from app.db import Reader
from app.exposures import ExposureReport, Exposure, exposure_id
from app.faces.api.bearer_auth import Token
from app.faces.api.schemas import Omitted, RequestModel, Timestamp, ResponseModel, json_response, problem_responses
from app.faces.http.auth import identifier_digests_of, read_as_principal, load_principal
from app.faces.http.rate_limited_route import RateLimitedRoute, rate_limit
from app.faces.http.services import services_of
from app.identifiers import IdentifierKind, ValueKind
from app.incidents import ItemKind, CachedIncident
from app.rate_limits import RouteLimit
from app.verification import Principal

router = APIRouter(route_class=RateLimitedRoute, tags=["exposures"])


class IdentifierOut(ResponseModel):
    """An identifier that this session has proven."""

    kind: IdentifierKind
    masked: str


class DataSetOut(ResponseModel):
    """What one published data set says."""

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
    """That the notice was read."""

    notice_version: int
    at: Timestamp


class ExposureOut(ResponseModel):
    """What of one person's leaked in one incident."""

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
    """The answer."""

    identifiers: list[IdentifierOut]
    checked_at: Timestamp
    datasets: list[DataSetOut]
    exposures: list[ExposureOut]


class CheckIn(RequestModel):
    """A value to hold against one's own records."""

    kind: ValueKind
    value: Annotated[str, Field(min_length=1, max_length=1000)]


class CheckOut(ResponseModel):
    """What one exposure says of the value."""

    exposure_id: str
    item_exposed: bool
    value: Literal["matched", "not_recognised"]


class ChecksOut(ResponseModel):
    """What all of them say."""

    kind: ValueKind
    results: list[CheckOut]


@router.get("/v1/exposures", response_model=ExposuresOut, responses=problem_responses(401))
@rate_limit(RouteLimit.OTHER)
def list_exposures(request: Request, token: Token) -> Response:
    """Read what of the proven identifiers' owner leaked. ``not_found`` is said only where every data set was really read."""
    services = services_of(request)

    def read(session: Reader, principal: Principal) -> ExposuresOut:
        answer = services.exposures.find(session, identifier_digests_of(principal))
        known = services.incident_cache.get_all(session) if answer.exposures else {}
        acknowledged = services.acknowledgements.latest_for_exposures(session, answer.exposures)
        return ExposuresOut(
            identifiers=[IdentifierOut(kind=one.kind, masked=one.masked) for one in principal.identifiers],
            checked_at=services.clock(),
            datasets=_datasets(answer),
            exposures=[
                _exposure(one, exposure_id(principal.session_key, one), known[one.incident], acknowledgement)
                for one, acknowledgement in zip(answer.exposures, acknowledged, strict=True)
            ],
        )

    return json_response(read_as_principal(services, token, read), personal=True)


@router.post("/v1/exposures/check", response_model=ChecksOut, responses=problem_responses(401, 413, 415, 422))
@rate_limit(RouteLimit.OTHER)
def check_value(body: CheckIn, request: Request, token: Token) -> Response:
    """Ask whether a name, address, email or phone is the one in one's own records."""
    services = services_of(request)
    services.action_limiter.charge_value_check(load_principal(services, token).key, now=services.clock())  # once: what follows may run twice

    def check(session: Reader, principal: Principal) -> ChecksOut:
        results = services.exposures.check_value(session, identifier_digests_of(principal), body.kind, body.value)
        return ChecksOut(
            kind=body.kind,
            results=[
                CheckOut(
                    exposure_id=exposure_id(principal.session_key, one.exposure),
                    item_exposed=one.item_exposed,
                    value="matched" if one.matched else "not_recognised",
                )
                for one in results
            ],
        )

    return json_response(read_as_principal(services, token, check), personal=True)


def _datasets(answer: ExposureReport) -> list[DataSetOut]:
    return [
        DataSetOut(
            incident=one.incident,
            version=one.version,
            published_at=one.published_at,
            result=one.result,
            synthetic=one.synthetic,
        )
        for one in answer.datasets
    ]


def _exposure(one: Exposure, name: str, known: CachedIncident, read: Acknowledgement | None) -> ExposureOut:
    return ExposureOut(
        id=name,
        incident=one.incident,
        role=one.role,
        confidence=one.confidence,
        items=[
            ExposureItemOut(kind=kind, count=count, hints=list(one.hints[kind]) if kind in one.hints else None)
            for kind, count in one.items.items()
        ],
        cohorts=list(one.cohorts),
        identifiers=list(one.identifiers),
        notice_version=known.notice_version,
        acknowledged=None if read is None else AcknowledgedOut(notice_version=read.notice_version, at=read.acknowledged_at),
        actions=[action.id for action in one.actions(known.incident)],
    )
