"""Spending the client budgets, by slowapi, in this process's memory or in Redis/Valkey."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from inspect import signature
from ipaddress import IPv4Address, ip_address, ip_network
from math import ceil
from time import time
from typing import Any

from limits import RateLimitItem
from slowapi import Limiter as SlowApiLimiter
from slowapi.errors import RateLimitExceeded
from starlette.requests import Request

from app.limits import memory
from app.limits.budgets import Budget, Budgets

_STORE_TIMEOUT = 0.1

logging.getLogger("slowapi").propagate = False  # it names the caller's address


@dataclass(frozen=True, slots=True)
class Spent:
    """What a call left of its budget, for the headers of draft-ietf-httpapi-ratelimit-headers."""

    budget: Budget
    admitted: bool
    quota: int
    window: int
    remaining: int
    reset: int
    """Seconds until the window ends, at least one."""


class Limiter:
    """The client budgets of one application."""

    def __init__(self, budgets: Budgets, *, redis_url: str | None = None) -> None:
        self.waits = redis_url is not None
        """Whether to spend may wait for a store, so that it must not be done on an event loop."""
        options: dict[str, Any] = {"socket_timeout": _STORE_TIMEOUT, "socket_connect_timeout": _STORE_TIMEOUT}
        self._slowapi = SlowApiLimiter(
            key_func=_address,
            storage_uri=re.sub(r"^valkey", "redis", redis_url) if redis_url else f"{memory.SCHEME}://",
            storage_options=options if redis_url else {},
            in_memory_fallback_enabled=redis_url is not None,
            key_prefix="exposure-lookup",
        )
        self._checks: dict[Budget, Callable[[Request], None]] = {
            Budget.VERIFICATIONS: self._check(
                Budget.VERIFICATIONS, (budgets.verifications, _address), (budgets.verifications_of_subnet, _subnet)
            ),
            Budget.CONFIRMATIONS: self._check(Budget.CONFIRMATIONS, (budgets.confirmations, _address)),
            Budget.OTHER: self._check(Budget.OTHER, (budgets.other, _address)),
        }

    def spend(self, budget: Budget, request: Request) -> Spent:
        """Take one call from *budget*. May wait for the store, 100 ms at most, where `waits` says so."""
        try:
            self._checks[budget](request)
            admitted = True
        except RateLimitExceeded:
            admitted = False
        item: RateLimitItem
        item, keys = request.state.view_rate_limit
        window = self._slowapi.limiter.get_window_stats(item, *keys)
        return Spent(
            budget=budget,
            admitted=admitted,
            quota=item.amount,
            window=item.get_expiry(),
            remaining=window.remaining if admitted else 0,
            reset=max(1, ceil(window.reset_time - time())),
        )

    def _check(self, budget: Budget, *limits: tuple[str, Callable[[Request], str]]) -> Callable[[Request], None]:
        def check(request: Request) -> None:
            pass

        check.__name__ = check.__qualname__ = budget  # slowapi keeps its limits by this name
        limited: Callable[[Request], None] = check
        for limit, key in limits:
            limited = self._slowapi.shared_limit(limit, scope=f"{budget}-{key.__name__}", key_func=key)(limited)
        return limited


def _address(request: Request) -> str:
    return _network(request.client.host if request.client else "", 32, 64)


def _subnet(request: Request) -> str:
    return _network(request.client.host if request.client else "", 24, 48)


for _key in (_address, _subnet):
    _key.__signature__ = signature(_key)  # type: ignore[attr-defined]  # slowapi asks at each call, and this answers at once


@lru_cache(maxsize=4096)
def _network(host: str, bits_v4: int, bits_v6: int) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return "unknown"
    mapped = address if isinstance(address, IPv4Address) else address.ipv4_mapped or address
    bits = bits_v4 if isinstance(mapped, IPv4Address) else bits_v6
    return str(ip_network((mapped, bits), strict=False))
