"""Saying that one wants no more codes."""

from fastapi import APIRouter, Request

from app.faces.api.bearer import Token
from app.faces.api.schemas import problems
from app.faces.http.identity import identity_of
from app.faces.http.limited import LimitedRoute, spends
from app.faces.http.services import services_of
from app.rate_limits import RouteLimit

router = APIRouter(route_class=LimitedRoute, tags=["verifications"])


@router.post("/v1/stop-codes", status_code=204, responses=problems(401))
@spends(RouteLimit.OTHER)
def stop_codes(request: Request, token: Token) -> None:
    """Have no more codes sent to the identifiers of this session, for 90 days. Who asks for one is answered as ever."""
    services = services_of(request)
    with services.database.write() as session:
        principal = identity_of(services, session, token)
        services.verification.opt_out(session, principal, now=services.clock())
