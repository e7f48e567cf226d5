"""Signing out."""

from fastapi import APIRouter, Request

from app.faces.api.bearer import Token
from app.faces.api.schemas import problems
from app.faces.http.limited import LimitedRoute, spends
from app.faces.http.services import services_of
from app.rate_limits import RouteLimit

router = APIRouter(route_class=LimitedRoute, tags=["session"])


@router.delete("/v1/session", status_code=204, responses=problems(401))
@spends(RouteLimit.OTHER)
def end_session(request: Request, token: Token) -> None:
    """End the session; its token is of no use from now on."""
    services = services_of(request)
    with services.database.write() as session:
        services.sessions.revoke(session, token, now=services.clock())
