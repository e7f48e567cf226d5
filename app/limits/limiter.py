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

from app.limits.askers import Asker, asker_at
from app.limits.counts import LOCAL, SHARED
from app.limits.policy import Budget, Policy
from app.limits.store import Store

_WAITING = 32
"""Calls that spend at once."""
Kept = Literal["shared", "local", "fallback"]

logging.getLogger("slowapi").propagate = False  # it names the caller's address


@dataclass(frozen=True, slots=True)
class Spent:
    """What a call left of its budget, for the headers of draft-ietf-httpapi-ratelimit-headers."""

    budget: str
    admitted: bool
    quota: int
    window: int
    remaining: int
    reset: int
    """Seconds until there is room again, at least one."""


class Limiter:
    """The budgets of calls of one application."""

    def __init__(
        self, policy: Policy, store: Store | None = None, refused: Callable[[str], object] = lambda _: None
    ) -> None:
        """Know what they hold.

        Args:
            policy: what they hold.
            store: where they are kept; None for this process.
            refused: is told the name of each budget that refuses, or would.
        """
        self._store = store
        self.waiting = ThreadPoolExecutor(_WAITING, "spend") if store is not None else None
        """Where to spend, since it may wait for the store, which must not be done on an event loop; None where it does not wait."""
        self._record_only = policy.record_only
        self._refused = refused
        options: dict[str, Any] = {"store": store} if store else {}
        self._slowapi = SlowApiLimiter(
            key_func=_client,
            storage_uri=f"{SHARED if store else LOCAL}://",
            storage_options=options,
            key_prefix="exposure-lookup",
        )
        calls = policy.client
        self._checks: dict[Budget, Callable[[Request], None]] = {
            Budget.VERIFICATIONS: self._check(
                Budget.VERIFICATIONS, (calls.verifications, _client), (calls.verifications_of_subnet, _subnet)
            ),
            Budget.CONFIRMATIONS: self._check(Budget.CONFIRMATIONS, (calls.confirmations, _client)),
            Budget.OTHER: self._check(Budget.OTHER, (calls.other, _client)),
        }

    @property
    def kept(self) -> Kept:
        """Say where all budgets are kept just now; ``fallback`` is this process, for the store does not answer."""
        if self._store is None:
            return "local"
        return "shared" if self._store.answers else "fallback"

    def spend(self, budget: Budget, request: Request) -> Spent:
        """Take one call from *budget*. May wait for the store, if there is one: see `waiting`."""
        try:
            self._checks[budget](request)
            admitted = True
        except RateLimitExceeded:
            self._refused(f"client.{budget}")
            admitted = self._record_only
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


def asker_of(request: Request) -> Asker:
    """Tell who asks: by the address that uvicorn saw, or that a trusted proxy named."""
    return asker_at(request.client.host if request.client else "")


def _client(request: Request) -> str:
    return asker_of(request).client


def _subnet(request: Request) -> str:
    return asker_of(request).subnet


for _key in (_client, _subnet):
    _key.__signature__ = signature(_key)  # type: ignore[attr-defined]  # slowapi asks at each call, and this answers at once
