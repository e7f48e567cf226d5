"""Canaries: identifiers that nobody owns, planted by an import as records like all others, and known again by whoever holds the store key.

What was planted is kept in one sealed note beside the data set, of a size that says little, and there is one where nothing was planted too. A running
server keeps them as MACs under a key of its own process: it knows an identifier again without reading anything, with the same work for everybody.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from sqlalchemy.orm import Session

from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.framing import frame
from app.crypto.key_files import KeyRing, StoreKeyMissing
from app.crypto.row_sealing import DecryptionFailed
from app.crypto.keys import KEY_BYTES, StoreKey
from app.datasets import sealed_rows
from app.db import Database, VersionedCache
from app.identifiers import IdentifierKind

NOTE_BYTES = 4096
"""The least that a note is filled up to, beyond which the next power of two: room for about a hundred identifiers."""
_BETWEEN = " "


def seal_canaries(identifiers: Sequence[str], key: StoreKey, dataset: UUID) -> bytes:
    """Seal the identifiers that were planted, in canonical ASCII form."""
    text = _BETWEEN.join(identifiers)
    size = max(NOTE_BYTES, 1 << (len(text) - 1).bit_length() if text else 0)
    return encrypt_json(key.subkey("canaries"), text.ljust(size), aad=dataset.bytes)


def open_canaries(sealed: bytes, key: StoreKey, dataset: UUID) -> list[str]:
    """Open what `seal_canaries` sealed.

    Raises:
        DecryptionFailed: it is not this data set's.
    """
    text: str = decrypt_json(key.subkey("canaries"), sealed, aad=dataset.bytes)
    return text.split()


def detect_identifier_kind(identifier: str) -> IdentifierKind:
    """Tell a canonical email from a phone."""
    return "email" if "@" in identifier else "phone"


class CanaryIndex:
    """The canaries of all data sets that are not retired, as one process knows them."""

    def __init__(self, keys: KeyRing) -> None:
        """Know none yet: `refresh` reads them."""
        self._keys = keys
        self._key = secrets.token_bytes(KEY_BYTES)
        self._known: Mapping[bytes, str] = {}
        self._remembered = VersionedCache(self._read)

    def refresh(self, database: Database) -> None:
        """Read them where the edition is another than before.

        Raises:
            DependencyUnavailable: the database failed; what was known stays.
        """
        with database.read() as session:
            self._known = self._remembered(session)

    def find_incident(self, kind: IdentifierKind, canonical: str) -> str | None:
        """Say of which incident an identifier is a canary: one MAC and one look into a table, for whatever is asked."""
        return self._known.get(self._mac(kind, canonical))

    def _read(self, session: Session) -> dict[bytes, str]:
        known: dict[bytes, str] = {}
        for dataset, incident, key_id, sealed in sealed_rows.notes_of_canaries(session):
            with suppress(StoreKeyMissing, DecryptionFailed):  # look-ups say so; the other sets' are known all the same
                for one in open_canaries(sealed, self._keys.load_store_key(key_id), dataset):
                    known[self._mac(detect_identifier_kind(one), one)] = incident
        return known

    def _mac(self, kind: str, canonical: str) -> bytes:
        return hmac.digest(self._key, frame(kind.encode(), canonical.encode()), "sha256")
