"""The third step: what leaked, and whether a name or an address is the one on record."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Form, Request, Response

from app.acknowledgements import STATEMENTS
from app.db import Reader
from app.exposures import InvalidValue, ValueCheckResult, exposure_id
from app.faces.http.auth import identifier_digests_of, load_principal, read_as_principal
from app.faces.http.rate_limited_route import rate_limit
from app.faces.http.services import Services, services_of
from app.faces.web import cookies
from app.faces.web.answer_view import load_answer_view
from app.faces.web.language import locale_of, texts_of
from app.faces.web.pages import render_page
from app.faces.web.routing import create_page_router
from app.rate_limits import RouteLimit
from app.verification import NotSignedIn, Principal

router = create_page_router()


@dataclass(frozen=True, slots=True)
class ValueCheckView:
    """The form that compares a value: what was entered, and the results by exposure id or the error."""

    kind: Literal["name", "address"] = "name"
    value: str = ""
    results: dict[str, ValueCheckResult] | None = None
    error: str | None = None


@router.get("/answer")
@rate_limit(RouteLimit.OTHER)
def show_answer(request: Request) -> Response:
    """Show what leaked of the person. "Not found" is shown only if every data set was really read."""
    return render_answer_page(request, services_of(request))


@router.post("/check")
@rate_limit(RouteLimit.OTHER)
def check_value(
    request: Request,
    kind: Annotated[str, Form()] = "name",
    value: Annotated[str, Form()] = "",
) -> Response:
    """Compare a name or an address with the person's own records."""
    services = services_of(request)
    token = require_session_token(request)
    checked_kind: Literal["name", "address"] = "address" if kind == "address" else "name"
    services.action_limiter.charge_value_check(
        load_principal(services, token).session_key, now=services.clock()
    )  # once: `check` may run twice

    def check(db: Reader, principal: Principal) -> dict[str, ValueCheckResult]:
        results = services.exposures.check_value(db, identifier_digests_of(principal), checked_kind, value)
        return {exposure_id(principal.session_key, result.exposure): result for result in results}

    try:
        results = read_as_principal(services, token, check)
    except InvalidValue:
        error = texts_of(request).check.invalid
        view = ValueCheckView(checked_kind, value, error=error)
        return render_answer_page(request, services, status=422, checked=view)
    return render_answer_page(request, services, checked=ValueCheckView(checked_kind, value, results))


def render_answer_page(
    request: Request,
    services: Services,
    *,
    status: int = 200,
    alert: str | None = None,
    checked: ValueCheckView | None = None,
) -> Response:
    """Render the page that shows what leaked.

    Raises:
        NotSignedIn: the person is not signed in.
        ReverificationNeeded: as for `load_answer_view`.
        DependencyUnavailable: as for `load_answer_view`.
    """
    token = require_session_token(request)
    locale = locale_of(request)
    view = read_as_principal(services, token, lambda db, principal: load_answer_view(services, db, principal, locale))
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
    """Return the session token of the cookie.

    Raises:
        NotSignedIn: there is none.
    """
    token = cookies.session_token(request)
    if token is None:
        raise NotSignedIn("no session")
    return token
