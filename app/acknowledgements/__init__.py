"""A person's record of having read a notice, and the signed receipt for it. Never a waiver: no right depends on it."""

from app.acknowledgements.errors import BadReceipt, NoticeSuperseded, UnknownExposure
from app.acknowledgements.models import AcknowledgementRow, ReceiptRow
from app.acknowledgements.receipts import STATEMENTS, Receipt, ReceiptKey, ReceiptSigner, from_base64url, verify
from app.acknowledgements.service import Acknowledged, Acknowledgements

__all__ = [
    "STATEMENTS",
    "Acknowledged",
    "AcknowledgementRow",
    "Acknowledgements",
    "BadReceipt",
    "NoticeSuperseded",
    "Receipt",
    "ReceiptKey",
    "ReceiptRow",
    "ReceiptSigner",
    "UnknownExposure",
    "from_base64url",
    "verify",
]
