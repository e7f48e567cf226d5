"""A person's record of having read a notice, and the signed receipt for it. Never a waiver: no right depends on it."""

from app.acknowledgements.errors import InvalidReceipt, NoticeSuperseded, UnknownExposure
from app.acknowledgements.models import AcknowledgementRow, ReceiptRow
from app.acknowledgements.receipts import STATEMENTS, Receipt, ReceiptKey, ReceiptSigner, decode_base64url, verify_signature
from app.acknowledgements.service import Acknowledgement, AcknowledgementService

__all__ = [
    "STATEMENTS",
    "Acknowledgement",
    "AcknowledgementRow",
    "Acknowledgements",
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
