"""Error pages. An error page says nothing about whether the person is affected."""

import json
from typing import Literal

from fastapi import Request
from starlette.responses import Response

from app.web import cookies
from app.web.language import texts_of
from app.web.pages import redirect, render_page
from app.web.texts import Texts, TitledText

RedirectReason = Literal["verify-first", "verify-again", "signed-out"]

_NON_PAGE_PREFIXES = ("/v1", "/healthz", "/readyz", "/metrics")
_FORM_PAGES = {
    "/confirm": "/code",
    "/resend": "/code",
    "/check": "/answer",
    "/stop-codes": "/answer",
    "/acknowledge": "/answer",
}
"""Form action to the page that contains the form."""
_GET_PAGES = frozenset({"/", "/code", "/answer", "/receipts"})
_EXCLUDED_HEADERS = ("content-length", "content-type", "www-authenticate")
"""Headers of the problem response that do not apply to the page."""


def wants_html(request: Request) -> bool:
    """Report whether the client is a browser that expects a page."""
    path = request.scope["path"]  # `request.url` fails if the Host header is malformed
    if any(path == prefix or path.startswith(f"{prefix}/") for prefix in _NON_PAGE_PREFIXES):
        return False
    return "text/html" in request.headers.get("accept", "")


def error_page(request: Request, problem: Response) -> Response:
    """Convert a problem response to a page with the same status and headers. A 401 redirects to the first page."""
    if problem.status_code == 401:
        problem_type = json.loads(bytes(problem.body))["type"]
        return redirect_to_start(
            request, "verify-again" if problem_type == "/problems/verify-again" else "verify-first"
        )
    texts = texts_of(request)
    path = _FORM_PAGES.get(request.scope["path"], request.scope["path"])
    response = render_page(
        request,
        "error.html",
        current_path=path if path in _GET_PAGES else "/",
        status=problem.status_code,
        message=_error_text(texts, problem.status_code),
        retry_after=problem.headers.get("retry-after"),
    )
    for name, value in problem.headers.items():
        if name not in _EXCLUDED_HEADERS:
            response.headers[name] = value
    return response


def redirect_to_start(request: Request, reason: RedirectReason) -> Response:
    """Redirect a client without an active session to the first page."""
    response = redirect(f"/?because={reason}")
    cookies.delete(request, response, "session")
    return response


def _error_text(texts: Texts, status: int) -> TitledText:
    errors = texts.errors
    by_status = {
        403: errors.forbidden,
        404: errors.not_found,
        405: errors.method_not_allowed,
        413: errors.too_large,
        429: errors.too_many_requests,
        500: errors.internal_error,
        503: errors.unavailable,
    }
    return by_status.get(status, errors.other_error)
