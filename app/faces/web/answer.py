"""The third step: the answer, and whether a name or an address is the one on record."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Form, Request, Response

from app.acknowledgements import STATEMENTS
from app.db import Reader
from app.exposures import ValueCheckResult, InvalidValue, exposure_id
from app.faces.http.auth import identifier_digests_of, read_as_principal, load_principal
from app.faces.http.rate_limited_route import rate_limit
from app.faces.http.services import Services, services_of
from app.faces.web import cookies
from app.faces.web.answer_view import load_answer_view
from app.faces.web.language import locale_of, texts_of
from app.faces.web.pages import render_page
from app.faces.web.routing import create_page_router
from app.rate_limits import RouteLimit
from app.verification import Principal, NotSignedIn

router = create_page_router()


@dataclass(frozen=True, slots=True)
class ValueCheckView:
    """What was checked, and what came of it: by exposure's name, or an error."""

    kind: Literal["name", "address"] = "name"
    value: str = ""
    results: dict[str, ValueCheckResult] | None = None
    error: str | None = None


@router.get("/answer")
@rate_limit(RouteLimit.OTHER)
def show_answer(request: Request) -> Response:
    """Show what of the person's leaked. "Not found" is said only where every data set was really read."""
    services = services_of(request)
    return render_answer_page(request, services)


@router.post("/check")
@rate_limit(RouteLimit.OTHER)
def check_value(
    request: Request,
    kind: Annotated[str, Form()] = "name",
    value: Annotated[str, Form()] = "",
) -> Response:
    """Hold a name or an address against the person's own records."""
    services = services_of(request)
    token = require_session_token(request)
    known: Literal["name", "address"] = "address" if kind == "address" else "name"
    services.action_limiter.charge_value_check(load_principal(services, token).key, now=services.clock())  # once: what follows may run twice

    def check(session: Reader, principal: Principal) -> dict[str, ValueCheckResult]:
        results = services.exposures.check_value(session, identifier_digests_of(principal), known, value)
        return {exposure_id(principal.session_key, one.exposure): one for one in results}

    try:
        results = read_as_principal(services, token, check)
    except InvalidValue:
        error = texts_of(request).check.invalid
        return render_answer_page(request, services, status=422, checked=ValueCheckView(known, value, error=error))
    return render_answer_page(request, services, checked=ValueCheckView(known, value, results))


def render_answer_page(
    request: Request,
    services: Services,
    *,
    status: int = 200,
    alert: str | None = None,
    checked: ValueCheckView | None = None,
) -> Response:
    """Write the answer.

    Raises:
        NotSignedIn: there is none.
        ReverificationNeeded: as for `load_answer_view`.
        DependencyUnavailable: as for `load_answer_view`.
    """
    token = require_session_token(request)
    locale = locale_of(request)
    view = read_as_principal(services, token, lambda session, principal: load_answer_view(services, session, principal, locale))
    return render_page(
        request,
        "answer.html",
        current_path="/answer",
        status=status,
        alert=alert,
        is_personal=True,
        answer=view,
        checked=checked or ValueCheckView(),
        statement=STATEMENTS[locale],
    )


def require_session_token(request: Request) -> str:
    """Give the session's token.

    Raises:
        NotSignedIn: there is none.
    """
    token = cookies.session_token(request)
    if token is None:
        raise NotSignedIn("no session")
    return token
