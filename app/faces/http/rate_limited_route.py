"""Routes that spend a client budget before anything of a call is parsed, so that a malformed one costs as much as a good one.

slowapi's own decorator on an endpoint runs after validation and would let a flood of 422s pass uncounted. Here it runs around the whole handler.
A route without a budget does not come to be.
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
from app.faces.http.services import services_of
from app.rate_limits import RouteLimit, RateLimitState

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Handler = Callable[[Request], Coroutine[Any, Any, Response]]

BODY_LIMIT = 64 * 1024
"""Bytes of a request's body: the largest honest one is under 2 KiB."""

JSON, FORM = "application/json", "application/x-www-form-urlencoded"


class RequestRateLimited(ExposureError):
    """The caller's address has spent its budget."""

    def __init__(self, spent: RateLimitState) -> None:
        super().__init__("the budget of this address is spent")
        self.spent = spent


def rate_limit(budget: RouteLimit) -> Callable[[Endpoint], Endpoint]:
    """Say what a route's calls spend; a plain function runs in a thread of the loop's, which cost half of what the framework's cost."""

    def mark(endpoint: Endpoint) -> Endpoint:
        marked: Any = endpoint if iscoroutinefunction(endpoint) else _threaded(endpoint)
        marked.budget = budget
        return cast("Endpoint", marked)

    return mark


def _threaded(endpoint: Callable[..., Any]) -> Any:  # noqa: ANN401  an endpoint, which carries its budget
    @wraps(endpoint)
    async def threaded(**given: object) -> object:
        return await get_running_loop().run_in_executor(None, partial(endpoint, **given))

    return threaded


async def enforce_rate_limit(budget: RouteLimit, request: Request) -> None:
    """Take one call from *budget*.

    Raises:
        TooManyCalls: it is spent.
    """
    limiter = services_of(request).request_limiter
    if limiter.executor is None:
        spent = limiter.spend(budget, request)
    else:  # not the framework's threads, to which the way is longer, nor the loop's, which work on requests
        spent = await get_running_loop().run_in_executor(limiter.executor, limiter.spend, budget, request)
    request.state.rate_limit = spent
    if not spent.is_allowed:
        raise RequestRateLimited(spent)


class RateLimitedRoute(APIRoute):
    """A route whose calls spend."""

    @property
    def route_limit(self) -> RouteLimit:
        """What its calls spend from."""
        budget = getattr(self.endpoint, "budget", None)
        if budget is None:
            raise TypeError(f"{self.endpoint.__name__} does not say what its calls spend")
        return RouteLimit(budget)

    def get_route_handler(self) -> Handler:
        """Wrap the whole handler: spend, then look at the media type, then the rest."""
        handle, budget = super().get_route_handler(), self.route_limit
        media_type = (FORM if self.include_in_schema is False else JSON) if self.body_field else None

        async def limited(request: Request) -> Response:
            await enforce_rate_limit(budget, request)
            if media_type and request.headers.get("content-type", "").partition(";")[0].strip().lower() != media_type:
                raise HTTPException(415)
            return await handle(Request(request.scope, _capped(request)))

        return limited


def _capped(request: Request) -> Receive:
    """Refuse a body once it is longer than any honest one, whatever its Content-Length says."""
    read = 0

    async def receive() -> Message:
        nonlocal read
        message = await request.receive()
        read += len(message.get("body", b""))
        if read > BODY_LIMIT:
            raise HTTPException(413)
        return message

    return receive
