"""Opting out of codes."""

from fastapi import APIRouter, Request

from app.api.bearer_auth import Token
from app.api.schemas import problem_responses
from app.http.auth import principal_of
from app.http.rate_limit.route import RateLimitedRoute, rate_limit
from app.http.services import services_of
from app.rate_limits import RouteLimit

router = APIRouter(route_class=RateLimitedRoute, tags=["verifications"])


@router.post("/v1/stop-codes", status_code=204, responses=problem_responses(401))
@rate_limit(RouteLimit.OTHER)
def stop_codes(request: Request, token: Token) -> None:
    """Stop sending codes to the identifiers of this session, for 90 days. Requests for a code get the usual response."""
    services = services_of(request)
    with services.database.write() as db:
        principal = principal_of(services, db, token)
        services.verification.opt_out(db, principal, now=services.clock())
