"""The budgets by meaning: what asking for a code costs, what a wrong one costs, and what a right one gives back.

Client budgets speak: `RateLimited`, which the faces answer with 429. Those of a target, and of all messages, are silent: `charge_message` gives False, the
answer is the ordinary one and no message goes out, since a refusal must not say that somebody asked before. What a client is charged with does not
depend on them, so that its own budgets do not say it either.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, Self

from app.errors import ExposureError, DependencyUnavailable
from app.rate_limits.client_address import ClientAddress
from app.rate_limits.bucket_store import BucketStore
from app.rate_limits.transaction import Transaction, BatchDecision
from app.rate_limits.gcra import Limit
from app.rate_limits.policy import RateLimitPolicy
from app.rate_limits.proof_of_work import LIFETIME, VerifiedSolution

KEPT = 0.25
"""Of the service's budgets, kept for clients within their quota, which `client.trust` tells: an attacker cannot empty them for everyone."""
EARNED = 0.5
"""What a confirmed code gives back beyond its own cost: budgets against the unconfirmed grow with the traffic that is confirmed."""
EARNED_GUESSES = 0.25
"""The same of the service's wrong codes: one for each four right ones."""
SOFT_LIMIT_SHARE = 0.5
"""Of the budgets of asking: beyond it each code takes a proof of work, or waiting."""
NEVER = 1e9
"""The share of a bucket that refuses nobody: what is used of it says something, that is all."""
HOME = ("82", "email")
"""Destinations of the ordinary budget of the unconfirmed."""

_PROOF, _ONCE = "client.proof", Limit(1, LIFETIME.total_seconds())


class RateLimited(ExposureError):
    """A budget of the client is spent, or the soft part of it."""

    def __init__(self, budget: str, limit: Limit, wait: float, *, soft: bool) -> None:
        super().__init__("a budget of this client is spent")
        self.limit_name = budget
        self.limit = limit
        self.retry_after = max(1, ceil(wait))
        """Seconds."""
        self.accepts_proof_of_work = soft
        """Whether a proof of work would do instead of waiting."""


class GlobalLimitReached(DependencyUnavailable):
    """The service's budget of wrong codes is spent: no code is tried for now."""


@dataclass(frozen=True, slots=True)
class LimitSubject:
    """Whom a message is for."""

    destination: str
    """``email``, or the calling code of a phone's country."""
    identifier: bytes
    """Channel and canonical form."""

    def __repr__(self) -> str:
        return "Recipient(…)"


class ActionLimiter:
    """The budgets by meaning of one application."""

    def __init__(self, policy: RateLimitPolicy, buckets: BucketStore, refused: Callable[[str], object] = lambda _: None) -> None:
        """Know what they hold.

        Args:
            policy: what they hold.
            buckets: where they are kept.
            refused: is told the name of each budget that refuses, or would.
        """
        self._limits = policy.limits_by_name()
        self._dry_run = policy.dry_run
        self._buckets = buckets
        self._refused = refused

    def charge_code_request(self, asker: ClientAddress, to: LimitSubject, *, solution: VerifiedSolution | None = None, now: datetime) -> None:
        """Charge the client for a code that is asked for.

        Args:
            asker: who asks.
            to: whom about.
            proof: of work, which opens the other half of these budgets.
            now: aware.

        Raises:
            OverBudget: the client's or its subnet's budget is spent.
        """
        client, subnet, share = asker.client, asker.subnet, 1.0 if solution else SOFT_LIMIT_SHARE
        charges = [
            self._charge("client.unverified_codes", client, share=share),
            self._charge("client.unverified_codes_per_subnet", subnet, share=share),
            self._charge("client.new_identifiers", client, share=share, distinct=to.identifier),
            self._charge("client.new_identifiers_per_subnet", subnet, share=share, distinct=to.identifier),
            self._charge("client.trust", client, share=NEVER),
        ]
        if solution is None:
            self._speak(self._spend(now, *charges))
            return
        once = Transaction(_PROOF, _ONCE, solution.name)
        outcome = self._spend(now, *charges, once)
        if outcome.refused and outcome.refused.limit_name == _PROOF:
            self.charge_code_request(asker, to, now=now)  # it has been used before, and is none
        else:
            self._speak(outcome)

    def charge_message(self, asker: ClientAddress, to: LimitSubject, *, now: datetime) -> bool:
        """Charge the target and the service for a message; false where none goes out, which nobody is told."""
        silent = self._spend(
            now,
            self._charge("client.trust", asker.client, cost=0.0, looks=True),
            self._charge("target.codes", to.identifier),
            self._charge("target.codes_per_day", to.identifier),
            self._charge("target.wrong_codes", to.identifier, looks=True),
            self._charge("service.messages", kept=KEPT),
            self._charge("service.messages_per_day", kept=KEPT),
            self._charge(*_unconfirmed(to.destination), kept=KEPT),
        )
        return silent.refused is None

    def drain_code_limits(self, asker: ClientAddress, *, now: datetime) -> tuple[str, ...]:
        """Empty the client's and the subnet's budgets of codes at once; gives the blinded names that these buckets have today."""
        whose = {"client": asker.client, "subnet": asker.subnet}
        spent = [
            self._charge(budget, whose[of], cost=float(self._limits[budget].count))
            for budget, of in (
                ("client.new_identifiers", "client"),
                ("client.new_identifiers_per_subnet", "subnet"),
                ("client.unverified_codes", "client"),
                ("client.unverified_codes_per_subnet", "subnet"),
            )
        ]
        self._buckets.spend(spent, now=now.timestamp(), force=True)
        return self._buckets.bucket_keys(spent, now=now.timestamp())

    def refund_undelivered(self, to: LimitSubject, *, now: datetime) -> None:
        """Give back what a code cost the person that no provider took."""
        self._give_back(
            now,
            self._charge("target.codes", to.identifier, cost=-1.0),
            self._charge("target.codes_per_day", to.identifier, cost=-1.0),
        )

    def attempt_code(self, asker: ClientAddress, *, now: datetime) -> "CodeAttempt":
        """Charge a code that is about to be tried as a wrong one, until it is known to be none.

        Raises:
            OverBudget: the client's or its subnet's budget is spent.
            Busy: the service's is.
        """
        self._speak(self._spend(now, *self._wrong(asker)))
        return CodeAttempt(self, asker, now)

    def charge_value_check(self, session: bytes, *, now: datetime) -> None:
        """Charge a value that is held against the records of a session.

        Args:
            session: what names it; of one that is known to be open, or made-up tokens would fill the store.
            now: aware.

        Raises:
            OverBudget: its budget is spent.
        """
        self._speak(self._spend(now, self._charge("client.value_checks_per_session", session)))

    def refund_attempt(self, asker: ClientAddress, *, now: datetime) -> None:
        """Give back a guess that was none."""
        self._give_back(now, *self._wrong(asker, cost=-1.0))

    def record_failure(self, to: LimitSubject, *, now: datetime) -> None:
        """Charge a wrong code to whom it was meant to prove."""
        self._give_back(now, self._charge("target.wrong_codes", to.identifier))

    def record_success(self, asker: ClientAddress, to: LimitSubject, *, now: datetime) -> None:
        """Give back what a confirmed code cost, and more."""
        client, subnet, cost = asker.client, asker.subnet, -1.0 - EARNED
        self._give_back(
            now,
            *self._wrong(asker, cost=-1.0, settled=-cost, earned=EARNED_GUESSES),
            self._charge("client.unverified_codes", client, cost=cost),
            self._charge("client.unverified_codes_per_subnet", subnet, cost=cost),
            self._charge("client.new_identifiers", client, cost=cost),
            self._charge("client.new_identifiers_per_subnet", subnet, cost=cost),
            self._charge(*_unconfirmed(to.destination), cost=cost),
        )

    def _wrong(self, asker: ClientAddress, cost: float = 1.0, settled: float = 0.0, earned: float = 0.0) -> list[Transaction]:
        return [
            self._charge("client.trust", asker.client, cost=cost - settled, share=NEVER),
            self._charge("client.wrong_codes", asker.client, cost=cost),
            self._charge("client.wrong_codes_per_subnet", asker.subnet, cost=cost),
            self._charge("service.wrong_codes", cost=cost - earned, kept=KEPT),
        ]

    def _charge(self, budget: str, whose: str | bytes | None = None, **given: Any) -> Transaction:  # noqa: ANN401
        name = whose.encode() if isinstance(whose, str) else whose
        return Transaction(budget, self._limits[budget], name, **given)

    def _spend(self, now: datetime, *charges: Transaction) -> BatchDecision:
        outcome = self._buckets.spend(charges, now=now.timestamp(), force=self._dry_run)
        if outcome.refused is None:
            return outcome
        self._refused(outcome.refused.limit_name)
        return BatchDecision(outcome.used) if self._dry_run else outcome

    def _give_back(self, now: datetime, *charges: Transaction) -> None:
        self._buckets.spend(charges, now=now.timestamp(), force=True)

    def _speak(self, outcome: BatchDecision) -> None:
        if (refused := outcome.refused) is None:
            return
        table, _, name = refused.limit_name.partition(".")
        if table == "service":
            raise GlobalLimitReached("the service's budget of wrong codes is spent")
        beyond = outcome.wait - (1.0 - refused.share) * refused.limit.seconds
        if beyond > 0:  # the whole of it is spent: until there is room for whoever computes
            raise RateLimited(name, refused.limit, beyond, soft=False)
        raise RateLimited(name, refused.limit, outcome.wait, soft=refused.share < 1.0)


class CodeAttempt:
    """A code that is being tried. What it was charged with is given back, unless it is said to be wrong."""

    def __init__(self, budgets: ActionLimiter, asker: ClientAddress, now: datetime) -> None:
        self._budgets = budgets
        self._asker = asker
        self._now = now
        self._settled = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._settled:
            self._budgets.refund_attempt(self._asker, now=self._now)

    def record_failure(self, to: LimitSubject) -> None:
        """Say that it was."""
        self._settled = True
        self._budgets.record_failure(to, now=self._now)

    def record_success(self, to: LimitSubject) -> None:
        """Say that it was."""
        self._settled = True
        self._budgets.record_success(self._asker, to, now=self._now)


def _unconfirmed(destination: str) -> tuple[str, str]:
    """Name the budget of a destination's unconfirmed messages, and whose it is."""
    home = destination in HOME
    return f"service.unverified_{'domestic' if home else 'international'}", destination
