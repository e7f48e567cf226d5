"""Signing out."""

from fastapi import APIRouter, Request

from app.api.bearer_auth import Token
from app.api.schemas import problem_responses
from app.http.rate_limit.route import RateLimitedRoute, rate_limit
from app.http.services import services_of
from app.rate_limits import RouteLimit

router = APIRouter(route_class=RateLimitedRoute, tags=["session"])


@router.delete("/v1/session", status_code=204, responses=problem_responses(401))
@rate_limit(RouteLimit.OTHER)
def end_session(request: Request, token: Token) -> None:
    """End the session. Its token is invalid from now on."""
    services = services_of(request)
    with services.database.write() as db:
        services.sessions.revoke(db, token, now=services.clock())
