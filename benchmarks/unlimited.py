"""The `exposure` command with budgets that always admit and count nothing: what the limits cost is measured beside it.

python -m benchmarks.unlimited serve …
"""

from starlette.requests import Request

from app.limits import Budget, Budgets, Limiter, Spent
from app.limits.charges import Charge, Outcome
from app.main import main

_ALL_LEFT = Spent(budget="none", admitted=True, quota=1, window=60, remaining=1, reset=60)


def _admit(_: Limiter, __: Budget, ___: Request) -> Spent:
    return _ALL_LEFT


def _spend_nothing(_: Budgets, __: object, *charges: Charge) -> Outcome:
    return Outcome(tuple(0.0 for _ in charges))


if __name__ == "__main__":
    Limiter.spend = _admit  # type: ignore[method-assign,assignment]
    Budgets._spend = Budgets._give_back = _spend_nothing  # type: ignore[method-assign,assignment]
    main()
