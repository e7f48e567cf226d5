"""The outbox: a message is written in the transaction that creates its code, and sent afterwards by any worker.

Messages are encrypted under the key ratchet: their keys are destroyed within two hours of their expiry, so copies of deleted rows cannot be read.

If a worker dies while sending, its lease expires after `LEASE` and another worker sends the message: a code may arrive twice, but is not lost.
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy.orm import Session

from app.clock import Clock
from app.crypto.key_ratchet import EpochUnavailable, KeyRatchet
from app.crypto.row_sealing import DecryptionFailed
from app.db import Database
from app.delivery import queries
from app.delivery.senders import Channel, Message, Sender, SendFailed

Outcome = Literal["sent", "withheld", "failed", "expired"]
"""Of a message: accepted by the sender, held back by a rate limit, rejected by the sender for now, or not accepted before its expiry."""
LEASE = timedelta(seconds=60)
_PURPOSE = "outbox"


class Outbox:
    """Messages waiting to be sent.

    Args:
        key_ratchet: encrypts the messages.
        on_undelivered: called with each message that expired undelivered.
        on_outcome: called with the outcome of each attempt; the channel is None if the message could not be decrypted.
        on_mismatch: called when a message is under another chain of keys than this host's.
    """

    def __init__(
        self,
        key_ratchet: KeyRatchet,
        on_undelivered: Callable[[Message, datetime], object] = lambda *_: None,
        on_outcome: Callable[[Channel | None, Outcome], object] = lambda *_: None,
        on_mismatch: Callable[[datetime], object] = lambda _: None,
    ) -> None:
        self._key_ratchet = key_ratchet
        self._on_undelivered = on_undelivered
        self._on_outcome = on_outcome
        self._on_mismatch = on_mismatch

    def enqueue(self, db: Session, message: Message, *, send: bool, now: datetime, expires_at: datetime) -> None:
        """Write a message in the caller's transaction. A message with *send* false is written too, so that the work is the same."""
        queries.add_message(db, self._encrypt(message, send=send, now=now), now, expires_at)

    def erase_expired(self, database: Database, *, now: datetime) -> None:
        """Delete the messages whose code has expired. Report those that were not delivered once the deletion is committed, so none is counted twice.

        Raises:
            DatabaseUnavailable: the database failed; nothing was deleted or reported.
        """
        with database.write() as db:
            expired = queries.delete_expired(db, now)
        for ciphertext in expired:
            try:
                message, send = self._decrypt(ciphertext, now)
            except DecryptionFailed:
                self._on_outcome(None, "expired")
                continue
            if send:
                self._on_outcome(message.channel, "expired")
                self._on_undelivered(message, now)

    def deliver_due(self, database: Database, sender: Sender, clock: Clock) -> int:
        """Send all due messages; return how many were sent.

        Raises:
            DatabaseUnavailable: the database failed; unsent messages remain.
        """
        with database.read() as db:
            if not queries.has_due(db, clock()):
                return 0
        self.erase_expired(database, now=clock())
        sent, delivered_id = 0, None
        while True:
            now = clock()
            with database.write() as db:
                if delivered_id is not None:
                    queries.delete_message(db, delivered_id)
                claimed = queries.claim_due(db, now, lease_until=now + LEASE)
            if claimed is None:
                return sent
            message_id, ciphertext = claimed
            delivered_id = None
            try:
                message, send = self._decrypt(ciphertext, now)
            except EpochUnavailable:  # for a host that still has the key
                continue
            except DecryptionFailed:
                self._on_mismatch(now)
                continue
            if send:
                try:
                    sender.send(message)
                except SendFailed:
                    self._on_outcome(message.channel, "failed")
                    continue
                sent += 1
            self._on_outcome(message.channel, "sent" if send else "withheld")
            delivered_id = message_id

    def _encrypt(self, message: Message, *, send: bool, now: datetime) -> bytes:
        fields = {
            "channel": message.channel,
            "to": message.address,
            "code": message.code,
            "locale": message.locale,
            "pseudonym": message.pseudonym.hex(),
        }
        return self._key_ratchet.encrypt_json(_PURPOSE, [fields, send], now=now)

    def _decrypt(self, ciphertext: bytes, now: datetime) -> tuple[Message, bool]:
        """Return a message, and whether it is to be sent.

        Raises:
            EpochUnavailable: this host has no key for it.
            DecryptionFailed: it was encrypted under another chain of keys, or changed.
        """
        fields, send = self._key_ratchet.decrypt_json(_PURPOSE, ciphertext, now=now)
        pseudonym = bytes.fromhex(fields["pseudonym"])
        return Message(fields["channel"], fields["to"], fields["code"], fields["locale"], pseudonym), send
