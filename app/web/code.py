"""Step two: enter the code."""

from dataclasses import replace
from functools import partial
from typing import Annotated

from fastapi import Form, Request, Response
from sqlalchemy.orm import Session

from app.flows import verification
from app.http.auth import principal_of
from app.http.client import client_of
from app.http.padding import FORM_PAGE_BLOCKS
from app.http.rate_limit.route import rate_limit
from app.http.services import Services, services_of
from app.rate_limits import RouteLimit
from app.verification import (
    CODE_LENGTH,
    MAX_TYPED_LENGTH,
    MalformedCode,
    NotSignedIn,
    ResendTooSoon,
    TooManyIdentifiers,
    UnknownVerification,
    VerificationEnded,
    WrongCode,
)
from app.web import cookies
from app.web.answer import render_answer_page
from app.web.cookies import PendingVerification
from app.web.language import texts_of
from app.web.pages import redirect, render_page
from app.web.routing import create_page_router
from app.web.session import session_identifiers
from app.web.start import start_page

router = create_page_router()


@router.get("/code")
@rate_limit(RouteLimit.OTHER)
def show_code_form(request: Request) -> Response:
    """Show the form for the code."""
    pending = cookies.pending_verification(request)
    return redirect("/") if pending is None else _code_page(request, pending)


@router.post("/resend")
@rate_limit(RouteLimit.VERIFICATIONS)
def resend_code(request: Request) -> Response:
    """Send a new code. The previous code becomes invalid."""
    pending = cookies.pending_verification(request)
    if pending is None:
        return _expired_page(request)
    try:
        started = verification.resend_code(services_of(request), client_of(request), pending.id, pending.client_secret)
    except ResendTooSoon as error:
        alert = texts_of(request).code.resend_too_soon.format(seconds=error.wait)
        response = _code_page(request, pending, status=429, alert=alert)
        response.headers["Retry-After"] = str(error.wait)
        return response
    except (VerificationEnded, UnknownVerification):
        return _expired_page(request)
    response = redirect("/code")
    pending = replace(pending, expires_at=started.expires_at, codes_sent=pending.codes_sent + 1)
    cookies.set_pending_verification(request, response, pending)
    return response


@router.post("/confirm")
@rate_limit(RouteLimit.CONFIRMATIONS)
def confirm_code(request: Request, code: Annotated[str, Form()] = "") -> Response:
    """Confirm the code: create a session, or replace the current one by one that also has the identifier.

    Text that cannot be a code does not count as a try.
    """
    services = services_of(request)
    pending = cookies.pending_verification(request)
    if pending is None:
        return _expired_page(request)
    texts = texts_of(request).code
    try:
        outcome = verification.confirm_code(
            services,
            client_of(request),
            pending.id,
            pending.client_secret,
            code,
            partial(_active_session_token, request, services),
        )
    except (VerificationEnded, UnknownVerification):
        return _expired_page(request)
    except NotSignedIn:  # a concurrent request has replaced the session; the code was not used
        return redirect("/code")
    except TooManyIdentifiers:
        return render_answer_page(request, services, status=409, alert=texts_of(request).answer.too_many_identifiers)
    if isinstance(outcome, MalformedCode):
        return _code_page(request, pending, status=422, error=texts.invalid_format.format(digits=CODE_LENGTH))
    if isinstance(outcome, WrongCode):
        if outcome.tries_left == 0:
            return _expired_page(request)
        return _code_page(request, pending, status=422, error=texts.incorrect.format(left=outcome.tries_left))
    response = redirect("/answer")
    cookies.set_session(request, response, outcome.token)
    cookies.delete(request, response, "verification")
    return response


def _active_session_token(request: Request, services: Services, db: Session) -> str | None:
    """Return the token of the session cookie if the session is active. An expired one must not prevent a new sign-in."""
    token = cookies.session_token(request)
    if token is None:
        return None
    try:
        principal_of(services, db, token)
    except NotSignedIn:
        return None
    return token


def _code_page(
    request: Request,
    pending: PendingVerification,
    *,
    status: int = 200,
    alert: str | None = None,
    error: str | None = None,
) -> Response:
    return render_page(
        request,
        "code.html",
        current_path="/code",
        status=status,
        alert=alert,
        min_blocks=FORM_PAGE_BLOCKS,
        digits=CODE_LENGTH,
        max_typed_length=MAX_TYPED_LENGTH,
        pending=pending,
        session_identifiers=session_identifiers(request),
        error=error,
    )


def _expired_page(request: Request) -> Response:
    """Return to the first page: the verification expired, was used, or ran out of tries."""
    response = start_page(request, status=410, alert=texts_of(request).start.verification_ended)
    cookies.delete(request, response, "verification")
    return response
