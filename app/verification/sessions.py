"""Sessions: the bearer of a token has verified the identifiers in its session.

A token has 256 bits. It is expanded to the locator of the session's row and to the key that encrypts the row, so the table alone reveals nothing.
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
_AAD = b"exposure-lookup/1 session"


@dataclass(frozen=True, slots=True)
class VerifiedIdentifier:
    """An identifier that was verified by a one-time code."""

    kind: IdentifierKind
    masked: str
    digest: bytes | None = field(repr=False)
    """None if nothing had been imported yet, so that no digest could be computed."""
    pseudonym: bytes = field(repr=False)
    """See `app.verification.pseudonyms`. Distinguishes identifiers that look the same when masked."""


@dataclass(frozen=True, slots=True)
class Principal:
    """The holder of a session: the identifiers that were verified in it."""

    identifiers: tuple[VerifiedIdentifier, ...]
    expires_at: datetime
    session_key: bytes = field(repr=False)
    """Secret of this session. It keys the ids that are valid within the session only."""


class SessionService:
    """Creates, reads, replaces and revokes sessions.

    Args:
        lifetime: of a session; adding identifiers does not extend it.
    """

    def __init__(self, lifetime: timedelta) -> None:
        self._lifetime = lifetime

    def create(self, db: Session, identifier: VerifiedIdentifier, *, now: datetime) -> tuple[str, datetime]:
        """Create a session; return its token, which is not stored, and its expiry."""
        expires_at = now + self._lifetime
        return _store(db, (identifier,), expires_at), expires_at

    def get(self, db: Reader, token: str, *, now: datetime) -> Principal:
        """Return the holder of *token*.

        Raises:
            NotSignedIn: the session is unknown or has ended.
        """
        derived = _derive_keys(token)
        return _decrypt(derived, *_require_active(queries.get_session(db, derived.locator), now))

    def add_identifier(
        self, db: Session, token: str, identifier: VerifiedIdentifier, *, now: datetime
    ) -> tuple[str, datetime]:
        """Replace a session by one that also holds *identifier*, with the same expiry. Return its token and expiry; *token* is invalid from now on.

        A client that knew the token before, for example because it planted the token in somebody's browser, must not see what is added. Of concurrent
        calls with one token, one succeeds.

        Raises:
            NotSignedIn: the session is unknown or has ended.
            TooManyIdentifiers: the session already holds `MAX_IDENTIFIERS` others.
        """
        derived = _derive_keys(token)
        principal = _decrypt(derived, *_require_active(queries.delete_session(db, derived.locator), now))
        others = tuple(other for other in principal.identifiers if other.pseudonym != identifier.pseudonym)
        if len(others) >= MAX_IDENTIFIERS:
            raise TooManyIdentifiers(f"a session holds at most {MAX_IDENTIFIERS} identifiers")
        return _store(db, (*others, identifier), principal.expires_at), principal.expires_at

    def revoke(self, db: Session, token: str, *, now: datetime) -> None:
        """End a session.

        Raises:
            NotSignedIn: the session is unknown or has ended already.
        """
        _require_active(queries.delete_session(db, _derive_keys(token).locator), now)


def _derive_keys(token: str) -> DerivedKeys:
    return derive_token_keys(token.encode(), "session")


def _require_active(row: tuple[bytes, datetime] | None, now: datetime) -> tuple[bytes, datetime]:
    if row is None or row[1] <= now:
        raise NotSignedIn("the session is unknown or has ended")
    return row


def _store(db: Session, identifiers: tuple[VerifiedIdentifier, ...], expires_at: datetime) -> str:
    """Insert a session under a new token; return the token."""
    token = secrets.token_urlsafe(TOKEN_BYTES)
    derived = _derive_keys(token)
    queries.add_session(db, derived.locator, _encrypt(derived, identifiers), expires_at)
    return token


def _encrypt(derived: DerivedKeys, identifiers: tuple[VerifiedIdentifier, ...]) -> bytes:
    content = [
        [identifier.kind, identifier.masked, identifier.digest and identifier.digest.hex(), identifier.pseudonym.hex()]
        for identifier in identifiers
    ]
    return encrypt_json(derived.key, content, aad=_AAD)


def _decrypt(derived: DerivedKeys, ciphertext: bytes, expires_at: datetime) -> Principal:
    try:
        identifiers = tuple(
            VerifiedIdentifier(kind, masked, digest and bytes.fromhex(digest), bytes.fromhex(pseudonym))
            for kind, masked, digest, pseudonym in decrypt_json(derived.key, ciphertext, aad=_AAD)
        )
    except (DecryptionFailed, ValueError):  # ValueError: written by a release with another format
        raise NotSignedIn("the session cannot be decrypted") from None
    return Principal(identifiers, expires_at, derived.key)
