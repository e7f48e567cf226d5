"""The `exposure` command with budgets that always admit and count nothing: what the limits cost is measured beside it.

python -m benchmarks.serve_unlimited serve …
"""

from starlette.requests import Request

from app.rate_limits import RouteLimit, ActionLimiter, RequestLimiter, RateLimitState
from app.rate_limits.transaction import Transaction, BatchDecision
from app.main import main

_ALL_LEFT = RateLimitState(limit_name="none", is_allowed=True, quota=1, window=60, remaining=1, reset=60)


def _admit(_: RequestLimiter, __: RouteLimit, ___: Request) -> RateLimitState:
    return _ALL_LEFT


def _spend_nothing(_: ActionLimiter, __: object, *charges: Transaction) -> BatchDecision:
    return BatchDecision(tuple(0.0 for _ in charges))


if __name__ == "__main__":
    RequestLimiter.spend = _admit  # type: ignore[method-assign,assignment]
    ActionLimiter._spend = ActionLimiter._give_back = _spend_nothing  # type: ignore[method-assign,assignment]
    main()
