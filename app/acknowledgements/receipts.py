"""Receipts: an RFC 8785 payload and an Ed25519 signature (RFC 8032) over it. No identifier stands in one."""

import base64
import binascii
import hashlib
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
ALGORITHM = "Ed25519"


@dataclass(frozen=True, slots=True)
class Receipt:
    """A receipt as it is handed out: base64url without padding."""

    kid: str
    payload: str
    signature: str


@dataclass(frozen=True, slots=True)
class ReceiptKey:
    """A public key by which receipts are checked."""

    kid: str
    public_key: str


class ReceiptSigner:
    """Signs receipts."""

    def __init__(self, key: SigningKey) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(key.subkey("receipts"))
        public = self._private.public_key().public_bytes_raw()
        self.key = ReceiptKey(kid=hashlib.sha256(public).hexdigest()[:16], public_key=encode_base64url(public))

    def sign(self, content: dict[str, Any]) -> tuple[bytes, bytes]:
        """Give the payload's bytes and the signature over them."""
        payload = rfc8785.dumps(content)
        return payload, self._private.sign(payload)


def verify_signature(receipt: Receipt, key: ReceiptKey) -> bytes:
    """Check a receipt offline; gives the payload's bytes.

    Raises:
        InvalidReceipt: it is not of this key, or was changed.
    """
    if receipt.kid != key.kid:
        raise InvalidReceipt(f"signed by key {receipt.kid}, which is not the one given")
    payload = decode_base64url(receipt.payload)
    try:
        public = Ed25519PublicKey.from_public_bytes(decode_base64url(key.public_key))
        public.verify(decode_base64url(receipt.signature), payload)
    except (InvalidSignature, ValueError):
        raise InvalidReceipt("the signature does not hold") from None
    return payload


def encode_base64url(data: bytes) -> str:
    """Spell bytes (RFC 4648, 5) without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode_base64url(text: str) -> bytes:
    """Read what `encode_base64url` spelled.

    Raises:
        InvalidReceipt: it is no base64url.
    """
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise InvalidReceipt("is no base64url") from None
