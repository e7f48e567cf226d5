"""Request middleware: a request id, security headers, one access log line per request, and a last-resort 500.

The log line has only the fields listed below. It has the route's template and never the path, because people type identifiers into addresses.
"""

import time
import traceback
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import structlog
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import DependencyUnavailable, ExposureError
from app.http.problems import error_response
from app.http.rate_limit.request_limiter import RateLimitState

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",  # with no-referrer, the forms of our own pages would be sent with "Origin: null"
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
HSTS = "max-age=31536000; includeSubDomains"
HTTP_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OnResponse = Callable[[str | None, str, int, float], object]
"""Called after each response with the route's template, the method, the status and the seconds it took."""


class RequestMiddleware:
    """The outermost ASGI middleware."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        send_hsts: bool,
        on_response: OnResponse = lambda *_: None,
        print_tracebacks: bool = False,
    ) -> None:
        self._app = app
        self._on_response = on_response
        self._print_tracebacks = print_tracebacks
        self._log = structlog.get_logger().bind()  # bound once, after logging is configured: binding per line is slower
        headers = SECURITY_HEADERS | ({"Strict-Transport-Security": HSTS} if send_hsts else {})
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = str(uuid4())
        started_at = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self._headers]
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                headers.append("X-Request-Id", state["request_id"])
                limit_state = state.get("rate_limit")
                if isinstance(limit_state, RateLimitState):
                    name, quota, window = limit_state.limit_name, limit_state.quota, limit_state.window
                    headers.append("RateLimit-Policy", f'"{name}";q={quota};w={window}')
                    headers.append("RateLimit", f'"{name}";r={limit_state.remaining};t={limit_state.reset}')
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001  last resort: an unexpected exception is logged without its text
            self._log.error(
                "unhandled-exception", request_id=state["request_id"], error=type(error).__name__, at=_locations(error)
            )
            if self._print_tracebacks:
                traceback.print_exception(error)
            if status == 0:
                response = await _error_response(Request(scope), error)
                await response(scope, receive, send_with_headers)
        route = getattr(scope.get("route"), "path", None)
        method = scope["method"] if scope["method"] in HTTP_METHODS else "other"
        seconds = time.perf_counter() - started_at
        self._on_response(route, method, status, seconds)
        self._log.info(
            "request",
            request_id=state["request_id"],
            method=method,
            route=route,
            status=status,
            duration_ms=round(seconds * 1000, 1),
            failed=state.get("failed"),
        )


async def _error_response(request: Request, error: Exception) -> Response:
    """Return the application's own error response (a page or a problem); a plain problem if that fails too."""
    try:
        handler = request.app.exception_handlers[ExposureError]
        response: Response = await handler(request, error)
    except Exception:  # noqa: BLE001  nothing is left to handle this
        response = error_response(request, error)
    return response


def record_dependency_failure(request: Request, error: Exception) -> None:
    """Add the failed dependency to the request's log line. The texts of `DependencyUnavailable` errors contain no data."""
    if isinstance(error, DependencyUnavailable):
        request.state.failed = f"{type(error).__name__}: {error}"


def _locations(error: BaseException) -> list[str]:
    """Return the files and lines of an exception's traceback, without any source text."""
    return [
        f"{frame.filename.rpartition('/app/')[2]}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)[-8:]
    ]
