"""Sessions: who holds the token is who proved the identifiers in it.

The token is 256 bits. The table knows where a session lies only by what the token expands to, and each session is sealed under the other half of
that expansion, so a stolen table opens nothing.
"""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.key_derivation import DerivedKeys, derive_token_keys
from app.crypto.row_sealing import DecryptionFailed
from app.db import Reader
from app.identifiers import IdentifierKind
from app.verification import queries
from app.verification.errors import NotSignedIn, TooManyIdentifiers

MAX_IDENTIFIERS = 10
TOKEN_BYTES = 32
_ABOUT = b"exposure-lookup/1 session"


@dataclass(frozen=True, slots=True)
class VerifiedIdentifier:
    """An identifier that was proven; without a digest where nothing had been imported yet, so that it could not be made."""

    kind: IdentifierKind
    masked: str
    digest: bytes | None = field(repr=False)
    destination: bytes = field(repr=False)
    """The name of the target that proved it, keyed by the application secret: tells it from another that looks the same masked."""


@dataclass(frozen=True, slots=True)
class Principal:
    """What a session's holder has proven."""

    identifiers: tuple[VerifiedIdentifier, ...]
    expires_at: datetime
    key: bytes = field(repr=False)
    """Of this session alone: for names of things that mean nothing outside of it."""


class SessionService:
    """The sessions of a deployment."""

    def __init__(self, lifetime: timedelta) -> None:
        self._lifetime = lifetime

    def open(self, db: Session, identifier: VerifiedIdentifier, *, now: datetime) -> tuple[str, datetime]:
        """Open a session; gives its token, which is kept nowhere, and when it ends."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        place = _place(token)
        expires_at = now + self._lifetime
        queries.add_session(db, place.locator, _seal(place, (identifier,)), expires_at)
        return token, expires_at

    def read(self, db: Reader, token: str, *, now: datetime) -> Principal:
        """Read who holds *token*.

        Raises:
            NotSignedIn: unknown, or ended.
        """
        place = _place(token)
        return _identity(place, *_live(queries.session_row(db, place.locator), now))

    def add(self, db: Session, token: str, identifier: VerifiedIdentifier, *, now: datetime) -> datetime:
        """Add an identifier to a session, or prove one anew; gives when it ends.

        Raises:
            NotSignedIn: unknown, or ended.
            TooManyIdentifiers: it holds as many as it may.
        """
        place = _place(token)
        row = queries.locked_session(db, place.locator)
        if row is None:
            raise NotSignedIn("no session, or it has ended")
        known = _identity(place, *_live((row.sealed, row.expires_at), now))
        others = tuple(one for one in known.identifiers if one.target != identifier.target)
        if len(others) >= MAX_IDENTIFIERS:
            raise TooManyIdentifiers(f"a session holds {MAX_IDENTIFIERS} identifiers")
        row.sealed = _seal(place, (*others, identifier))
        return known.expires_at

    def end(self, db: Session, token: str, *, now: datetime) -> None:
        """End a session.

        Raises:
            NotSignedIn: unknown, or ended.
        """
        place = _place(token)
        _live(queries.session_row(db, place.locator), now)
        queries.remove_session(db, place.locator)


def _place(token: str) -> DerivedKeys:
    return derive_token_keys(token.encode(), "session")


def _live(row: tuple[bytes, datetime] | None, now: datetime) -> tuple[bytes, datetime]:
    if row is None or row[1] <= now:
        raise NotSignedIn("no session, or it has ended")
    return row


def _seal(place: DerivedKeys, identifiers: tuple[VerifiedIdentifier, ...]) -> bytes:
    content = [[one.kind, one.masked, one.digest and one.digest.hex(), one.target.hex()] for one in identifiers]
    return encrypt_json(place.key, content, aad=_ABOUT)


def _identity(place: DerivedKeys, sealed: bytes, expires_at: datetime) -> Principal:
    try:
        identifiers = tuple(
            VerifiedIdentifier(kind, masked, digest and bytes.fromhex(digest), bytes.fromhex(destination))
            for kind, masked, digest, destination in decrypt_json(place.key, sealed, aad=_ABOUT)
        )
    except (DecryptionFailed, ValueError):  # or of a release that kept something else
        raise NotSignedIn("the session does not open") from None
    return Principal(identifiers, expires_at, place.key)
