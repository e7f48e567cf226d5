"""Step one: enter an email address or a phone number, and request a code."""

import unicodedata
from typing import Annotated

from fastapi import Form, Request, Response

from app.delivery import Channel
from app.flows import verification
from app.http.client import client_of
from app.http.padding import FORM_PAGE_BLOCKS
from app.http.rate_limit.route import rate_limit
from app.http.services import services_of
from app.rate_limits import MustQueue, RateLimited, RouteLimit
from app.verification import InvalidIdentifier
from app.web import cookies
from app.web.cookies import PendingVerification
from app.web.language import locale_of, texts_of
from app.web.pages import redirect, render_page
from app.web.routing import create_page_router
from app.web.session import session_identifiers

router = create_page_router()


@router.get("/")
@rate_limit(RouteLimit.OTHER)
def show_start(request: Request) -> Response:
    """Show the first page. It reads only the session, if there is one, and works without it during an outage."""
    start = texts_of(request).start
    alerts = {"verify-first": start.verify_first, "verify-again": start.verify_again, "signed-out": start.signed_out}
    return start_page(request, alert=alerts.get(request.query_params.get("because", "")))


@router.post("/verify")
@rate_limit(RouteLimit.VERIFICATIONS)
def start_verification(request: Request, identifier: Annotated[str, Form()] = "") -> Response:
    """Request a code. The response does not depend on who is affected."""
    channel = guess_channel(identifier)
    try:
        started = verification.start_verification(
            services_of(request),
            client_of(request),
            channel,
            identifier,
            locale_of(request),
            cookies.queue_ticket(request),
        )
    except RateLimited as denied:
        return _retry_page(request, 429, identifier, texts_of(request).start.wait, denied.retry_after)
    except MustQueue as crowded:
        response = _retry_page(request, 503, identifier, texts_of(request).start.queued, crowded.retry_after)
        if crowded.ticket:
            cookies.set_queue_ticket(request, response, crowded.ticket)
        return response
    except InvalidIdentifier:
        texts = texts_of(request).start
        error = texts.invalid_email if channel == "email" else texts.invalid_phone
        return start_page(
            request, status=422, typed_text=identifier, error=error if identifier.strip() else texts.missing_identifier
        )
    response = redirect("/code")
    pending = PendingVerification(started.id, started.client_secret, started.destination.masked, started.expires_at)
    cookies.set_pending_verification(request, response, pending)
    if cookies.queue_ticket(request):
        cookies.delete(request, response, "queue")
    return response


def _retry_page(request: Request, status: int, typed_text: str, text: str, seconds: int) -> Response:
    """Show the form again with what was typed, and ask the person to submit it after a wait of *seconds*."""
    minutes, remainder = divmod(seconds, 60)
    durations = texts_of(request).start.durations
    if minutes:
        duration = durations.minutes.format(minutes=minutes + (remainder > 0))
    else:
        duration = durations.seconds.format(seconds=seconds)
    response = start_page(request, status=status, typed_text=typed_text, alert=text.format(wait=duration))
    response.headers["Retry-After"] = str(seconds)
    return response


def guess_channel(identifier: str) -> Channel:
    """Return "email" for input with an @ (half- or full-width), "sms" for everything else."""
    return "email" if "@" in unicodedata.normalize("NFKC", identifier[:1000]) else "sms"


def start_page(
    request: Request, *, status: int = 200, alert: str | None = None, typed_text: str = "", error: str | None = None
) -> Response:
    """Render the first page."""
    return render_page(
        request,
        "start.html",
        current_path="/",
        status=status,
        alert=alert,
        min_blocks=FORM_PAGE_BLOCKS,
        session_identifiers=session_identifiers(request),
        typed_text=typed_text,
        error=error,
    )
