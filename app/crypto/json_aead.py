"""Authenticated encryption of small JSON values, such as a session under its token or a destination under its client secret."""

import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCMSIV

from app.crypto.row_sealing import decrypt_aead

_NONCE_BYTES = 12
MIN_SIZE_CLASS = 512
"""Bytes. Holds the longest email address, 254 bytes, and a message around it. Larger classes are powers of two."""


def encrypt_json(key: bytes, content: object, *, aad: bytes) -> bytes:
    """Encrypt JSON *content* with AES-256-GCM-SIV. The nonce is random and precedes the ciphertext.

    The JSON is padded with spaces, which `json.loads` ignores, to a size class: the length of a stored row must not tell the length of an address, or
    whether a message is to be sent.

    Args:
        key: 32 bytes.
        content: anything that `json.dumps` accepts.
        aad: associated data; decryption needs the same.
    """
    nonce = secrets.token_bytes(_NONCE_BYTES)
    # not escaped to ASCII: an escaped character has up to twelve bytes
    text = json.dumps(content, ensure_ascii=False).encode("utf-8", "surrogatepass")
    size_class = max(MIN_SIZE_CLASS, 1 << (len(text) - 1).bit_length())
    return nonce + AESGCMSIV(key).encrypt(nonce, text.ljust(size_class), aad)


def decrypt_json(key: bytes, ciphertext: bytes, *, aad: bytes) -> Any:  # noqa: ANN401  JSON, as returned by json.loads
    """Decrypt the output of `encrypt_json`.

    Raises:
        DecryptionFailed: the ciphertext, the key or the associated data is different.
    """
    return json.loads(decrypt_aead(AESGCMSIV(key), ciphertext[:_NONCE_BYTES], ciphertext[_NONCE_BYTES:], aad))
