"""Limits on actions: what requesting a code costs, what a wrong code costs, and what a right code refunds.

Denials by a client's limits are reported: `RateLimited`, which the API and the pages answer with 429. Limits of a target and of all messages are
silent: `charge_message` returns False, the answer is the ordinary one and no message is sent, because a denial must not reveal that somebody asked
before. What a client is charged does not depend on the silent limits, so its own limits do not reveal them either.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any, Self

from app.errors import DependencyUnavailable, ExposureError
from app.rate_limits.bucket_store import BucketStore
from app.rate_limits.client_address import ClientAddress
from app.rate_limits.gcra import Limit
from app.rate_limits.policy import RateLimitPolicy
from app.rate_limits.proof_of_work import CHALLENGE_LIFETIME, VerifiedSolution
from app.rate_limits.transaction import BatchDecision, Transaction

RESERVED_SHARE = 0.25
"""Share of the service's limits reserved for trusted clients (see `client.trust`), so that an attacker cannot exhaust them for everyone."""
SUCCESS_BONUS = 0.5
"""Refunded for a confirmed code beyond its cost: the limits on unverified codes grow with the traffic that is confirmed."""
GUESS_BONUS = 0.25
"""The same for the service's limit on wrong codes: one more wrong code for every four right ones."""
SOFT_LIMIT_SHARE = 0.5
"""Share of the limits on code requests that is free. Beyond it each code takes a proof of work, or waiting."""
NO_LIMIT = 1e9
"""A usable share that never denies: the bucket only measures."""
DOMESTIC_DESTINATIONS = ("82", "email")
"""Destinations that are charged to `service.unverified_domestic`."""

_SOLUTION_LIMIT_NAME, _SINGLE_USE = "client.proof", Limit(1, CHALLENGE_LIFETIME.total_seconds())


class RateLimited(ExposureError):
    """A limit of the client is used up, or its soft half is.

    Args:
        limit_name: as in the limits file, without the table.
        limit: that denied.
        retry_in: seconds.
        accepts_proof_of_work: whether a proof of work would be accepted instead of waiting.
    """

    def __init__(self, limit_name: str, limit: Limit, retry_in: float, *, accepts_proof_of_work: bool) -> None:
        super().__init__("a rate limit of this client is used up")
        self.limit_name = limit_name
        self.limit = limit
        self.retry_after = max(1, ceil(retry_in))
        """Whole seconds, at least one."""
        self.accepts_proof_of_work = accepts_proof_of_work


class GlobalLimitReached(DependencyUnavailable):
    """The service's limit on wrong codes is used up: no code is tried for now."""


@dataclass(frozen=True, slots=True)
class LimitSubject:
    """The person that a code is for, as the limits see them."""

    destination: str
    """``email``, or the calling code of a phone's country."""
    pseudonym: bytes

    def __repr__(self) -> str:
        return "LimitSubject(…)"


class ActionLimiter:
    """Charges actions to the limits of the client, the target and the service.

    Args:
        policy: the limits.
        buckets: where their state is stored.
        on_denied: called with the name of each limit that denies, or would in dry-run mode.
    """

    def __init__(
        self, policy: RateLimitPolicy, buckets: BucketStore, on_denied: Callable[[str], object] = lambda _: None
    ) -> None:
        self._limits = policy.limits_by_name()
        self._dry_run = policy.dry_run
        self._buckets = buckets
        self._on_denied = on_denied

    def charge_code_request(
        self,
        address: ClientAddress,
        *,
        solution: VerifiedSolution | None = None,
        now: datetime,
    ) -> None:
        """Charge the client for requesting a code: the same for every identifier, or the charge would reveal which were asked about before.

        Args:
            address: of the client.
            solution: a proof of work, which opens the second half of these limits.
            now: aware.

        Raises:
            RateLimited: a limit of the client or its subnet is used up.
        """
        client, subnet, share = address.client, address.subnet, 1.0 if solution else SOFT_LIMIT_SHARE
        transactions = [
            self._transaction("client.unverified_codes", client, usable_share=share),
            self._transaction("client.unverified_codes_per_subnet", subnet, usable_share=share),
            self._transaction("client.trust", client, usable_share=NO_LIMIT),
        ]
        if solution is None:
            self._raise_if_denied(self._spend(now, *transactions))
            return
        use_of_solution = Transaction(_SOLUTION_LIMIT_NAME, _SINGLE_USE, solution.challenge_id)
        decision = self._spend(now, *transactions, use_of_solution)
        if decision.denied and decision.denied.limit_name == _SOLUTION_LIMIT_NAME:
            self.charge_code_request(address, now=now)  # the solution was used before: charge without it
        else:
            self._raise_if_denied(decision)

    def charge_message(self, address: ClientAddress, subject: LimitSubject, *, now: datetime) -> bool:
        """Charge the target and the service for a message. Return False if it must not be sent; the client must not learn of it."""
        decision = self._spend(
            now,
            self._transaction("client.trust", address.client, cost=0.0, check_only=True),
            self._transaction("target.codes", subject.pseudonym),
            self._transaction("target.codes_per_day", subject.pseudonym),
            self._transaction("target.wrong_codes", subject.pseudonym, check_only=True),
            self._transaction("service.messages", reserved_share=RESERVED_SHARE),
            self._transaction("service.messages_per_day", reserved_share=RESERVED_SHARE),
            self._transaction(*_unverified_limit(subject.destination), reserved_share=RESERVED_SHARE),
        )
        return decision.denied is None

    def drain_code_limits(self, address: ClientAddress, *, now: datetime) -> tuple[str, ...]:
        """Empty the buckets for code requests of the client and its subnet. Return the blinded keys that these buckets have today."""
        subjects = {
            "client.unverified_codes": address.client,
            "client.unverified_codes_per_subnet": address.subnet,
        }
        transactions = [
            self._transaction(limit_name, subject, cost=float(self._limits[limit_name].count))
            for limit_name, subject in subjects.items()
        ]
        self._buckets.spend(transactions, now=now.timestamp(), force=True)
        return self._buckets.bucket_keys(transactions, now=now.timestamp())

    def refund_undelivered(self, subject: LimitSubject, *, now: datetime) -> None:
        """Refund the target for a code that no provider delivered."""
        self._force_spend(
            now,
            self._transaction("target.codes", subject.pseudonym, cost=-1.0),
            self._transaction("target.codes_per_day", subject.pseudonym, cost=-1.0),
        )

    def attempt_code(self, address: ClientAddress, *, now: datetime) -> "CodeAttempt":
        """Charge an attempt at a code as a wrong one, until its outcome is recorded.

        Raises:
            RateLimited: a limit of the client or its subnet is used up.
            GlobalLimitReached: the limit of the service is used up.
        """
        self._raise_if_denied(self._spend(now, *self._wrong_code_transactions(address)))
        return CodeAttempt(self, address, now)

    def charge_value_check(self, pseudonyms: Sequence[bytes], *, now: datetime) -> None:
        """Charge each identifier of a session for checking a value against its records.

        Args:
            pseudonyms: of the session's verified identifiers, each once. A session of its own costs one code, so sessions are not what is limited.
            now: aware.

        Raises:
            RateLimited: the limit of one of them is used up. Nothing is charged.
        """
        checks = [self._transaction("client.value_checks_per_identifier", pseudonym) for pseudonym in pseudonyms]
        self._raise_if_denied(self._spend(now, *checks))

    def refund_attempt(self, address: ClientAddress, *, now: datetime) -> None:
        """Refund an attempt in which no code was compared."""
        self._force_spend(now, *self._wrong_code_transactions(address, cost=-1.0))

    def record_failure(self, subject: LimitSubject, *, now: datetime) -> None:
        """Charge a wrong code to the target that it was meant to verify."""
        self._force_spend(now, self._transaction("target.wrong_codes", subject.pseudonym))

    def record_success(self, address: ClientAddress, subject: LimitSubject, *, now: datetime) -> None:
        """Refund what a confirmed code cost, and add the bonus."""
        client, subnet, cost = address.client, address.subnet, -1.0 - SUCCESS_BONUS
        self._force_spend(
            now,
            *self._wrong_code_transactions(address, cost=-1.0, trust_bonus=-cost, service_bonus=GUESS_BONUS),
            self._transaction("client.unverified_codes", client, cost=cost),
            self._transaction("client.unverified_codes_per_subnet", subnet, cost=cost),
            self._transaction(*_unverified_limit(subject.destination), cost=cost),
        )

    def _wrong_code_transactions(
        self, address: ClientAddress, cost: float = 1.0, trust_bonus: float = 0.0, service_bonus: float = 0.0
    ) -> list[Transaction]:
        return [
            self._transaction("client.trust", address.client, cost=cost - trust_bonus, usable_share=NO_LIMIT),
            self._transaction("client.wrong_codes", address.client, cost=cost),
            self._transaction("client.wrong_codes_per_subnet", address.subnet, cost=cost),
            self._transaction("service.wrong_codes", cost=cost - service_bonus, reserved_share=RESERVED_SHARE),
        ]

    def _transaction(self, limit_name: str, subject: str | bytes | None = None, **options: Any) -> Transaction:  # noqa: ANN401
        name = subject.encode() if isinstance(subject, str) else subject
        return Transaction(limit_name, self._limits[limit_name], name, **options)

    def _spend(self, now: datetime, *transactions: Transaction) -> BatchDecision:
        decision = self._buckets.spend(transactions, now=now.timestamp(), force=self._dry_run)
        if decision.denied is None:
            return decision
        self._on_denied(decision.denied.limit_name)
        return BatchDecision(decision.used_fractions) if self._dry_run else decision

    def _force_spend(self, now: datetime, *transactions: Transaction) -> None:
        self._buckets.spend(transactions, now=now.timestamp(), force=True)

    def _raise_if_denied(self, decision: BatchDecision) -> None:
        if (denied := decision.denied) is None:
            return
        table, _, limit_name = denied.limit_name.partition(".")
        if table == "service":
            raise GlobalLimitReached("the service's limit on wrong codes is used up")
        retry_in_with_work = decision.retry_in - (1.0 - denied.usable_share) * denied.limit.seconds
        if (
            retry_in_with_work > 0
        ):  # the whole bucket is used up: wait until there is room even for a client that computes
            raise RateLimited(limit_name, denied.limit, retry_in_with_work, accepts_proof_of_work=False)
        is_soft = denied.usable_share < 1.0
        raise RateLimited(limit_name, denied.limit, decision.retry_in, accepts_proof_of_work=is_soft)


class CodeAttempt:
    """An attempt at a code, as a context manager. Its charge is refunded on exit unless an outcome was recorded."""

    def __init__(self, limiter: ActionLimiter, address: ClientAddress, now: datetime) -> None:
        self._limiter = limiter
        self._address = address
        self._now = now
        self._is_recorded = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if not self._is_recorded:
            self._limiter.refund_attempt(self._address, now=self._now)

    def record_failure(self, subject: LimitSubject) -> None:
        """Record that the code was wrong."""
        self._is_recorded = True
        self._limiter.record_failure(subject, now=self._now)

    def record_success(self, subject: LimitSubject) -> None:
        """Record that the code was right."""
        self._is_recorded = True
        self._limiter.record_success(self._address, subject, now=self._now)


def _unverified_limit(destination: str) -> tuple[str, str]:
    """Return the name of the limit on unverified messages to *destination*, and its subject."""
    is_domestic = destination in DOMESTIC_DESTINATIONS
    return f"service.unverified_{'domestic' if is_domestic else 'international'}", destination
