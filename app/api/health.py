"""Liveness, readiness, metrics, and the OpenAPI document."""

import hmac
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.exceptions import HTTPException

from app.api.schemas import ResponseModel, problem_responses
from app.http.rate_limit.request_limiter import BackendState
from app.http.rate_limit.route import RateLimitedRoute, rate_limit
from app.http.services import services_of
from app.rate_limits import RouteLimit

router = APIRouter(route_class=RateLimitedRoute, tags=["operations"])
metrics_router = APIRouter(route_class=RateLimitedRoute, tags=["operations"])
"""Included only if a metrics token is configured. Without it, ``/metrics`` answers 404 to every method, like any unknown path."""


class StatusOut(ResponseModel):
    """Status of the service."""

    status: Literal["alive", "ready"]


class ReadyOut(StatusOut):
    """Status of the service, and where its rate limits are kept."""

    limits: BackendState


@router.get("/healthz", responses=problem_responses())
@rate_limit(RouteLimit.OTHER)
async def get_liveness() -> StatusOut:
    """Report that the process responds, even while all of its threads are busy."""
    return StatusOut(status="alive")


@router.get("/readyz", responses=problem_responses())
@rate_limit(RouteLimit.OTHER)
def get_readiness(request: Request) -> ReadyOut:
    """Check the database, the keyholder, the store keys and the sentinel of every data set."""
    services = services_of(request)
    services.keyholder.ping()
    services.database.snapshot_read(lambda db: services.sealed_store.look_up(db, []))
    # Ready even without Redis: each process then enforces stricter limits on its own. A 503 here would take all servers out of rotation at once,
    # since all share Redis, so an attacker who brings Redis down would bring the whole service down.
    return ReadyOut(status="ready", limits=services.request_limiter.backend_state)


@metrics_router.get("/metrics", response_class=PlainTextResponse, responses=problem_responses(401))
@rate_limit(RouteLimit.OTHER)
def get_metrics(request: Request) -> Response:
    """Return the metrics in Prometheus' text format. Requires the metrics token as bearer token."""
    services = services_of(request)
    scheme, _, presented = request.headers.get("authorization", "").partition(" ")
    token = services.metrics_token
    if token is None or scheme.lower() != "bearer" or not hmac.compare_digest(presented.encode(), token.encode()):
        raise HTTPException(401)
    return Response(services.metrics.render(), media_type=CONTENT_TYPE_LATEST)


@router.get("/v1/openapi.json", include_in_schema=False)
@rate_limit(RouteLimit.OTHER)
def get_openapi_document(request: Request) -> JSONResponse:
    """Return the OpenAPI 3.1 document of this API."""
    return JSONResponse(request.app.openapi(), headers={"Cache-Control": "public, max-age=3600"})
