"""Leave the service: sign out, and opt out of further codes."""

from fastapi import Request, Response

from app.http.auth import principal_of
from app.http.rate_limit.route import rate_limit
from app.http.services import services_of
from app.rate_limits import RouteLimit
from app.verification import NotSignedIn
from app.web import cookies
from app.web.answer import render_answer_page, require_session_token
from app.web.language import texts_of
from app.web.pages import redirect
from app.web.routing import create_page_router

router = create_page_router()


@router.post("/sign-out")
@rate_limit(RouteLimit.OTHER)
def sign_out(request: Request) -> Response:
    """Revoke the session, if it still exists, and delete its cookies."""
    services = services_of(request)
    token = cookies.session_token(request)
    if token is not None:
        try:
            with services.database.write() as db:
                services.sessions.revoke(db, token, now=services.clock())
        except NotSignedIn:
            pass
    response = redirect("/?because=signed-out")
    cookies.delete(request, response, "session", "verification")
    return response


@router.post("/stop-codes")
@rate_limit(RouteLimit.OTHER)
def opt_out_of_codes(request: Request) -> Response:
    """Stop all codes to the verified identifiers of this session."""
    services, token = services_of(request), require_session_token(request)
    with services.database.write() as db:
        principal = principal_of(services, db, token)
        services.verification.opt_out(db, principal, now=services.clock())
    return render_answer_page(request, services, alert=texts_of(request).answer.opted_out)
