"""The first step: saying which email address or phone is one's own."""

import unicodedata
from typing import Annotated

from fastapi import Form, Request, Response

from app.delivery import Channel
from app.faces.http import verification_flow
from app.faces.http.rate_limited_route import rate_limit
from app.faces.web import cookies
from app.faces.web.cookies import Pending
from app.faces.web.language import locale_of, texts_of
from app.faces.web.pages import render_page, redirect
from app.faces.web.routing import create_page_router
from app.rate_limits import RouteLimit, MustQueue, RateLimited
from app.verification import InvalidIdentifier

router = create_page_router()


@router.get("/")
@rate_limit(RouteLimit.OTHER)
def show_start(request: Request) -> Response:
    """Say what this is, and ask. Reads no store: this page is there even when nothing else is."""
    start = texts_of(request).start
    reasons = {"verify-first": start.verify_first, "verify-again": start.verify_again, "signed-out": start.signed_out}
    return start_page(request, alert=reasons.get(request.query_params.get("because", "")))


@router.post("/verify")
@rate_limit(RouteLimit.VERIFICATIONS)
def start_verification(request: Request, identifier: Annotated[str, Form()] = "") -> Response:
    """Have a code sent. What follows is the same for everyone."""
    channel = channel_of(identifier)
    try:
        started = verification_flow.start_verification(request, channel, identifier, locale_of(request), cookies.place(request))
    except RateLimited as spent:
        return _wait(request, 429, identifier, texts_of(request).start.wait, spent.retry_after)
    except MustQueue as crowded:
        response = _wait(request, 503, identifier, texts_of(request).start.crowded, crowded.retry_after)
        if crowded.ticket:
            cookies.keep_place(request, response, crowded.ticket)
        return response
    except InvalidIdentifier:
        texts = texts_of(request).start
        error = texts.bad_email if channel == "email" else texts.bad_phone
        return start_page(request, status=422, typed=identifier, error=error if identifier.strip() else texts.empty)
    response = redirect("/code")
    pending = Pending(started.id, started.client_secret, started.destination.masked, started.expires_at)
    cookies.keep_pending(request, response, pending)
    if cookies.place(request):
        cookies.drop(request, response, "place")
    return response


def _wait(request: Request, status: int, typed: str, text: str, seconds: int) -> Response:
    """Ask the person to press the button once more after a while; what was typed stays."""
    minutes, rest = divmod(seconds, 60)
    time = texts_of(request).start.time
    spelled = time.minutes.format(minutes=minutes + (rest > 0)) if minutes else time.seconds.format(seconds=seconds)
    response = start_page(request, status=status, typed=typed, alert=text.format(wait=spelled))
    response.headers["Retry-After"] = str(seconds)
    return response


def channel_of(identifier: str) -> Channel:
    """Take what has an @, of any width, for an email address, all else for a phone."""
    return "email" if "@" in unicodedata.normalize("NFKC", identifier[:1000]) else "sms"


def start_page(
    request: Request, *, status: int = 200, alert: str | None = None, typed: str = "", error: str | None = None
) -> Response:
    """Write the first page."""
    return render_page(request, "start.html", current_path="/", status=status, alert=alert, typed=typed, error=error)
