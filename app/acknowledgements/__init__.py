"""Records that a person has read a notice, and signed receipts for them. An acknowledgement is never a waiver: no right depends on it."""

from app.acknowledgements.errors import InvalidReceipt, NoticeSuperseded, UnknownExposure
from app.acknowledgements.models import AcknowledgementRow, ReceiptRow
from app.acknowledgements.receipts import (
    STATEMENTS,
    Receipt,
    ReceiptKey,
    ReceiptSigner,
    decode_base64url,
    verify_signature,
)
from app.acknowledgements.service import Acknowledgement, AcknowledgementService

__all__ = [
    "STATEMENTS",
    "Acknowledgement",
    "AcknowledgementRow",
    "AcknowledgementService",
    "InvalidReceipt",
    "NoticeSuperseded",
    "Receipt",
    "ReceiptKey",
    "ReceiptRow",
    "ReceiptSigner",
    "UnknownExposure",
    "decode_base64url",
    "verify_signature",
]
