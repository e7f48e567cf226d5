"""Errors as pages. None of them says anything about the person: a failure is not an answer."""

import json
from typing import Literal

from fastapi import Request
from starlette.responses import Response

from app.faces.web import cookies
from app.faces.web.language import texts_of
from app.faces.web.pages import render_page, redirect
from app.faces.web.texts import Texts, Verdict

Reason = Literal["verify-first", "verify-again", "signed-out"]

_OTHERS = ("/v1", "/healthz", "/readyz", "/metrics")
_STEPS = {
    "/confirm": "/code",
    "/resend": "/code",
    "/check": "/answer",
    "/stop-codes": "/answer",
    "/acknowledge": "/answer",
}
"""Where a GET shows the step that a form belongs to."""
_SHOWN = frozenset({"/", "/code", "/answer", "/receipts"})
_OWN_HEADERS = ("content-length", "content-type", "www-authenticate")


def wants_html(request: Request) -> bool:
    """Tell whether a person in front of a browser waits for the answer."""
    path = request.url.path
    if any(path == other or path.startswith(f"{other}/") for other in _OTHERS):
        return False
    return "text/html" in request.headers.get("accept", "")


def error_page(request: Request, problem: Response) -> Response:
    """Turn a problem into a page, with its status and headers; who must verify first is sent to do so."""
    if problem.status_code == 401:
        again = json.loads(bytes(problem.body))["type"] == "/problems/verify-again"
        return verify_first(request, "verify-again" if again else "verify-first")
    texts = texts_of(request)
    path = _STEPS.get(request.url.path, request.url.path)
    current_path = path if path in _SHOWN else "/"
    response = render_page(
        request,
        "error.html",
        current_path=current_path,
        status=problem.status_code,
        verdict=_verdict(texts, problem.status_code),
        wait=problem.headers.get("retry-after"),
    )
    for name, value in problem.headers.items():
        if name not in _OWN_HEADERS:
            response.headers[name] = value
    return response


def verify_first(request: Request, reason: Reason) -> Response:
    """Send whoever has no session, or no longer, to the first page."""
    response = redirect(f"/?because={reason}")
    cookies.drop(request, response, "session")
    return response


def _verdict(texts: Texts, status: int) -> Verdict:
    failures = texts.failures
    known = {
        403: failures.forbidden,
        404: failures.not_found,
        405: failures.method,
        413: failures.too_large,
        429: failures.too_many,
        500: failures.internal,
        503: failures.unavailable,
    }
    return known.get(status, failures.other)
