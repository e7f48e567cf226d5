"""The queue in front of new journeys, once there are more than the service carries. Journeys under way never wait in it.

The queue is a bucket that is let run into debt: how deep it is in debt says when the next one's turn is. A newcomer takes that turn and is given a
ticket, which says when, and is signed: nothing is kept for those who wait. Whoever comes with a ticket whose time has come is let in, once.
"""

import base64
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from random import SystemRandom

from app.errors import ExposureError
from app.rate_limits.bucket_store import BucketStore
from app.rate_limits.transaction import Transaction
from app.rate_limits.gcra import Limit
from app.rate_limits.policy import RateLimitPolicy

HOUR = 3600.0
AT_ONCE = 2.0
"""Seconds' worth of journeys that come at once and do not wait: the service is slow for a moment, and nobody is sent away."""
GRACE = 900.0
"""Seconds that a turn is kept for whoever is late."""
_BUDGET = "service.admissions"
_MAC_BYTES, _NONCE_BYTES = 16, 12


class MustQueue(ExposureError):
    """There are more new journeys than the service carries."""

    def __init__(self, wait: float, ticket: str | None, ahead: int) -> None:
        super().__init__("there are more new journeys than the service carries")
        self.retry_after = ceil(wait) + SystemRandom().randint(0, 3 + int(wait / 20))
        """Seconds, with jitter: those who were turned away together do not come back together. A turn that has come is kept."""
        self.ticket = ticket
        """Of a place in the queue; None where even that is full."""
        self.ahead = ahead
        """How many come first, as things stand."""


@dataclass(frozen=True, slots=True)
class Ticket:
    """A place in the queue."""

    turn: float
    """Seconds of the epoch."""
    nonce: bytes = field(repr=False)


class WaitingRoom:
    """Lets new journeys in at the pace that the service carries."""

    def __init__(
        self, policy: RateLimitPolicy, buckets: BucketStore, key: bytes, refused: Callable[[str], object] = lambda _: None
    ) -> None:
        """Know the pace.

        Args:
            policy: has it.
            buckets: where the queue is kept.
            key: signs tickets.
            refused: is told of each who must wait, or would.
        """
        admissions = policy.limits_by_name()[_BUDGET]
        self._dry_run = policy.dry_run
        self._refused = refused
        self._pace = journeys.count / journeys.seconds
        self._hour = Limit(max(1, round(self._pace * HOUR)), HOUR)
        self._at_once = max(AT_ONCE, 1 / self._pace) / HOUR
        self._buckets = buckets
        self._key = key

    def enter(self, *, now: datetime) -> None:
        """Let a newcomer in, or give a place.

        Raises:
            Crowded: wait.
        """
        moment = now.timestamp()
        charge = Transaction(_BUDGET, self._hour, share=self._at_once)
        outcome = self._buckets.spend([charge], now=moment, force=True)
        if outcome.refused is None:
            return
        self._refused(_BUDGET)
        if self._dry_run:
            return
        if outcome.used[0] >= 1.0:
            raise MustQueue(HOUR / 6, None, self._hour.count)
        raise MustQueue(outcome.wait, self._written(moment + outcome.wait), round(outcome.wait * self._pace))

    def redeem_ticket(self, written: str | None, *, now: datetime) -> bool:
        """Let in whoever waited; false for whoever has no ticket that is good.

        Raises:
            Crowded: the turn has not come yet; with the same ticket.
        """
        ticket, moment = self._read(written or ""), now.timestamp()
        if ticket is None or moment > ticket.turn + GRACE:
            return False
        if moment < ticket.turn:
            wait = ticket.turn - moment
            raise MustQueue(wait, written, round(wait * self._pace))
        once = Transaction(f"ticket {ticket.nonce.hex()}", Limit(1, HOUR))
        return self._buckets.spend([once], now=moment).refused is None

    def _written(self, turn: float) -> str:
        content = int(turn * 1000).to_bytes(8, "big") + secrets.token_bytes(_NONCE_BYTES)
        return base64.urlsafe_b64encode(content + self._mac(content)).decode()

    def _read(self, written: str) -> Ticket | None:
        try:
            raw = base64.b64decode(written, altchars=b"-_", validate=True)
        except ValueError:
            return None
        content, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(content) != 8 + _NONCE_BYTES or not hmac.compare_digest(mac, self._mac(content)):
            return None
        return Ticket(int.from_bytes(content[:8], "big") / 1000, content[8:])

    def _mac(self, content: bytes) -> bytes:
        return hmac.digest(self._key, content, "sha256")[:_MAC_BYTES]
