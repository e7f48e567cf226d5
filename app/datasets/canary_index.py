"""Canaries: planted identifiers that belong to no real person. A request for one reveals a leaked list.

An import adds canaries as ordinary records. Their identifiers are encrypted with the store key and stored with the data set, padded so that the size
reveals little; the list exists even when it is empty. A running server holds MACs of them under a per-process key. Recognising an identifier then
reads nothing and takes the same work for every identifier.
"""

import hmac
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from uuid import UUID

from sqlalchemy.orm import Session

from app.crypto.framing import frame
from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.key_files import KeyRing, StoreKeyMissing
from app.crypto.keys import KEY_BYTES, StoreKey
from app.crypto.row_sealing import DecryptionFailed
from app.datasets import catalog_queries
from app.db import Database, VersionedCache
from app.identifiers import IdentifierKind

MIN_PADDED_BYTES = 4096
"""Minimum size of the padded list, room for about a hundred identifiers. Longer lists are padded to the next power of two."""
_SEPARATOR = " "


def seal_canaries(identifiers: Sequence[str], key: StoreKey, dataset: UUID) -> bytes:
    """Encrypt the planted identifiers, given in canonical ASCII form."""
    text = _SEPARATOR.join(identifiers)
    padded = text.ljust(MIN_PADDED_BYTES - len('""'))  # `encrypt_json` pads longer ones
    return encrypt_json(key.subkey("canaries"), padded, aad=dataset.bytes)


def open_canaries(ciphertext: bytes, key: StoreKey, dataset: UUID) -> list[str]:
    """Decrypt the output of `seal_canaries`.

    Raises:
        DecryptionFailed: wrong key or wrong data set.
    """
    text: str = decrypt_json(key.subkey("canaries"), ciphertext, aad=dataset.bytes)
    return text.split()


def detect_identifier_kind(identifier: str) -> IdentifierKind:
    """Return whether a canonical identifier is an email or a phone."""
    return "email" if "@" in identifier else "phone"


class CanaryIndex:
    """In-memory index of the canaries of all data sets that are not retired. It is empty until `refresh` is called.

    Args:
        keys: the store keys, which decrypt the stored lists.
    """

    def __init__(self, keys: KeyRing) -> None:
        self._keys = keys
        self._mac_key = secrets.token_bytes(KEY_BYTES)
        self._incident_by_mac: Mapping[bytes, str] = {}
        self._cache = VersionedCache(self._load)

    def refresh(self, database: Database) -> None:
        """Reload the canaries if the catalogue version has changed.

        Raises:
            DependencyUnavailable: the database failed. The index stays as it was.
        """
        with database.read() as db:
            self._incident_by_mac = self._cache(db)

    def find_incident(self, kind: IdentifierKind, canonical: str) -> str | None:
        """Return the incident whose canary an identifier is, or None. The work is the same for every identifier."""
        return self._incident_by_mac.get(self._mac(kind, canonical))

    def _load(self, db: Session) -> dict[bytes, str]:
        incident_by_mac: dict[bytes, str] = {}
        for dataset, incident, key_id, ciphertext in catalog_queries.list_sealed_canaries(db):
            with suppress(StoreKeyMissing, DecryptionFailed):  # look-ups report the error; other data sets stay usable
                for identifier in open_canaries(ciphertext, self._keys.load_store_key(key_id), dataset):
                    incident_by_mac[self._mac(detect_identifier_kind(identifier), identifier)] = incident
        return incident_by_mac

    def _mac(self, kind: str, canonical: str) -> bytes:
        return hmac.digest(self._mac_key, frame(kind.encode(), canonical.encode()), "sha256")
