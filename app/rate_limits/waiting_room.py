"""The waiting room for new users, used when more arrive than the service can carry. Users that were already admitted never wait in it.

The queue is a bucket that may go into debt: its debt is the length of the queue, and so the time at which the next user can be admitted. A user that
must wait gets a signed ticket with that time, so no state is kept for each waiting user. When the time has come, the ticket admits once, and only for
the identifier that it was issued for: that is what was charged.
"""

import base64
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from random import SystemRandom

from app.crypto.framing import frame
from app.errors import ExposureError
from app.rate_limits.bucket_store import BucketStore
from app.rate_limits.gcra import Limit
from app.rate_limits.policy import RateLimitPolicy
from app.rate_limits.transaction import Transaction

HOUR_SECONDS = 3600.0
BURST_SECONDS = 2.0
"""This many seconds' worth of admissions may arrive at once without waiting: the service is slow for a moment, and nobody is sent away."""
TICKET_GRACE_SECONDS = 900.0
"""How long after its admission time a ticket is still accepted."""
_LIMIT_NAME = "service.admissions"
_MAC_BYTES, _NONCE_BYTES = 16, 12


class MustQueue(ExposureError):
    """More new users arrive than the service can carry.

    Args:
        wait: seconds until admission.
        ticket: holds the place in the queue; None if the queue is full.
        ahead: estimated number of users before this one.
    """

    def __init__(self, wait: float, ticket: str | None, ahead: int) -> None:
        super().__init__("more new users arrive than the service can carry")
        self.retry_after = ceil(wait) + SystemRandom().randint(0, 3 + int(wait / 20))
        """Seconds. The random jitter keeps users that were sent away together from returning together; a late ticket keeps its place."""
        self.ticket = ticket
        self.ahead = ahead


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the queue."""

    admit_at: float
    """Seconds since the epoch."""
    nonce: bytes = field(repr=False)


class WaitingRoom:
    """Admits new users at the rate that the service can carry.

    Args:
        policy: has that rate.
        buckets: where the length of the queue is stored.
        key: signs tickets.
        on_denied: called with the limit's name for each user that must wait, or would in dry-run mode.
    """

    def __init__(
        self,
        policy: RateLimitPolicy,
        buckets: BucketStore,
        key: bytes,
        on_denied: Callable[[str], object] = lambda _: None,
    ) -> None:
        admissions = policy.limits_by_name()[_LIMIT_NAME]
        self._dry_run = policy.dry_run
        self._on_denied = on_denied
        self._admissions_per_second = admissions.count / admissions.seconds
        self._hourly_limit = Limit(max(1, round(self._admissions_per_second * HOUR_SECONDS)), HOUR_SECONDS)
        self._burst_share = max(BURST_SECONDS, 1 / self._admissions_per_second) / HOUR_SECONDS
        self._buckets = buckets
        self._key = key

    def enter(self, pseudonym: bytes, *, now: datetime) -> None:
        """Admit a new user, or assign a place in the queue.

        Args:
            pseudonym: of the identifier that was charged.
            now: aware.

        Raises:
            MustQueue: the user must wait.
        """
        timestamp = now.timestamp()
        transaction = Transaction(_LIMIT_NAME, self._hourly_limit, usable_share=self._burst_share)
        decision = self._buckets.spend([transaction], now=timestamp, force=True)
        if decision.denied is None:
            return
        self._on_denied(_LIMIT_NAME)
        if self._dry_run:
            return
        if decision.used_fractions[0] >= 1.0:
            raise MustQueue(HOUR_SECONDS / 6, None, self._hourly_limit.count)
        ticket = self._issue_ticket(timestamp + decision.retry_in, pseudonym)
        raise MustQueue(decision.retry_in, ticket, round(decision.retry_in * self._admissions_per_second))

    def redeem_ticket(self, encoded: str | None, pseudonym: bytes, *, now: datetime) -> bool:
        """Admit a user that has waited. Return False if the ticket is missing, invalid, expired, already used, or for another identifier.

        Raises:
            MustQueue: the admission time has not come yet. Carries the same ticket.
        """
        ticket, timestamp = self._parse_ticket(encoded or "", pseudonym), now.timestamp()
        if ticket is None or timestamp > ticket.admit_at + TICKET_GRACE_SECONDS:
            return False
        if timestamp < ticket.admit_at:
            wait = ticket.admit_at - timestamp
            raise MustQueue(wait, encoded, round(wait * self._admissions_per_second))
        use_of_ticket = Transaction(f"ticket {ticket.nonce.hex()}", Limit(1, HOUR_SECONDS))
        return self._buckets.spend([use_of_ticket], now=timestamp).denied is None

    def _issue_ticket(self, admit_at: float, pseudonym: bytes) -> str:
        content = int(admit_at * 1000).to_bytes(8, "big") + secrets.token_bytes(_NONCE_BYTES)
        return base64.urlsafe_b64encode(content + self._mac(content, pseudonym)).decode()

    def _parse_ticket(self, encoded: str, pseudonym: bytes) -> Ticket | None:
        try:
            raw = base64.b64decode(encoded, altchars=b"-_", validate=True)
        except ValueError:
            return None
        content, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(content) != 8 + _NONCE_BYTES or not hmac.compare_digest(mac, self._mac(content, pseudonym)):
            return None
        return Ticket(int.from_bytes(content[:8], "big") / 1000, content[8:])

    def _mac(self, content: bytes, pseudonym: bytes) -> bytes:
        return hmac.digest(self._key, frame(content, pseudonym), "sha256")[:_MAC_BYTES]
