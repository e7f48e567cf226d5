"""Spending the budgets of calls, by slowapi: what an address may do in a minute, whatever it means."""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from inspect import signature
from math import ceil
from time import time
from typing import Any, Literal

from limits import RateLimitItem
from slowapi import Limiter as SlowApiLimiter
from slowapi.errors import RateLimitExceeded
from starlette.requests import Request

from app.rate_limits.client_address import ClientAddress, client_address_from_ip
from app.rate_limits.windows import LOCAL, SHARED
from app.rate_limits.policy import RouteLimit, RateLimitPolicy
from app.rate_limits.redis_breaker import RedisCircuitBreaker

_WAITING = 32
"""Calls that spend at once."""
BackendState = Literal["shared", "local", "fallback"]

logging.getLogger("slowapi").propagate = False  # it names the caller's address


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """What a call left of its budget, for the headers of draft-ietf-httpapi-ratelimit-headers."""

    limit_name: str
    is_allowed: bool
    quota: int
    window: int
    remaining: int
    reset: int
    """Seconds until there is room again, at least one."""


class RequestLimiter:
    """The budgets of calls of one application."""

    def __init__(
        self, policy: RateLimitPolicy, store: RedisCircuitBreaker | None = None, refused: Callable[[str], object] = lambda _: None
    ) -> None:
        """Know what they hold.

        Args:
            policy: what they hold.
            store: where they are kept; None for this process.
            refused: is told the name of each budget that refuses, or would.
        """
        self._store = store
        self.executor = ThreadPoolExecutor(_WAITING, "spend") if store is not None else None
        """Where to spend, since it may wait for the store, which must not be done on an event loop; None where it does not wait."""
        self._dry_run = policy.dry_run
        self._refused = refused
        options: dict[str, Any] = {"store": store} if store else {}
        self._slowapi = SlowApiLimiter(
            key_func=_client,
            storage_uri=f"{SHARED if store else LOCAL}://",
            storage_options=options,
            key_prefix="exposure-lookup",
        )
        calls = policy.client
        self._checks: dict[RouteLimit, Callable[[Request], None]] = {
            RouteLimit.VERIFICATIONS: self._check(
                RouteLimit.VERIFICATIONS, (calls.verifications, _client), (calls.verifications_per_subnet, _subnet)
            ),
            RouteLimit.CONFIRMATIONS: self._check(RouteLimit.CONFIRMATIONS, (calls.confirmations, _client)),
            RouteLimit.OTHER: self._check(RouteLimit.OTHER, (calls.other, _client)),
        }

    @property
    def backend_state(self) -> BackendState:
        """Say where all budgets are kept just now; ``fallback`` is this process, for the store does not answer."""
        if self._store is None:
            return "local"
        return "shared" if self._store.answers else "fallback"

    def spend(self, budget: RouteLimit, request: Request) -> RateLimitState:
        """Take one call from *budget*. May wait for the store, if there is one: see `waiting`."""
        try:
            self._checks[budget](request)
            is_allowed = True
        except RateLimitExceeded:
            self._refused(f"client.{budget}")
            is_allowed = self._dry_run
        item: RateLimitItem
        item, keys = request.state.view_rate_limit
        window = self._slowapi.limiter.get_window_stats(item, *keys)
        return RateLimitState(
            limit_name=budget,
            is_allowed=admitted,
            quota=item.amount,
            window=item.get_expiry(),
            remaining=window.remaining if admitted else 0,
            reset=max(1, ceil(window.reset_time - time())),
        )

    def _check(self, budget: RouteLimit, *limits: tuple[str, Callable[[Request], str]]) -> Callable[[Request], None]:
        def check(request: Request) -> None:
            pass

        check.__name__ = check.__qualname__ = budget  # slowapi keeps its limits by this name
        limited: Callable[[Request], None] = check
        for limit, key in limits:
            limited = self._slowapi.shared_limit(limit, scope=f"{budget}-{key.__name__}", key_func=key)(limited)
        return limited


def client_address_of(request: Request) -> ClientAddress:
    """Tell who asks: by the address that uvicorn saw, or that a trusted proxy named."""
    return client_address_from_ip(request.client.host if request.client else "")


def _client(request: Request) -> str:
    return client_address_of(request).client


def _subnet(request: Request) -> str:
    return client_address_of(request).subnet


for _key in (_client, _subnet):
    _key.__signature__ = signature(_key)  # type: ignore[attr-defined]  # slowapi asks at each call, and this answers at once
