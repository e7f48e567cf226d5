"""The signed catalogue: without the signing key, a writer of the database cannot change what people are told (decision 0036).

One signed list holds a fingerprint of every incident, notice, data set and of the key derivation parameters. The commands that change one of them
sign the list again, in the same transaction. A server compares list and rows once for each catalog version.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from sqlalchemy.orm import Session

from app.crypto.keys import SigningKey
from app.datasets import catalog_queries
from app.datasets.errors import CatalogInvalid, StateConflict
from app.db import VersionedCache, as_utc

CATALOG_TYPE = "exposure-lookup/1 catalog"
"""Part of the signed content."""
UNSIGNED = "the catalogue is not signed: run `exposure db sign`"
_MAX_NAMED = 5


@dataclass(frozen=True, slots=True)
class SignedCatalog:
    """The signed list."""

    sequence: int
    """Rises with each signature; at least the time in seconds since 1970, so that it also rises after a restored backup."""
    entries: Mapping[str, str]
    """SHA-256 by the name of an incident, notice version, data set, or the key derivation parameters."""

    def sign(self, key: SigningKey) -> tuple[bytes, bytes]:
        """Return the list as RFC 8785 JSON and its Ed25519 signature."""
        payload = rfc8785.dumps({"type": CATALOG_TYPE, "sequence": self.sequence, "entries": dict(self.entries)})
        return payload, _private_key(key).sign(payload)


class CatalogVerifier:
    """Compares the catalogue with its signature, once for each catalog version.

    It remembers the highest sequence, and so notices an older catalogue with its own signature, as long as the process runs.

    Args:
        public_key: of the signatures.
    """

    def __init__(self, public_key: Ed25519PublicKey) -> None:
        self._public_key = public_key
        self._newest = 0
        self._problem = VersionedCache(self._find_problem)

    def __call__(self, db: Session) -> None:
        """Check the catalogue as of the snapshot *db*.

        Raises:
            CatalogInvalid: it was changed without the signing key, or is older than one that this process has seen.
        """
        if problem := self._problem(db):
            raise CatalogInvalid(problem)

    def _find_problem(self, db: Session) -> str:
        signed, problem = check_catalog(db, self._public_key)
        if problem:
            return problem
        sequence = 0 if signed is None else signed.sequence
        if sequence < self._newest:
            return "an older catalogue took the place of a newer one; after restoring a backup, restart the servers"
        self._newest = sequence
        return ""


def public_key_of(key: SigningKey) -> Ed25519PublicKey:
    """Return the key that verifies the signatures of the catalogue."""
    return _private_key(key).public_key()


def check_catalog(db: Session, public_key: Ed25519PublicKey) -> tuple[SignedCatalog | None, str]:
    """Compare the catalogue with its signed list. Return the list, if its signature is valid, and the problem; empty if there is none.

    A new database has an empty catalogue without a signature.
    """
    stored = catalog_queries.get_signed_catalog(db)
    if stored is None or not any(stored):
        return None, UNSIGNED if stored is None or _fingerprints(db) else ""
    signed = _read_signed(*stored, public_key)
    if signed is None:
        return None, "the catalogue's signature is invalid"
    differences = list(_list_differences(signed.entries, _fingerprints(db)))
    if not differences:
        return signed, ""
    further = f" and {len(differences) - _MAX_NAMED} more" if len(differences) > _MAX_NAMED else ""
    return signed, f"the catalogue differs from its signature: {', '.join(differences[:_MAX_NAMED])}{further}"


@contextmanager
def signed_change(db: Session, key: SigningKey, *, now: datetime) -> Iterator[None]:
    """Check the catalogue, and sign it again after the block has changed it. Other changes wait until the caller commits.

    Raises:
        StateConflict: it was changed without the signing key, which must not be signed unseen.
    """
    catalog_queries.lock_signed_catalog(db)
    signed, problem = check_catalog(db, public_key_of(key))
    if problem:
        raise StateConflict(f"{problem}{'' if problem == UNSIGNED else '; see `exposure db sign --help`'}")
    yield
    _sign(db, key, signed, now)


def sign_as_is(db: Session, key: SigningKey, *, now: datetime, accept_changes: bool = False) -> bool:
    """Sign the catalogue as it is. Return whether that was needed.

    Args:
        db: the write transaction.
        key: signs.
        now: the time.
        accept_changes: sign even what differs from the last signature.

    Raises:
        StateConflict: it differs from its signature, and *accept_changes* is false.
    """
    catalog_queries.lock_signed_catalog(db)
    signed, problem = check_catalog(db, public_key_of(key))
    if not problem:
        return False
    if problem != UNSIGNED and not accept_changes:
        raise StateConflict(f"{problem}. Find out who changed it; if it is right as it is, use --accept-changes")
    _sign(db, key, signed, now)
    return True


def _sign(db: Session, key: SigningKey, previous: SignedCatalog | None, now: datetime) -> None:
    db.flush()
    sequence = max(0 if previous is None else previous.sequence + 1, int(now.timestamp()))
    catalog_queries.save_signed_catalog(db, *SignedCatalog(sequence, _fingerprints(db)).sign(key))


def _read_signed(payload: bytes, signature: bytes, public_key: Ed25519PublicKey) -> SignedCatalog | None:
    try:
        public_key.verify(signature, payload)
        content = json.loads(payload)
        content_type, signed = content.pop("type"), SignedCatalog(**content)
    except (InvalidSignature, ValueError, LookupError, TypeError, AttributeError):
        return None
    return signed if content_type == CATALOG_TYPE else None


def _fingerprints(db: Session) -> dict[str, str]:
    return {
        name: hashlib.sha256(rfc8785.dumps(_to_json(columns))).hexdigest()
        for name, columns in catalog_queries.list_signed_rows(db)
    }


def _list_differences(signed: Mapping[str, str], actual: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(signed.keys() | actual.keys()):
        if name not in actual:
            yield f"{name} is missing"
        elif name not in signed:
            yield f"{name} was added"
        elif signed[name] != actual[name]:
            yield f"{name} was changed"


def _to_json(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Convert a row. NULL is left out, so that a later migration can add a column without making signatures invalid."""
    return {name: _to_json_value(value) for name, value in columns.items() if value is not None}


def _to_json_value(value: Any) -> Any:  # noqa: ANN401  any column
    match value:
        case bytes() | memoryview():
            return bytes(value).hex()
        case UUID():
            return str(value)
        case datetime():
            return as_utc(value).isoformat()
        case _:
            return value


def _private_key(key: SigningKey) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(key.subkey("catalog"))
