"""The outbox: a message is written in the unit of work that made its code, and sent afterwards, by whichever worker comes first.

A worker that dies while sending leaves the message to the next once `LEASE` is over: a code may come twice, but is not lost.
"""

from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from app.clock import Clock
from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.row_sealing import DecryptionFailed
from app.crypto.keys import ApplicationKey
from app.db import Database
from app.delivery import queries
from app.delivery.senders import Channel, Message, Sender, SendFailed

Outcome = Literal["sent", "withheld", "failed", "expired"]
"""Of a message: taken by a provider, held back by a budget, not taken this time, not taken in time."""
LEASE = timedelta(seconds=60)
_ABOUT = b"exposure-lookup/1 outbox"


class Outbox:
    """Messages on their way."""

    def __init__(
        self,
        secret: ApplicationKey,
        undelivered: Callable[[Message, datetime], object] = lambda *_: None,
        told: Callable[[Channel, Outcome], object] = lambda *_: None,
    ) -> None:
        """Know the key, and whom to tell.

        Args:
            secret: the application's.
            undelivered: is told of a message that was not delivered before it expired.
            told: is told what came of each message, each time that it was tried.
        """
        self._key = secret.subkey("outbox")
        self._undelivered = undelivered
        self._told = told

    def put(self, db: Session, message: Message, *, send: bool, now: datetime, expires_at: datetime) -> None:
        """Write a message in the caller's unit of work; one that must not be sent as well, so that both are the same work."""
        sealed = encrypt_json(self._key, [asdict(message), send], aad=_ABOUT)
        queries.add(db, sealed, now, expires_at)

    def erase_expired(self, db: Session, *, now: datetime) -> None:
        """Forget the messages whose code is no longer good: those that no provider took."""
        for sealed in queries.remove_expired(db, now):
            try:
                fields, send = decrypt_json(self._key, sealed, aad=_ABOUT)
            except DecryptionFailed:
                continue
            if send:
                message = Message(**fields)
                self._told(message.channel, "expired")
                self._undelivered(message, now)

    def deliver_due(self, database: Database, sender: Sender, clock: Clock) -> int:
        """Send what is due; gives how many messages were sent.

        Raises:
            DatabaseUnavailable: the database failed; what was not sent stays.
        """
        with database.read() as db:
            if not queries.any_due(db, clock()):
                return 0
        with database.write() as db:
            self.erase_expired(db, now=clock())
        sent, delivered = 0, None
        while True:
            now = clock()
            with database.write() as db:
                if delivered is not None:
                    queries.remove(db, delivered)
                claimed = queries.claim(db, now, now + LEASE)
            if claimed is None:
                return sent
            number, sealed = claimed
            delivered = None
            try:
                fields, send = decrypt_json(self._key, sealed, aad=_ABOUT)
            except DecryptionFailed:
                continue
            message = Message(**fields)
            if send:
                try:
                    sender.send(message)
                except SendFailed:
                    self._told(message.channel, "failed")
                    continue
                sent += 1
            self._told(message.channel, "sent" if send else "withheld")
            delivered = number
