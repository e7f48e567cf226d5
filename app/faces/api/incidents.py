"""Incidents and their notices: public."""

import hashlib
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from app.faces.api.schemas import Omitted, Timestamp, ResponseModel, problem_responses
from app.faces.http.rate_limited_route import RateLimitedRoute, rate_limit
from app.faces.http.services import services_of
from app.incidents import Incident, ItemKind, UnknownIncident
from app.locales import Locale
from app.rate_limits import RouteLimit

router = APIRouter(route_class=RateLimitedRoute, tags=["incidents"])

_CACHEABLE = "public, max-age=60"


class TextOut(ResponseModel):
    """One text in every language of the service."""

    ko: str
    en: str


class IncidentItemOut(ResponseModel):
    """A kind of item that leaked for some of the people."""

    kind: ItemKind
    label: TextOut


class FactOut(ResponseModel):
    """Something known, disputed, under investigation or withheld."""

    key: str
    state: str
    text: TextOut
    authority: TextOut | Omitted = None
    as_of: date | Omitted = None


class ActionOut(ResponseModel):
    """Something that a person whose items leaked can do now."""

    id: str
    items: list[ItemKind]
    text: TextOut
    link: str | Omitted = None
    phone: str | Omitted = None


class IncidentOut(ResponseModel):
    """One incident."""

    slug: str
    title: TextOut
    status: str
    occurred_from: date
    occurred_to: date | Omitted = None
    discovered_on: date | Omitted = None
    reported_on: date | Omitted = None
    items: list[IncidentItemOut]
    facts: list[FactOut]
    actions: list[ActionOut]
    notice_version: int


class IncidentsOut(ResponseModel):
    """All incidents."""

    incidents: list[IncidentOut]


class NoticeOut(ResponseModel):
    """The statutory content of a notice in one language."""

    incident: str
    locale: Locale
    version: int
    leaked_items: str
    circumstances: str
    self_protection: str
    response: str
    relief: str
    contact: str
    rights: str
    sha256: str
    published_at: Timestamp


@router.get(
    "/v1/incidents",
    response_model=IncidentsOut,
    responses={304: {"description": "Not modified"}, **problem_responses()},
)
@rate_limit(RouteLimit.OTHER)
def list_incidents(request: Request) -> Response:
    """List the incidents."""
    services = services_of(request)
    known = services.database.optimistic_read(services.incident_cache.get_all)
    body = IncidentsOut(incidents=[_incident(one.incident, one.notice_version) for one in known.values()])
    return _cacheable(request, body.model_dump(mode="json", exclude_none=True))


@router.get(
    "/v1/incidents/{slug}/notice",
    response_model=NoticeOut,
    responses={304: {"description": "Not modified"}, **problem_responses(404, 422)},
)
@rate_limit(RouteLimit.OTHER)
def get_notice(request: Request, slug: str, locale: Annotated[Locale, Query()] = "ko") -> Response:
    """Read an incident's newest notice."""
    services = services_of(request)
    known = services.database.optimistic_read(services.incident_cache.get_all).get(slug)
    if known is None:
        raise UnknownIncident(f"there is no incident {slug}")
    notice = known.notices[locale]
    body = NoticeOut(
        incident=notice.incident,
        locale=notice.locale,
        version=notice.version,
        sha256=notice.sha256,
        published_at=notice.published_at,
        **notice.text.model_dump(),
    )
    return _cacheable(request, body.model_dump(mode="json"))


def _incident(one: Incident, version: int) -> IncidentOut:
    return IncidentOut.model_validate(one.model_dump(exclude={"notice", "hints"}) | {"notice_version": version})


def _cacheable(request: Request, content: dict[str, Any]) -> Response:
    response: Response = JSONResponse(content)
    etag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": _CACHEABLE}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response
