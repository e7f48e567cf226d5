"""Routes that charge a rate limit before any part of a call is parsed, so that a malformed call costs as much as a valid one.

slowapi's own decorator runs after validation and would let a flood of 422s pass uncounted. Here the limiter runs around the whole handler.
A route without a rate limit cannot be created.
"""

from asyncio import get_running_loop
from collections.abc import Callable, Coroutine
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any, TypeVar, cast

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import Message, Receive

from app.errors import ExposureError
from app.http.hosts import HOST_INDEPENDENT_PATHS, WrongHost, is_allowed_host
from app.http.rate_limit.request_limiter import RateLimitState
from app.http.services import services_of
from app.rate_limits import RouteLimit

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

MAX_BODY_BYTES = 64 * 1024
"""The largest legitimate request body is under 2 KiB."""

JSON_MEDIA_TYPE, FORM_MEDIA_TYPE = "application/json", "application/x-www-form-urlencoded"


class RequestRateLimited(ExposureError):
    """The client's address has reached the rate limit of this route."""

    def __init__(self, rate_limit_state: RateLimitState) -> None:
        super().__init__("the rate limit of this address is reached")
        self.rate_limit_state = rate_limit_state


def rate_limit(route_limit: RouteLimit) -> Callable[[Endpoint], Endpoint]:
    """Declare a route's rate limit. Sync handlers run in the loop's default executor, at half the overhead of Starlette's thread pool."""

    def decorate(endpoint: Endpoint) -> Endpoint:
        decorated: Any = endpoint if iscoroutinefunction(endpoint) else _run_in_executor(endpoint)
        decorated.route_limit = route_limit
        return cast("Endpoint", decorated)

    return decorate


def _run_in_executor(endpoint: Callable[..., Any]) -> Any:  # noqa: ANN401  an endpoint, which gets its route limit as an attribute
    @wraps(endpoint)
    async def run(**arguments: object) -> object:
        return await get_running_loop().run_in_executor(None, partial(endpoint, **arguments))

    return run


async def enforce_rate_limit(route_limit: RouteLimit, request: Request) -> None:
    """Charge one call to *route_limit*.

    Raises:
        TooManyCalls: the limit is reached.
    """
    limiter = services_of(request).request_limiter
    if limiter.executor is None:
        state = limiter.spend(route_limit, request)
    else:  # not Starlette's thread pool, which costs more, nor the loop's default executor, which handles requests
        state = await get_running_loop().run_in_executor(limiter.executor, limiter.spend, route_limit, request)
    request.state.rate_limit = state
    if not state.is_allowed:
        raise RequestRateLimited(state)


class RateLimitedRoute(APIRoute):
    """A route that charges its rate limit for each call."""

    @property
    def route_limit(self) -> RouteLimit:
        """The limit that its calls are charged to."""
        route_limit = getattr(self.endpoint, "route_limit", None)
        if route_limit is None:
            raise TypeError(f"{self.endpoint.__name__} does not declare a rate limit")
        return RouteLimit(route_limit)

    def get_route_handler(self) -> Handler:
        """Wrap the whole handler: charge the rate limit, then check the host and the media type, then handle."""
        handle, route_limit = super().get_route_handler(), self.route_limit
        media_type = (
            (FORM_MEDIA_TYPE if self.include_in_schema is False else JSON_MEDIA_TYPE) if self.body_field else None
        )

        needs_host = self.path not in HOST_INDEPENDENT_PATHS

        async def handle_rate_limited(request: Request) -> Response:
            await enforce_rate_limit(route_limit, request)
            if needs_host and not is_allowed_host(request.headers.get("host", ""), services_of(request).public_host):
                raise WrongHost("the Host header is not one of this service")
            if media_type and request.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
                raise HTTPException(415)
            return await handle(Request(request.scope, _limit_body(request)))

        return handle_rate_limited


def _limit_body(request: Request) -> Receive:
    """Raise 413 once the body exceeds `MAX_BODY_BYTES`, whatever its Content-Length header claims."""
    received_bytes = 0

    async def receive() -> Message:
        nonlocal received_bytes
        message = await request.receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > MAX_BODY_BYTES:
            raise HTTPException(413)
        return message

    return receive
