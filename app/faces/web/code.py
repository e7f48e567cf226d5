"""The second step: typing the code."""

import unicodedata
from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import Form, Request, Response
from sqlalchemy.orm import Session

from app.faces.http import verification_flow
from app.faces.http.auth import principal_of
from app.faces.http.rate_limited_route import rate_limit
from app.faces.http.services import Services, services_of
from app.faces.web import cookies
from app.faces.web.answer import render_answer_page
from app.faces.web.cookies import Pending
from app.faces.web.language import texts_of
from app.faces.web.pages import render_page, redirect
from app.faces.web.routing import create_page_router
from app.faces.web.start import start_page
from app.rate_limits import RouteLimit
from app.verification import (
    CODE_LENGTH,
    NotSignedIn,
    TooManyIdentifiers,
    ResendTooSoon,
    UnknownVerification,
    VerificationEnded,
    WrongCode,
)

router = create_page_router()


@router.get("/code")
@rate_limit(RouteLimit.OTHER)
def show_code_form(request: Request) -> Response:
    """Ask for the code that is on its way."""
    pending = cookies.pending(request)
    return redirect("/") if pending is None else _code_page(request, pending)


@router.post("/resend")
@rate_limit(RouteLimit.VERIFICATIONS)
def resend_code(request: Request) -> Response:
    """Have a new code sent; the one before is void."""
    pending = cookies.pending(request)
    if pending is None:
        return _ended(request)
    try:
        started = verification_flow.resend_code(request, pending.id, pending.client_secret)
    except ResendTooSoon as soon:
        alert = texts_of(request).code.too_soon.format(seconds=soon.wait)
        response = _code_page(request, pending, status=429, alert=alert)
        response.headers["Retry-After"] = str(soon.wait)
        return response
    except (VerificationEnded, UnknownVerification):
        return _ended(request)
    response = redirect("/code")
    cookies.keep_pending(request, response, replace(pending, until=started.expires_at, sent=pending.sent + 1))
    return response


@router.post("/confirm")
@rate_limit(RouteLimit.CONFIRMATIONS)
def confirm_code(request: Request, code: Annotated[str, Form()] = "") -> Response:
    """Confirm the code: opens a session, or adds the identifier to the one that is open.

    What cannot be a code costs no try.
    """
    services = services_of(request)
    pending = cookies.pending(request)
    if pending is None:
        return _ended(request)
    texts = texts_of(request).code
    digits = digits_of(code)
    if len(digits) != CODE_LENGTH:
        return _code_page(request, pending, status=422, error=texts.not_digits.format(digits=CODE_LENGTH))
    try:
        outcome = verification_flow.confirm_code(
            request, pending.id, pending.client_secret, digits, partial(_live_token, request, services)
        )
    except (VerificationEnded, UnknownVerification):
        return _ended(request)
    except TooManyIdentifiers:
        return render_answer_page(request, services, status=409, alert=texts_of(request).answer.too_many_identifiers)
    if isinstance(outcome, WrongCode):
        if outcome.tries_left == 0:
            return _ended(request)
        return _code_page(request, pending, status=422, error=texts.wrong.format(left=outcome.tries_left))
    response = redirect("/answer")
    cookies.keep_session(request, response, outcome.token)
    cookies.drop(request, response, "verification")
    return response


def digits_of(code: str) -> str:
    """Read the digits of what was typed or pasted, of any width, with spaces or dashes between; of anything else, none."""
    digits = "".join(char for char in unicodedata.normalize("NFKC", code[:100]) if not char.isspace() and char != "-")
    return digits if digits.isascii() and digits.isdigit() else ""


def _live_token(request: Request, services: Services, session: Session) -> str | None:
    """Give the token of a session that is still open: an ended one must keep nobody from opening another."""
    token = cookies.session_token(request)
    if token is None:
        return None
    try:
        principal_of(services, session, token)
    except NotSignedIn:
        return None
    return token


def _code_page(
    request: Request, pending: Pending, *, status: int = 200, alert: str | None = None, error: str | None = None
) -> Response:
    return render_page(
        request,
        "code.html",
        current_path="/code",
        status=status,
        alert=alert,
        digits=CODE_LENGTH,
        pending=pending,
        error=error,
    )


def _ended(request: Request) -> Response:
    response = start_page(request, status=410, alert=texts_of(request).start.ended)
    cookies.drop(request, response, "verification")
    return response
