"""Sealing something small for whoever holds a key: a session under its token, a target under its client secret or the application's."""

import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from app.crypto.row_sealing import decrypt

_NONCE_BYTES = 12


def encrypt_json(key: bytes, content: object, *, aad: bytes) -> bytes:
    """Seal JSON *content* under a 32-byte *key*; it opens only with the same *about*."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCMSIV(key).encrypt(nonce, json.dumps(content).encode(), aad)


def decrypt_json(key: bytes, box: bytes, *, aad: bytes) -> Any:  # noqa: ANN401  JSON, as json.loads has it
    """Open what `encrypt_json` sealed.

    Raises:
        DecryptionFailed: other bytes, another key, or about something else.
    """
    return json.loads(decrypt(AESGCMSIV(key), box[:_NONCE_BYTES], box[_NONCE_BYTES:], aad))
