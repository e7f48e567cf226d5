"""The one-time code: asked for, sent again, confirmed.

8 digits of the operating system's randomness, good for some minutes, for five tries, for one use, and only together with the client secret that the
asker alone was given. Another person's asking for the same identifier neither ends nor betrays a verification: each stands by itself.

Where a code may not be sent (`app.rate_limits`), everything is done as if it were, and no code fits: what was not sent cannot be guessed.
"""

import hmac
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import UUID, uuid4

from sqlalchemy import Row
from sqlalchemy.orm import Session

from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.key_derivation import DerivedKeys, derive_token_keys
from app.crypto.framing import frame
from app.crypto.keys import ApplicationKey
from app.delivery import Message, Outbox
from app.identifiers import IdentifierKind
from app.locales import Locale
from app.keyholder import KeyholderClient
from app.verification import queries
from app.verification.errors import ResendTooSoon, UnknownVerification, VerificationEnded
from app.verification.models import VerificationRow
from app.verification.sessions import Principal, VerifiedIdentifier, SessionService
from app.verification.destination import Destination

CODE_LENGTH = 8
MAX_TRIES = 5
RESEND_DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 5, 10))
"""How long after each code the next may be asked for."""
MAX_SENDS = 1 + len(RESEND_DELAYS)
RETENTION = timedelta(days=1)
OPT_OUT_PERIOD = timedelta(days=90)
"""A phone number may be another's by then."""
CODE_MAC_BYTES = 32


class IdentifierHasher(Protocol):
    """Makes the digest of an identifier; none while nothing was imported."""

    def digest(self, db: Session, kind: IdentifierKind, canonical: str) -> bytes | None:
        """Digest a canonical form."""


@dataclass(frozen=True, slots=True)
class VerificationStarted:
    """A code is on its way, or so everybody is told."""

    id: UUID
    destination: Destination
    expires_at: datetime
    resend_at: datetime
    client_secret: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class VerificationConfirmed:
    """The identifier is proven."""

    destination: Destination
    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class WrongCode:
    """A try was spent on a code that is not the one. Returned, not raised: it is committed."""

    destination: Destination
    tries_left: int


class VerificationService:
    """Asking for codes and confirming them."""

    def __init__(
        self,
        secret: ApplicationKey,
        outbox: Outbox,
        sessions: SessionService,
        keyholder: KeyholderClient,
        digester: IdentifierHasher,
        lifetime: timedelta,
    ) -> None:
        self._codes = secret.subkey("codes")
        self._targets = secret.subkey("targets")
        self._outbox = outbox
        self._sessions = sessions
        self._keyholder = keyholder
        self._digester = digester
        self._lifetime = lifetime

    def start(self, db: Session, destination: Destination, locale: Locale, *, send: bool, now: datetime) -> VerificationStarted:
        """Ask for a code. The store is not read, so the answer is the same for everyone.

        Args:
            session: the unit of work.
            target: whom to send it to.
            locale: of the message.
            send: whether the budgets let it out.
            now: aware.
        """
        number = uuid4()
        client_secret = secrets.token_urlsafe(32)
        place = _place(number, client_secret)
        code, expires_at = self._send(db, number, destination, locale, send=send, now=now)
        queries.add(
            db,
            locator=place.locator,
            target=encrypt_json(place.key, [destination.channel, destination.address, locale], aad=number.bytes),
            code=code,
            tries_left=MAX_TRIES,
            resends_left=MAX_SENDS - 1,
            expires_at=expires_at,
        )
        return VerificationStarted(number, destination, expires_at, now + RESEND_DELAYS[0], client_secret)

    def destination(self, db: Session, number: UUID, client_secret: str, *, now: datetime) -> Destination:
        """Say whom another code would be sent to.

        Raises:
            UnknownVerification: no such verification with this secret.
            VerificationEnded: used, expired, out of tries, or sent too often.
            ResendTooSoon: the last one has only just been sent.
        """
        place = _place(number, client_secret)
        return self._resendable(queries.look(db, place.locator), number, place, now)[0]

    def resend(self, db: Session, number: UUID, client_secret: str, *, send: bool, now: datetime) -> VerificationStarted:
        """Send a new code; the one before is void.

        Raises:
            UnknownVerification, VerificationEnded, ResendTooSoon: as for `target`.
        """
        place = _place(number, client_secret)
        row = queries.hold(db, place.locator)
        destination, locale = self._resendable(row, number, place, now)
        assert row is not None  # noqa: S101  narrowed for mypy: it is the asker's
        row.code, row.expires_at = self._send(db, number, destination, locale, send=send, now=now)
        row.tries_left = MAX_TRIES
        row.resends_left -= 1
        resend_at = now + RESEND_DELAYS[MAX_SENDS - 1 - row.resends_left] if row.resends_left else row.expires_at
        return VerificationStarted(number, destination, row.expires_at, resend_at, client_secret)

    def confirm(
        self, db: Session, number: UUID, client_secret: str, code: str, *, token: str | None = None, now: datetime
    ) -> VerificationConfirmed | WrongCode:
        """Confirm a code.

        1. The keyholder answers; otherwise neither a try nor the code is spent.
        2. The verification is the asker's, and a try is counted, whatever comes of it.
        3. It has not ended.
        4. The code is compared in constant time.
        5. The keyholder's answer on the identifier is stretched to its digest.
        6. The code is used up, the target erased, and the session opened, or the identifier added to the one of *token*.

        A failure on the way ends in an exception, so the unit of work is rolled back as a whole and nothing is spent.

        Raises:
            UnknownVerification: no such verification with this secret.
            VerificationEnded: used, expired, or out of tries.
            NotSignedIn: *token* is of no session.
            TooManyIdentifiers: that session is full.
            DependencyUnavailable: the keyholder or the database failed.
        """
        self._keyholder.ping()  # (1)
        place = _place(number, client_secret)
        row = queries.take_try(db, place.locator)  # (2)
        destination, _ = _opened(row, number, place, now)  # (3)
        if row is None or row.tries_left < 0:
            raise VerificationEnded("no tries are left")
        if not hmac.compare_digest(row.code, self._code_mac(number, code)):  # (4)
            if row.tries_left == 0:
                queries.end(db, place.locator)
            return WrongCode(destination, row.tries_left)
        identifier = self._prove(db, destination)  # (5)
        queries.end(db, place.locator)  # (6)
        if token is None:
            return VerificationConfirmed(destination, *self._sessions.open(db, identifier, now=now))
        return VerificationConfirmed(destination, token, self._sessions.add(db, token, identifier, now=now))

    def stop(self, db: Session, principal: Principal, *, now: datetime) -> datetime:
        """Send no more codes to whatever this session has proven; gives until when.

        Nobody else can say so, and nobody is told: who asks for one is answered as ever.
        """
        until = now + OPT_OUT_PERIOD
        for one in principal.identifiers:
            queries.stop(db, one.target, until)
        return until

    def erase_expired(self, db: Session, *, now: datetime) -> None:
        """Erase what time has ended."""
        queries.erase_expired(db, now, RETENTION)

    def _send(
        self, db: Session, number: UUID, destination: Destination, locale: Locale, *, send: bool, now: datetime
    ) -> tuple[bytes, datetime]:
        """Put a code on its way; gives what is kept of it, and when it ends."""
        expires_at = now + self._lifetime
        stopped = queries.is_stopped(db, self._name(destination), now)
        message = Message(destination.channel, destination.address, _new_code(), locale)
        sent = send and not stopped
        self._outbox.put(db, message, send=sent, now=now, expires_at=expires_at)
        kept, none_fits = self._code_mac(number, message.code), secrets.token_bytes(CODE_MAC_BYTES)
        return (kept if sent else none_fits), expires_at

    def _resendable(
        self, row: VerificationRow | None, number: UUID, place: DerivedKeys, now: datetime
    ) -> tuple[Destination, Locale]:
        opened = _opened(row, number, place, now)
        if row is None or row.resends_left <= 0:
            raise VerificationEnded("no more codes are sent for this verification")
        sent_at = row.expires_at - self._lifetime
        wait = sent_at + RESEND_DELAYS[MAX_SENDS - 1 - row.resends_left] - now
        if wait > timedelta(0):
            raise ResendTooSoon(wait)
        return opened

    def _prove(self, db: Session, destination: Destination) -> VerifiedIdentifier:
        digest = self._digester.digest(db, destination.kind, destination.address)
        return VerifiedIdentifier(destination.kind, destination.masked, digest, self._name(destination))

    def _name(self, destination: Destination) -> bytes:
        return hmac.digest(self._targets, frame(destination.channel.encode(), destination.address.encode()), "sha256")[:16]

    def _code_mac(self, number: UUID, code: str) -> bytes:
        return hmac.digest(self._codes, frame(number.bytes, code.encode()), "sha256")


def _opened(row: VerificationRow | Row[Any] | None, number: UUID, place: DerivedKeys, now: datetime) -> tuple[Destination, Locale]:
    """Open the target of a verification of the asker's, if it has not ended."""
    if row is None:
        raise UnknownVerification("no such verification with this client secret")
    if row.target is None or row.expires_at <= now:
        raise VerificationEnded("the verification was used, has expired, or is out of tries")
    channel, to, locale = decrypt_json(place.key, row.target, aad=number.bytes)
    return Destination(channel, to), locale


def _place(number: UUID, client_secret: str) -> DerivedKeys:
    return derive_token_keys(client_secret.encode(), f"verification {number}")


def _new_code() -> str:
    return f"{secrets.randbelow(10**CODE_LENGTH):0{CODE_LENGTH}}"
