"""Receipts: an RFC 8785 payload with an Ed25519 signature (RFC 8032). They contain no identifiers."""

import base64
import binascii
import hashlib
import json
from dataclasses import dataclass
from typing import Any

import rfc8785
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.acknowledgements.errors import InvalidReceipt
from app.crypto.keys import SigningKey
from app.locales import Locale

STATEMENTS: dict[Locale, str] = {
    "ko": "이 확인은 통지를 읽었다는 기록일 뿐이며, 어떠한 권리도 포기하거나 제한하지 않습니다. 손해배상 청구와 분쟁조정 신청의 권리는 그대로입니다.",
    "en": "This records only that the notice was read. It waives and limits no right; damages and mediation can be claimed as before.",
}


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as issued. All fields but `kid` are base64url without padding."""

    kid: str
    payload: str
    signature: str


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """A public key that verifies receipts, and its key id."""

    kid: str
    public_key: str


class ReceiptSigner:
    """Signs receipts."""

    def __init__(self, key: SigningKey) -> None:
        self._private_key = Ed25519PrivateKey.from_private_bytes(key.subkey("receipts"))
        public = self._private_key.public_key().public_bytes_raw()
        self.key = ReceiptKey(kid=hashlib.sha256(public).hexdigest()[:16], public_key=encode_base64url(public))

    def sign(self, content: dict[str, Any]) -> tuple[bytes, bytes]:
        """Return the encoded payload and its signature."""
        payload = rfc8785.dumps(content)
        return payload, self._private_key.sign(payload)


def verify_signature(receipt: Receipt, key: ReceiptKey) -> bytes:
    """Verify a receipt's signature, without network access; return the decoded payload.

    Raises:
        InvalidReceipt: it was signed by another key, was changed, or is not in the one form in which it was issued.
    """
    if receipt.kid != key.kid:
        raise InvalidReceipt("signed by another key")
    payload = decode_base64url(receipt.payload)
    try:
        public = Ed25519PublicKey.from_public_bytes(decode_base64url(key.public_key))
        public.verify(decode_base64url(receipt.signature), payload)
    except (InvalidSignature, ValueError):
        raise InvalidReceipt("the signature is invalid") from None
    if not _is_canonical(payload):
        raise InvalidReceipt("the payload is not in the canonical form of RFC 8785")
    return payload


def _is_canonical(payload: bytes) -> bool:
    try:
        content = json.loads(payload.decode())
        return isinstance(content, dict) and rfc8785.dumps(content) == payload
    except (ValueError, RecursionError):
        return False


def encode_base64url(data: bytes) -> str:
    """Encode bytes as base64url (RFC 4648, section 5) without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Decode base64url without padding. Each value has one text: unused bits of the last character must be zero.

    Raises:
        InvalidReceipt: the text is not what `encode_base64url` returns.
    """
    try:
        data = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidReceipt("must be base64url") from None
    if encode_base64url(data) != text:
        raise InvalidReceipt("must be base64url without padding, and end in zero bits")
    return data
