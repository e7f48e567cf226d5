"""The one-time code: requested, sent again, confirmed.

A code is 8 random digits. It is valid for some minutes, for five tries and one use, and only with the client secret that its requester received.
Verifications are independent: a second request for the same identifier neither ends nor reveals the first.

Text that cannot be a code costs no try: people mistype, and nothing can be guessed with it.

If a code may not be sent (see `app.rate_limits`), all the same work is done, but no code will match: a code that was not sent cannot be guessed.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import Row
from sqlalchemy.orm import Session

from app.crypto.framing import frame
from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.key_derivation import DerivedKeys, derive_token_keys
from app.crypto.keys import ApplicationKey
from app.delivery import Message, Outbox
from app.identifiers import IdentifierKind
from app.keyholder import KeyholderClient
from app.locales import Locale
from app.verification import queries
from app.verification.code import CODE_LENGTH, read_code
from app.verification.destination import Destination
from app.verification.errors import ResendTooSoon, UnknownVerification, VerificationEnded
from app.verification.models import VerificationRow
from app.verification.sessions import Principal, SessionService, VerifiedIdentifier

MAX_TRIES = 5
RESEND_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10))
"""How long after each code the next may be requested."""
MAX_SENDS = 1 + len(RESEND_DELAYS)
RETENTION = timedelta(days=1)
"""How long a verification's row is kept after its expiry."""
OPT_OUT_PERIOD = timedelta(days=90)
"""After this time a phone number may belong to somebody else."""
CODE_MAC_BYTES = 32


class IdentifierHasher(Protocol):
    """Computes the digest of an identifier: its keyed, stretched hash."""

    def digest(self, db: Session, kind: IdentifierKind, canonical: str, /) -> bytes | None:
        """Return the digest of a canonical identifier; None if nothing has been imported yet."""


@dataclass(frozen=True, slots=True)
class VerificationStarted:
    """The response to a code request. It is the same whether or not the code is sent."""

    id: UUID
    destination: Destination
    expires_at: datetime
    resend_at: datetime
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerificationConfirmed:
    """The code was correct: the identifier is verified."""

    destination: Destination
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WrongCode:
    """The code was incorrect, and a try was used. Returned rather than raised, so that the transaction commits."""

    destination: Destination
    tries_left: int


@dataclass(frozen=True, slots=True)
class MalformedCode:
    """What was typed cannot be a code. It was compared with nothing, and no try was used."""

    tries_left: int


class VerificationService:
    """Sends and confirms one-time codes."""

    def __init__(
        self,
        application_key: ApplicationKey,
        outbox: Outbox,
        sessions: SessionService,
        keyholder: KeyholderClient,
        hasher: IdentifierHasher,
        lifetime: timedelta,
    ) -> None:
        self._code_key = application_key.subkey("codes")
        self._outbox = outbox
        self._sessions = sessions
        self._keyholder = keyholder
        self._hasher = hasher
        self._lifetime = lifetime

    def start(
        self, db: Session, destination: Destination, locale: Locale, *, send: bool, now: datetime
    ) -> VerificationStarted:
        """Send a code. The sealed store is not read, so the response does not depend on whether a person is affected.

        Args:
            db: the write transaction.
            destination: where to send it.
            locale: language of the message.
            send: whether the rate limits allow sending.
            now: aware.
        """
        verification_id = uuid4()
        client_secret = secrets.token_urlsafe(32)
        derived = _derive_keys(verification_id, client_secret)
        code_mac, expires_at = self._send_code(db, verification_id, destination, locale, send=send, now=now)
        content = [destination.channel, destination.address, destination.pseudonym.hex(), locale]
        queries.add_verification(
            db,
            locator=derived.locator,
            ciphertext=encrypt_json(derived.key, content, aad=verification_id.bytes),
            code_mac=code_mac,
            tries_left=MAX_TRIES,
            resends_left=MAX_SENDS - 1,
            expires_at=expires_at,
        )
        return VerificationStarted(verification_id, destination, expires_at, now + RESEND_DELAYS[0], client_secret)

    def resend_destination(
        self, db: Session, verification_id: UUID, client_secret: str, *, now: datetime
    ) -> Destination:
        """Return where another code would be sent.

        Raises:
            UnknownVerification: no verification has this id and client secret.
            VerificationEnded: it was used, has expired, or has no tries or resends left.
            ResendTooSoon: the previous code was sent too recently.
        """
        derived = _derive_keys(verification_id, client_secret)
        row = queries.get_verification(db, derived.locator)
        return self._require_resendable(row, verification_id, derived, now)[0]

    def resend(
        self, db: Session, verification_id: UUID, client_secret: str, *, send: bool, now: datetime
    ) -> VerificationStarted:
        """Send a new code, which replaces the previous one.

        Raises:
            UnknownVerification, VerificationEnded, ResendTooSoon: as for `resend_destination`.
        """
        derived = _derive_keys(verification_id, client_secret)
        row = queries.get_verification_for_update(db, derived.locator)
        destination, locale = self._require_resendable(row, verification_id, derived, now)
        assert row is not None  # noqa: S101  narrowed for mypy: the call above raises otherwise
        row.code_mac, row.expires_at = self._send_code(db, verification_id, destination, locale, send=send, now=now)
        row.tries_left = MAX_TRIES
        row.resends_left -= 1
        resend_at = now + RESEND_DELAYS[MAX_SENDS - 1 - row.resends_left] if row.resends_left else row.expires_at
        return VerificationStarted(verification_id, destination, row.expires_at, resend_at, client_secret)

    def confirm(
        self,
        db: Session,
        verification_id: UUID,
        client_secret: str,
        code: str,
        *,
        token: str | None = None,
        now: datetime,
    ) -> VerificationConfirmed | WrongCode | MalformedCode:
        """Confirm a code, as typed.

        1. Check that the keyholder responds; otherwise neither a try nor the code is used up.
        2. Find the verification by its id and client secret, and use up one try, unless the text cannot be a code.
        3. Check that it has not ended.
        4. Compare the code in constant time.
        5. Compute the identifier's digest with the keyholder.
        6. End the verification, erasing the destination. Create a session; if *token* is given,
           with the identifiers of its session, which ends.

        Any failure raises, so the whole transaction is rolled back and nothing is used up.

        Raises:
            UnknownVerification: no verification has this id and client secret.
            VerificationEnded: it was used, has expired, or has no tries left.
            NotSignedIn: the session of *token* is unknown or has ended.
            TooManyIdentifiers: that session is full.
            DependencyUnavailable: the keyholder or the database failed.
        """
        self._keyholder.ping()  # (1)
        derived = _derive_keys(verification_id, client_secret)
        digits = read_code(code, CODE_LENGTH)
        row = (queries.get_verification if digits is None else queries.consume_try)(db, derived.locator)  # (2)
        destination, _ = _decrypt(row, verification_id, derived, now)  # (3)
        if row is None or row.tries_left < 0:
            raise VerificationEnded("no tries are left")
        if digits is None:
            return MalformedCode(row.tries_left)
        if not hmac.compare_digest(row.code_mac, self._code_mac(verification_id, digits)):  # (4)
            if row.tries_left == 0:
                queries.end_verification(db, derived.locator)
            return WrongCode(destination, row.tries_left)
        identifier = self._verified_identifier(db, destination)  # (5)
        queries.end_verification(db, derived.locator)  # (6)
        if token is None:
            return VerificationConfirmed(destination, *self._sessions.create(db, identifier, now=now))
        return VerificationConfirmed(destination, *self._sessions.add_identifier(db, token, identifier, now=now))

    def opt_out(self, db: Session, principal: Principal, *, now: datetime) -> datetime:
        """Send no more codes to the principal's identifiers; return until when.

        Only their owner can opt out, and the opt-out is not revealed: a later code request gets the usual response.
        """
        until = now + OPT_OUT_PERIOD
        queries.save_opt_outs(db, {identifier.pseudonym for identifier in principal.identifiers}, until)
        return until

    def erase_expired(self, db: Session, *, now: datetime) -> None:
        """Erase expired destinations, and delete rows that are no longer needed."""
        queries.erase_expired(db, now, RETENTION)

    def _send_code(
        self, db: Session, verification_id: UUID, destination: Destination, locale: Locale, *, send: bool, now: datetime
    ) -> tuple[bytes, datetime]:
        """Put a new code into the outbox; return the MAC to store, and the code's expiry."""
        expires_at = now + self._lifetime
        opted_out = queries.is_opted_out(db, destination.pseudonym, now)
        message = Message(destination.channel, destination.address, _new_code(), locale, destination.pseudonym)
        sent = send and not opted_out
        self._outbox.enqueue(db, message, send=sent, now=now, expires_at=expires_at)
        # Both are computed in either case, so that the response time is the same.
        code_mac, unmatchable = self._code_mac(verification_id, message.code), secrets.token_bytes(CODE_MAC_BYTES)
        return (code_mac if sent else unmatchable), expires_at

    def _require_resendable(
        self, row: VerificationRow | None, verification_id: UUID, derived: DerivedKeys, now: datetime
    ) -> tuple[Destination, Locale]:
        content = _decrypt(row, verification_id, derived, now)
        if row is None or row.resends_left <= 0:
            raise VerificationEnded("no more codes are sent for this verification")
        sent_at = row.expires_at - self._lifetime
        wait = sent_at + RESEND_DELAYS[MAX_SENDS - 1 - row.resends_left] - now
        if wait > timedelta(0):
            raise ResendTooSoon(wait)
        return content

    def _verified_identifier(self, db: Session, destination: Destination) -> VerifiedIdentifier:
        digest = self._hasher.digest(db, destination.kind, destination.address)
        return VerifiedIdentifier(destination.kind, destination.masked, digest, destination.pseudonym)

    def _code_mac(self, verification_id: UUID, code: str) -> bytes:
        return hmac.digest(self._code_key, frame(verification_id.bytes, code.encode()), "sha256")


def _decrypt(
    row: VerificationRow | Row[Any] | None, verification_id: UUID, derived: DerivedKeys, now: datetime
) -> tuple[Destination, Locale]:
    """Decrypt the destination and locale of a verification that has not ended."""
    if row is None:
        raise UnknownVerification("no verification has this id and client secret")
    if row.ciphertext is None or row.expires_at <= now:
        raise VerificationEnded("the verification was used, has expired, or has no tries left")
    channel, address, pseudonym, locale = decrypt_json(derived.key, row.ciphertext, aad=verification_id.bytes)
    return Destination(channel, address, bytes.fromhex(pseudonym)), locale


def _derive_keys(verification_id: UUID, client_secret: str) -> DerivedKeys:
    return derive_token_keys(client_secret.encode(), f"verification {verification_id}")


def _new_code() -> str:
    return f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}}"
