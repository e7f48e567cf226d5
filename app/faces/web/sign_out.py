"""Leaving: the session ends, and the browser forgets."""

from fastapi import Request, Response

from app.faces.http.rate_limited_route import rate_limit
from app.faces.http.services import services_of
from app.faces.web import cookies
from app.faces.web.pages import redirect
from app.faces.web.routing import create_page_router
from app.rate_limits import RouteLimit
from app.verification import NotSignedIn

router = create_page_router()


@router.post("/sign-out")
@rate_limit(RouteLimit.OTHER)
def sign_out(request: Request) -> Response:
    """End the session, where there still is one."""
    services = services_of(request)
    token = cookies.session_token(request)
    if token is not None:
        try:
            with services.database.write() as session:
                services.sessions.revoke(session, token, now=services.clock())
        except NotSignedIn:
            pass
    response = redirect("/?because=signed-out")
    cookies.drop(request, response, "session", "verification")
    return response
