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
from app.verification.errors import NoSession, TooManyIdentifiers

IDENTIFIERS_AT_MOST = 10
TOKEN_BYTES = 32
_ABOUT = b"exposure-lookup/1 session"


@dataclass(frozen=True, slots=True)
class ProvenIdentifier:
    """An identifier that was proven; without a digest where nothing had been imported yet, so that it could not be made."""

    kind: IdentifierKind
    masked: str
    digest: bytes | None = field(repr=False)
    target: bytes = field(repr=False)
    """The name of the target that proved it, keyed by the application secret: tells it from another that looks the same masked."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a session's holder has proven."""

    identifiers: tuple[ProvenIdentifier, ...]
    expires_at: datetime
    key: bytes = field(repr=False)
    """Of this session alone: for names of things that mean nothing outside of it."""


class Sessions:
    """The sessions of a deployment."""

    def __init__(self, lifetime: timedelta) -> None:
        self._lifetime = lifetime

    def open(self, session: Session, identifier: ProvenIdentifier, *, now: datetime) -> tuple[str, datetime]:
        """Open a session; gives its token, which is kept nowhere, and when it ends."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        place = _place(token)
        expires_at = now + self._lifetime
        queries.add_session(session, place.locator, _seal(place, (identifier,)), expires_at)
        return token, expires_at

    def read(self, session: Reader, token: str, *, now: datetime) -> Identity:
        """Read who holds *token*.

        Raises:
            NoSession: unknown, or ended.
        """
        place = _place(token)
        return _identity(place, *_live(queries.session_row(session, place.locator), now))

    def add(self, session: Session, token: str, identifier: ProvenIdentifier, *, now: datetime) -> datetime:
        """Add an identifier to a session, or prove one anew; gives when it ends.

        Raises:
            NoSession: unknown, or ended.
            TooManyIdentifiers: it holds as many as it may.
        """
        place = _place(token)
        row = queries.locked_session(session, place.locator)
        if row is None:
            raise NoSession("no session, or it has ended")
        known = _identity(place, *_live((row.sealed, row.expires_at), now))
        others = tuple(one for one in known.identifiers if one.target != identifier.target)
        if len(others) >= IDENTIFIERS_AT_MOST:
            raise TooManyIdentifiers(f"a session holds {IDENTIFIERS_AT_MOST} identifiers")
        row.sealed = _seal(place, (*others, identifier))
        return known.expires_at

    def end(self, session: Session, token: str, *, now: datetime) -> None:
        """End a session.

        Raises:
            NoSession: unknown, or ended.
        """
        place = _place(token)
        _live(queries.session_row(session, place.locator), now)
        queries.remove_session(session, place.locator)


def _place(token: str) -> DerivedKeys:
    return derive_token_keys(token.encode(), "session")


def _live(row: tuple[bytes, datetime] | None, now: datetime) -> tuple[bytes, datetime]:
    if row is None or row[1] <= now:
        raise NoSession("no session, or it has ended")
    return row


def _seal(place: DerivedKeys, identifiers: tuple[ProvenIdentifier, ...]) -> bytes:
    content = [[one.kind, one.masked, one.digest and one.digest.hex(), one.target.hex()] for one in identifiers]
    return encrypt_json(place.key, content, aad=_ABOUT)


def _identity(place: DerivedKeys, sealed: bytes, expires_at: datetime) -> Identity:
    try:
        identifiers = tuple(
            ProvenIdentifier(kind, masked, digest and bytes.fromhex(digest), bytes.fromhex(target))
            for kind, masked, digest, target in decrypt_json(place.key, sealed, aad=_ABOUT)
        )
    except (DecryptionFailed, ValueError):  # or of a release that kept something else
        raise NoSession("the session does not open") from None
    return Identity(identifiers, expires_at, place.key)
