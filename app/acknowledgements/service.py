"""Acknowledging a notice. It is idempotent: repeated and concurrent calls get the same receipt."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.acknowledgements import queries
from app.acknowledgements.errors import NoticeSuperseded
from app.acknowledgements.queries import NewReceipt, StoredAcknowledgement
from app.acknowledgements.receipts import STATEMENTS, Receipt, ReceiptSigner, encode_base64url
from app.clock import format_rfc3339
from app.crypto.keys import ApplicationKey
from app.crypto.row_sealing import LocatorCipher
from app.db import Reader
from app.exposures import Exposure
from app.incidents.notices import Notice


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """A record that the notice of an exposure was read."""

    notice_version: int
    acknowledged_at: datetime
    receipt: Receipt
    created: bool = False
    """Whether this call created it; otherwise it existed before."""


class AcknowledgementService:
    """Creates and finds acknowledgements.

    Args:
        application_key: encrypts the subjects.
        signer: signs the receipts.
    """

    def __init__(self, application_key: ApplicationKey, signer: ReceiptSigner) -> None:
        self._subject_cipher = LocatorCipher(application_key.subkey("subjects"))
        self.signer = signer

    def acknowledge(
        self, db: Session, exposure: Exposure, notice: Notice, notice_version: int, *, now: datetime
    ) -> Acknowledgement:
        """Record under each subject of *exposure* that its notice was read, with one receipt for all.

        Args:
            db: the write transaction.
            exposure: the notice of whose incident was read.
            notice: the newest of that incident when the exposure was found, in the language that was read.
            notice_version: the version that was read.
            now: when.

        Raises:
            NoticeSuperseded: *notice_version* is not the newest.
        """
        if notice.version != notice_version:
            raise NoticeSuperseded(f"version {notice.version} of the notice is the newest")
        subjects = self._encrypted_subjects(exposure)
        conflicting: set[bytes] | None = None
        while True:
            before = self._list_for_version(db, exposure, notice_version)
            if (existing := _latest_complete(before, exposure.incident, subjects)) is not None:
                return existing
            missing = subjects - {stored.subject for stored in before}
            receipt = self._new_receipt(exposure, notice, now)
            try:
                with db.begin_nested():
                    queries.add_receipt(db, receipt, exposure.incident, notice_version, sorted(missing))
            except IntegrityError:
                if missing == conflicting:
                    raise
                conflicting = missing  # a concurrent call was first for a subject: add those that it left
                continue
            return Acknowledgement(notice_version, now, _encode_receipt(receipt), created=True)

    def latest_for_exposures(self, db: Reader, exposures: Sequence[Exposure]) -> list[Acknowledgement | None]:
        """Return the newest acknowledgement of each exposure; None unless all its subjects have one."""
        subjects = [self._encrypted_subjects(exposure) for exposure in exposures]
        incidents = [exposure.incident for exposure in exposures]
        stored = queries.list_for_subjects(
            db,
            [(incident, subject) for incident, group in zip(incidents, subjects, strict=True) for subject in group],
        )
        return [_latest_complete(stored, incident, group) for incident, group in zip(incidents, subjects, strict=True)]

    def receipts_for_exposures(self, db: Reader, exposures: Sequence[Exposure]) -> list[Receipt]:
        """Return all receipts for the subjects of some exposures, oldest first."""
        return list({stored.receipt_id: _encode_receipt(stored) for stored in self._list(db, exposures)}.values())

    def _encrypted_subjects(self, exposure: Exposure) -> set[bytes]:
        return set(map(self._subject_cipher.encrypt, exposure.subjects))

    def _list(self, db: Reader, exposures: Sequence[Exposure]) -> list[StoredAcknowledgement]:
        subjects = [
            (exposure.incident, subject) for exposure in exposures for subject in self._encrypted_subjects(exposure)
        ]
        return queries.list_for_subjects(db, subjects)

    def _list_for_version(self, db: Reader, exposure: Exposure, notice_version: int) -> list[StoredAcknowledgement]:
        return [stored for stored in self._list(db, [exposure]) if stored.notice_version == notice_version]

    def _new_receipt(self, exposure: Exposure, notice: Notice, now: datetime) -> NewReceipt:
        receipt_id = uuid4()
        content = {
            "receipt_id": str(receipt_id),
            "incident": exposure.incident,
            "notice_version": notice.version,
            "notice_sha256": notice.sha256,
            "locale": notice.locale,
            "acknowledged_at": format_rfc3339(now),
            "shown_by": list(exposure.identifiers),
            "statement": STATEMENTS[notice.locale],
        }
        payload, signature = self.signer.sign(content)
        return NewReceipt(receipt_id, self.signer.key.kid, payload, signature, now)


def _latest_complete(
    acknowledgements: Sequence[StoredAcknowledgement], incident: str, subjects: set[bytes]
) -> Acknowledgement | None:
    """Return the acknowledgement of the newest version that all of *subjects* have acknowledged."""
    own = [stored for stored in acknowledgements if stored.incident == incident and stored.subject in subjects]
    subjects_by_version: dict[int, set[bytes]] = {}
    for stored in own:
        subjects_by_version.setdefault(stored.notice_version, set()).add(stored.subject)
    complete = [version for version, acknowledged in subjects_by_version.items() if acknowledged == subjects]
    if not complete:
        return None
    version = max(complete)
    last = [stored for stored in own if stored.notice_version == version][-1]
    return Acknowledgement(version, last.acknowledged_at, _encode_receipt(last))


def _encode_receipt(receipt: NewReceipt | StoredAcknowledgement) -> Receipt:
    return Receipt(receipt.kid, encode_base64url(receipt.payload), encode_base64url(receipt.signature))
