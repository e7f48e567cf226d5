"""The third step: what leaked, and whether a name or an address is the one on record."""

from dataclasses import dataclass
from typing import Annotated, Literal

from fastapi import Form, Request, Response

from app.acknowledgements import STATEMENTS
from app.exposures import InvalidValue, ValueCheckResult
from app.flows import exposure_report as flows
from app.http.padding import MIN_PAGE_BLOCKS
from app.http.rate_limit.route import rate_limit
from app.http.services import Services, services_of
from app.rate_limits import RouteLimit
from app.verification import NotSignedIn
from app.web import cookies
from app.web.answer_view import build_answer_view
from app.web.language import locale_of, texts_of
from app.web.pages import render_page
from app.web.routing import create_page_router

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
    try:
        results = flows.check_value(services, token, checked_kind, value)
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
        ReverificationNeeded, DependencyUnavailable: as for `load_person_report`.
    """
    locale = locale_of(request)
    view = build_answer_view(flows.load_person_report(services, require_session_token(request)), locale)
    return render_page(
        request,
        "answer.html",
        current_path="/answer",
        status=status,
        alert=alert,
        min_blocks=MIN_PAGE_BLOCKS,
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
