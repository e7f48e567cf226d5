"""Limits on requests, by slowapi: how many requests an address may send in a minute, whatever they do."""

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

from app.http.client import client_address_of
from app.http.rate_limit.windows import MEMORY_SCHEME, REDIS_SCHEME
from app.rate_limits.policy import RateLimitPolicy, RouteLimit
from app.rate_limits.redis_breaker import RedisCircuitBreaker

_MAX_CONCURRENT_SPENDS = 32
BackendState = Literal["shared", "local", "fallback"]

logging.getLogger("slowapi").propagate = False  # its log lines contain the client's address


@dataclass(frozen=True, slots=True)
class RateLimitState:
    """The state of a request's limit, for the headers of draft-ietf-httpapi-ratelimit-headers."""

    limit_name: str
    is_allowed: bool
    quota: int
    window: int
    """Seconds."""
    remaining: int
    reset: int
    """Seconds until there is room again, at least one."""


class RequestLimiter:
    """Counts requests by client address and subnet.

    Args:
        policy: the limits.
        subkey: the application subkey that blinds the addresses.
        breaker: the Redis that stores the counters; None to store them in this process.
        on_denied: called with the name of each limit that denies, or would in dry-run mode.
    """

    def __init__(
        self,
        policy: RateLimitPolicy,
        subkey: bytes,
        breaker: RedisCircuitBreaker | None = None,
        on_denied: Callable[[str], object] = lambda _: None,
    ) -> None:
        self._breaker = breaker
        self.executor = ThreadPoolExecutor(_MAX_CONCURRENT_SPENDS, "spend") if breaker is not None else None
        """Where to call `spend`, because it may wait for Redis and must not block an event loop; None if it never waits."""
        self._dry_run = policy.dry_run
        self._on_denied = on_denied
        options: dict[str, Any] = {"subkey": subkey} | ({"breaker": breaker} if breaker else {})
        self._slowapi = SlowApiLimiter(
            key_func=_client_key,
            storage_uri=f"{REDIS_SCHEME if breaker else MEMORY_SCHEME}://",
            storage_options=options,
            key_prefix="exposure-lookup",
        )
        limits = policy.client
        self._checks: dict[RouteLimit, Callable[[Request], None]] = {
            RouteLimit.VERIFICATIONS: self._create_check(
                RouteLimit.VERIFICATIONS,
                (limits.verifications, _client_key),
                (limits.verifications_per_subnet, _subnet_key),
            ),
            RouteLimit.CONFIRMATIONS: self._create_check(RouteLimit.CONFIRMATIONS, (limits.confirmations, _client_key)),
            RouteLimit.OTHER: self._create_check(RouteLimit.OTHER, (limits.other, _client_key)),
        }

    @property
    def backend_state(self) -> BackendState:
        """Where all limits are counted now. ``fallback`` means in this process, because Redis is not available."""
        if self._breaker is None:
            return "local"
        return "shared" if self._breaker.is_available else "fallback"

    def spend(self, route_limit: RouteLimit, request: Request) -> RateLimitState:
        """Charge one request to *route_limit*. May wait for Redis, if there is one: see `executor`."""
        try:
            self._checks[route_limit](request)
            is_allowed = True
        except RateLimitExceeded:
            self._on_denied(f"client.{route_limit}")
            is_allowed = self._dry_run
        item: RateLimitItem
        item, keys = request.state.view_rate_limit
        window = self._slowapi.limiter.get_window_stats(item, *keys)
        return RateLimitState(
            limit_name=route_limit,
            is_allowed=is_allowed,
            quota=item.amount,
            window=item.get_expiry(),
            remaining=window.remaining if is_allowed else 0,
            reset=max(1, ceil(window.reset_time - time())),
        )

    def _create_check(
        self, route_limit: RouteLimit, *limits: tuple[str, Callable[[Request], str]]
    ) -> Callable[[Request], None]:
        def check(request: Request) -> None:
            pass

        check.__name__ = check.__qualname__ = route_limit  # slowapi stores its limits under this name
        limited: Callable[[Request], None] = check
        for rate, key in limits:
            limited = self._slowapi.shared_limit(rate, scope=f"{route_limit}-{key.__name__}", key_func=key)(limited)
        return limited


def _client_key(request: Request) -> str:
    return client_address_of(request).client


def _subnet_key(request: Request) -> str:
    return client_address_of(request).subnet


for _key in (_client_key, _subnet_key):
    # slowapi inspects the signature at every request; a stored signature makes that cheap
    _key.__signature__ = signature(_key)  # type: ignore[attr-defined]
