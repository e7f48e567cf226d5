"""Acknowledging a notice. The same again gives the same receipt, however many ask at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import uuid4

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.acknowledgements import queries
from app.acknowledgements.errors import NoticeSuperseded
from app.acknowledgements.queries import StoredAcknowledgement, NewReceipt
from app.acknowledgements.receipts import STATEMENTS, Receipt, ReceiptSigner, encode_base64url
from app.clock import format_rfc3339
from app.crypto.row_sealing import LocatorCipher
from app.crypto.keys import ApplicationKey
from app.db import Reader
from app.exposures import Exposure
from app.incidents import Notice


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """That an exposure's notice was read: which version, when, and the receipt."""

    notice_version: int
    at: datetime
    receipt: Receipt
    new: bool = False


class AcknowledgementService:
    """The acknowledgements of a deployment."""

    def __init__(self, secret: ApplicationKey, signer: ReceiptSigner) -> None:
        self._cloak = LocatorCipher(secret.subkey("subjects"))
        self.signer = signer

    def acknowledge(
        self, db: Session, exposure: Exposure, notice: Notice, notice_version: int, *, now: datetime
    ) -> Acknowledgement:
        """Record that the notice of *exposure* was read, under each of its subjects, with one receipt.

        Args:
            session: the unit of work.
            exposure: whose notice was read.
            notice: the newest of its incident, as it stood when the exposure was found; in the language that was read.
            notice_version: which version was read.
            now: when.

        Raises:
            NoticeSuperseded: *notice_version* is not the newest.
        """
        if notice.version != notice_version:
            raise NoticeSuperseded(f"version {notice.version} of the notice is the newest")
        subjects = set(map(self._cloak.encrypt, exposure.subjects))
        before = self._of_version(db, exposure, notice_version)
        if (kept := _newest(before, exposure.incident, subjects)) is not None:
            return kept
        new = self._new_receipt(exposure, notice, now)
        missing = sorted(subjects - {one.subject for one in before})
        try:
            with db.begin_nested():
                queries.add(db, new, exposure.incident, notice_version, missing)
        except IntegrityError:  # somebody was first: theirs is the receipt
            kept = _newest(self._of_version(db, exposure, notice_version), exposure.incident, subjects)
            if kept is None:
                raise
            return kept
        return Acknowledgement(notice_version, now, _receipt(new), new=True)

    def of_exposures(self, db: Reader, exposures: Sequence[Exposure]) -> list[Acknowledgement | None]:
        """Give the newest acknowledgement of each exposure, where all whom it is about have one."""
        cloaked = [set(map(self._cloak.encrypt, exposure.subjects)) for exposure in exposures]
        incidents = [exposure.incident for exposure in exposures]
        people = [
            (incident, subject) for incident, subjects in zip(incidents, cloaked, strict=True) for subject in subjects
        ]
        kept = queries.of_subjects(db, people)
        return [_newest(kept, incident, subjects) for incident, subjects in zip(incidents, cloaked, strict=True)]

    def receipts(self, db: Reader, exposures: Sequence[Exposure]) -> list[Receipt]:
        """Give all receipts of some exposures' people, oldest first."""
        return list({kept.receipt: _receipt(kept) for kept in self._kept(db, exposures)}.values())

    def _kept(self, db: Reader, exposures: Sequence[Exposure]) -> list[StoredAcknowledgement]:
        people = [(one.incident, self._cloak.encrypt(subject)) for one in exposures for subject in one.subjects]
        return queries.of_subjects(db, people)

    def _of_version(self, db: Reader, exposure: Exposure, notice_version: int) -> list[StoredAcknowledgement]:
        return [one for one in self._kept(db, [exposure]) if one.notice_version == notice_version]

    def _new_receipt(self, exposure: Exposure, notice: Notice, now: datetime) -> NewReceipt:
        number = uuid4()
        content = {
            "receipt_id": str(number),
            "incident": exposure.incident,
            "notice_version": notice.version,
            "notice_sha256": notice.sha256,
            "locale": notice.locale,
            "acknowledged_at": format_rfc3339(now),
            "shown_by": list(exposure.identifiers),
            "statement": STATEMENTS[notice.locale],
        }
        payload, signature = self.signer.sign(content)
        return NewReceipt(number, self.signer.key.kid, payload, signature, now)


def _newest(kept: Sequence[StoredAcknowledgement], incident: str, subjects: set[bytes]) -> Acknowledgement | None:
    own = [one for one in kept if one.incident == incident and one.subject in subjects]
    versions: dict[int, set[bytes]] = {}
    for one in own:
        versions.setdefault(one.notice_version, set()).add(one.subject)
    complete = [version for version, whom in versions.items() if whom == subjects]
    if not complete:
        return None
    version = max(complete)
    last = [one for one in own if one.notice_version == version][-1]
    return Acknowledgement(version, last.at, _receipt(last))


def _receipt(row: NewReceipt | StoredAcknowledgement) -> Receipt:
    return Receipt(row.kid, encode_base64url(row.payload), encode_base64url(row.signature))
