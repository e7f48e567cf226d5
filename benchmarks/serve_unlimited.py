"""The `exposure` command with rate limits that always allow and count nothing, to measure what the limits cost.

python -m benchmarks.serve_unlimited serve …
"""

from starlette.requests import Request

from app.__main__ import main
from app.http.rate_limit.request_limiter import RateLimitState, RequestLimiter
from app.rate_limits import ActionLimiter, RouteLimit
from app.rate_limits.transaction import BatchDecision, Transaction

_ALLOWED = RateLimitState(limit_name="none", is_allowed=True, quota=1, window=60, remaining=1, reset=60)


def _allow_request(_: RequestLimiter, __: RouteLimit, ___: Request) -> RateLimitState:
    return _ALLOWED


def _spend_nothing(_: ActionLimiter, __: object, *transactions: Transaction) -> BatchDecision:
    return BatchDecision(tuple(0.0 for _ in transactions))


if __name__ == "__main__":
    RequestLimiter.spend = _allow_request  # type: ignore[method-assign,assignment]
    ActionLimiter._spend = ActionLimiter._force_spend = _spend_nothing  # type: ignore[method-assign,assignment]
    main()
