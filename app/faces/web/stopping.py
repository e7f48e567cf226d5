"""Saying that one wants no more codes."""

from fastapi import Request, Response

from app.faces.http.identity import identity_of
from app.faces.http.limited import spends
from app.faces.http.services import services_of
from app.faces.web.answering import answer_page, token_of
from app.faces.web.language import texts_of
from app.faces.web.routing import page_router
from app.rate_limits import RouteLimit

router = page_router()


@router.post("/stop-codes")
@spends(RouteLimit.OTHER)
def stop_codes(request: Request) -> Response:
    """Have no more codes sent to what this person has proven."""
    services, token = services_of(request), token_of(request)
    with services.database.write() as session:
        principal = identity_of(services, session, token)
        services.verification.opt_out(session, principal, now=services.clock())
    return answer_page(request, services, alert=texts_of(request).answer.stopped)
