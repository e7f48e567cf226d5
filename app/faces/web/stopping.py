"""Saying that one wants no more codes."""

from fastapi import Request, Response

from app.faces.http.auth import principal_of
from app.faces.http.rate_limited_route import rate_limit
from app.faces.http.services import services_of
from app.faces.web.answer import render_answer_page, require_session_token
from app.faces.web.language import texts_of
from app.faces.web.routing import create_page_router
from app.rate_limits import RouteLimit

router = create_page_router()


@router.post("/stop-codes")
@rate_limit(RouteLimit.OTHER)
def stop_codes(request: Request) -> Response:
    """Have no more codes sent to what this person has proven."""
    services, token = services_of(request), require_session_token(request)
    with services.database.write() as session:
        principal = principal_of(services, session, token)
        services.verification.opt_out(session, principal, now=services.clock())
    return render_answer_page(request, services, alert=texts_of(request).answer.stopped)
