"""For those who keep the service running."""

import hmac
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from app.faces.api.schemas import ResponseModel, problem_responses
from app.faces.http.rate_limited_route import RateLimitedRoute, rate_limit
from app.faces.http.services import services_of
from app.rate_limits import RouteLimit, BackendState

router = APIRouter(route_class=RateLimitedRoute, tags=["operations"])
metrics_router = APIRouter(route_class=RateLimitedRoute, tags=["operations"])
"""Where a token is configured; elsewhere its address is as unknown as any, by whatever method."""


class StatusOut(ResponseModel):
    """How the service is."""

    status: Literal["alive", "ready"]


class ReadyOut(StatusOut):
    """How the service is, and what it does without."""

    limits: BackendState


@router.get("/healthz", responses=problem_responses())
@rate_limit(RouteLimit.OTHER)
async def is_alive() -> StatusOut:
    """Say that the process answers, even while all of its threads wait."""
    return StatusOut(status="alive")


@router.get("/readyz", responses=problem_responses())
@rate_limit(RouteLimit.OTHER)
def is_ready(request: Request) -> ReadyOut:
    """Say that an answer could be given now: database, keyholder, store keys and the sentinel of every data set."""
    services = services_of(request)
    services.keyholder.ping()
    services.database.snapshot_read(lambda session: services.sealed_store.look_up(session, []))
    # Without the store of limits it still can, for each process counts by itself and more strictly. A 503 here would have all servers taken out
    # at once for what all of them share, and would give whoever brings that store down the whole service.
    return ReadyOut(status="ready", limits=services.request_limiter.backend_state)


@metrics_router.get("/metrics", response_class=PlainTextResponse, responses=problem_responses(401))
@rate_limit(RouteLimit.OTHER)
def show_metrics(request: Request) -> Response:
    """Give the counters in Prometheus' text format to whoever shows the token."""
    services = services_of(request)
    scheme, _, shown = request.headers.get("authorization", "").partition(" ")
    token = services.metrics_token
    if token is None or scheme.lower() != "bearer" or not hmac.compare_digest(shown.encode(), token.encode()):
        raise HTTPException(401)
    return Response(services.metrics.render(), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/openapi.json", include_in_schema=False)
@rate_limit(RouteLimit.OTHER)
def describe(request: Request) -> JSONResponse:
    """Describe this API (OpenAPI 3.1)."""
    return JSONResponse(request.app.openapi(), headers={"Cache-Control": "public, max-age=3600"})
