"""Sealing something small for whoever holds a key: a session under its token, a target under its client secret or the application's."""

import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from app.crypto.seal import decrypt

_NONCE_BYTES = 12


def seal_box(key: bytes, content: object, *, about: bytes) -> bytes:
    """Seal JSON *content* under a 32-byte *key*; it opens only with the same *about*."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + AESGCMSIV(key).encrypt(nonce, json.dumps(content).encode(), about)


def open_box(key: bytes, box: bytes, *, about: bytes) -> Any:  # noqa: ANN401  JSON, as json.loads has it
    """Open what `seal_box` sealed.

    Raises:
        BrokenSeal: other bytes, another key, or about something else.
    """
    return json.loads(decrypt(AESGCMSIV(key), box[:_NONCE_BYTES], box[_NONCE_BYTES:], about))
