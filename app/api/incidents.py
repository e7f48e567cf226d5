"""Incidents and their notices. Public."""

import hashlib
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from app.api.schemas import Omitted, ResponseModel, Timestamp, problem_responses
from app.http.rate_limit.route import RateLimitedRoute, rate_limit
from app.http.services import services_of
from app.incidents.errors import UnknownIncident
from app.incidents.items import ItemKind
from app.incidents.schema import Incident
from app.locales import Locale
from app.rate_limits import RouteLimit

router = APIRouter(route_class=RateLimitedRoute, tags=["incidents"])

_CACHE_CONTROL = "public, max-age=60"


class TextOut(ResponseModel):
    """A text in every language of the service."""

    ko: str
    en: str


class IncidentItemOut(ResponseModel):
    """A kind of item that leaked for some of the affected people."""

    kind: ItemKind
    label: TextOut


class FactOut(ResponseModel):
    """A fact that is confirmed, disputed, under investigation or withheld."""

    key: str
    state: str
    text: TextOut
    authority: TextOut | Omitted = None
    as_of: date | Omitted = None


class ActionOut(ResponseModel):
    """What a person can do if these items of theirs leaked."""

    id: str
    items: list[ItemKind]
    text: TextOut
    link: str | Omitted = None
    phone: str | Omitted = None


class IncidentOut(ResponseModel):
    """An incident."""

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
    """The statutory content of a notice, in one language."""

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
    cached_incidents = services.database.optimistic_read(services.incident_cache.get_all)
    body = IncidentsOut(
        incidents=[_incident_out(cached.incident, cached.notice_version) for cached in cached_incidents.values()]
    )
    return _cacheable_response(request, body.model_dump(mode="json", exclude_none=True))


@router.get(
    "/v1/incidents/{slug}/notice",
    response_model=NoticeOut,
    responses={304: {"description": "Not modified"}, **problem_responses(404, 422)},
)
@rate_limit(RouteLimit.OTHER)
def get_notice(request: Request, slug: str, locale: Annotated[Locale, Query()] = "ko") -> Response:
    """Return an incident's newest notice."""
    services = services_of(request)
    cached = services.database.optimistic_read(services.incident_cache.get_all).get(slug)
    if cached is None:
        raise UnknownIncident(f"there is no incident {slug}")
    notice = cached.notices[locale]
    body = NoticeOut(
        incident=notice.incident,
        locale=notice.locale,
        version=notice.version,
        sha256=notice.sha256,
        published_at=notice.published_at,
        **notice.text.model_dump(),
    )
    return _cacheable_response(request, body.model_dump(mode="json"))


def _incident_out(incident: Incident, notice_version: int) -> IncidentOut:
    fields = incident.model_dump(exclude={"notice", "hints"})
    return IncidentOut.model_validate(fields | {"notice_version": notice_version})


def _cacheable_response(request: Request, content: dict[str, Any]) -> Response:
    response: Response = JSONResponse(content)
    etag = f'"{hashlib.sha256(response.body).hexdigest()[:32]}"'
    headers = {"ETag": etag, "Cache-Control": _CACHE_CONTROL}
    if etag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response
