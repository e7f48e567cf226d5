"""The outermost layer: an id for each request, headers on each answer, one log line, and no exception past it.

The log has what is on the list below and nothing else: the route's template, never the path, since people type what they should not into addresses.
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

from app.errors import ExposureError, DependencyUnavailable
from app.faces.http.problems import error_response
from app.rate_limits import RateLimitState

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
OnResponse = Callable[[str | None, str, int, float], object]
"""Is told of each answer: the route's template, the method, the status and the seconds."""
HSTS = "max-age=31536000; includeSubDomains"


class RequestMiddleware:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, *, send_hsts: bool, on_response: OnResponse = lambda *_: None) -> None:
        self._app = app
        self._on_response = on_response
        self._log = structlog.get_logger().bind()  # once, as it is configured by now: for each line took longer
        headers = SECURITY_HEADERS | ({"Strict-Transport-Security": HSTS} if send_hsts else {})
        self._headers = [(name.lower().encode(), value.encode()) for name, value in headers.items()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        state["request_id"] = str(uuid4())
        began = time.perf_counter()
        status = 0

        async def send_with_headers(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *self._headers]
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", "no-store")
                headers.append("X-Request-Id", state["request_id"])
                if isinstance(spent := state.get("rate_limit"), RateLimitState):
                    headers.append("RateLimit-Policy", f'"{spent.limit_name}";q={spent.quota};w={spent.window}')
                    headers.append("RateLimit", f'"{spent.limit_name}";r={spent.remaining};t={spent.reset}')
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # noqa: BLE001  the last line: what nobody foresaw is logged without its text
            self._log.error("unhandled-exception", request_id=state["request_id"], error=type(error).__name__, at=_frames(error))
            if status == 0:
                response = await _answer(Request(scope), error)
                await response(scope, receive, send_with_headers)
        route = getattr(scope.get("route"), "path", None)
        method = scope["method"] if scope["method"] in HTTP_METHODS else "other"
        seconds = time.perf_counter() - began
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


async def _answer(request: Request, error: Exception) -> Response:
    """Answer as the application answers any error, as a page to whoever reads pages; as a problem, should that fail too."""
    try:
        handler = request.app.exception_handlers[ExposureError]
        response: Response = await handler(request, error)
    except Exception:  # noqa: BLE001  there is nothing behind this
        response = error_response(request, error)
    return response


HTTP_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def record_dependency_failure(request: Request, error: Exception) -> None:
    """Have the request's log line say what kind of dependency failed; the text of such an error names none of its data."""
    if isinstance(error, DependencyUnavailable):
        request.state.failed = f"{type(error).__name__}: {error}"


def _frames(error: BaseException) -> list[str]:
    """Where an exception came from: files and lines, without the text of any of them."""
    return [
        f"{frame.filename.rpartition('/app/')[2]}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)[-8:]
    ]
