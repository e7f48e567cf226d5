"""Reading the data sets for one session and answering. Everything is derived from the session and the store at each call; nothing is kept."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.crypto import mac_inputs
from app.crypto.key_derivation import derive_row_keys
from app.crypto.framing import frame
from app.datasets import IdentifierHasher, DataSetLookup, SealedStore
from app.db import Reader
from app.exposures.errors import InvalidValue, ReverificationNeeded
from app.exposures.aggregation import Exposure, build_exposures
from app.identifiers import IdentifierKind, ValueKind, MalformedValue, canonicalize
from app.keyholder import KeyholderClient

DataSetOutcome = Literal["found", "not_found", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class IdentifierDigest:
    """One proven identifier; without a digest where the session was opened before anything had been imported."""

    kind: IdentifierKind
    digest: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class DataSetResult:
    """What one published data set says of the proven identifiers."""

    incident: str
    version: int
    published_at: datetime
    synthetic: bool
    result: DataSetOutcome


@dataclass(frozen=True, slots=True)
class ExposureReport:
    """Every published data set was really read, and this is what stands in them."""

    datasets: tuple[DataSetResult, ...]
    exposures: tuple[Exposure, ...]


@dataclass(frozen=True, slots=True)
class ValueCheckResult:
    """Whether a value is one that a record knows, and whether that kind of item leaked."""

    exposure: Exposure
    item_exposed: bool
    matched: bool


class ExposureService:
    """The exposures of whoever proved an identifier."""

    def __init__(self, register: SealedStore, keyholder: KeyholderClient, digester: IdentifierHasher) -> None:
        self._register = register
        self._keyholder = keyholder
        self._digester = digester

    def find(self, db: Reader, proofs: Sequence[IdentifierDigest]) -> ExposureReport:
        """Find what of these identifiers' owner leaked.

        Raises:
            ReverificationNeeded: a proof has no digest, and there is something to read.
            DependencyUnavailable: a data set could not be read: a failure is never an answer.
        """
        digests = [proof.digest for proof in proofs if proof.digest is not None]
        readings = self._register.look_up(db, digests)
        if readings and len(digests) < len(proofs):
            raise ReverificationNeeded("proven before anything was imported")
        return ExposureReport(
            datasets=tuple(_result(one) for one in readings if one.dataset.state == "published"),
            exposures=tuple(build_exposures(readings, [proof.kind for proof in proofs if proof.digest is not None])),
        )

    def check(self, db: Reader, proofs: Sequence[IdentifierDigest], kind: ValueKind, text: str) -> list[ValueCheckResult]:
        """Hold a value against one's own records; the work is the same whether it matches or not.

        Raises:
            InvalidValue: it cannot be a value of that kind.
            ReverificationNeeded: as for `find`.
            DependencyUnavailable: as for `find`.
        """
        try:
            value = canonicalize(kind, text)
        except MalformedValue as malformed:
            raise InvalidValue(malformed.reason) from None
        connection = self._keyholder.connection_id()
        exposures = self.find(db, proofs).exposures
        if kind == "email" or kind == "phone":
            digest = self._digester.digest(db, kind, value)
            known = [_lies_in(exposure.locators, digest) for exposure in exposures]
        else:
            tag = self._keyholder.mac(mac_inputs.value_input(kind, value), connection_id=connection)[: mac_inputs.TAG_BYTES]
            known = [_holds(exposure.tags.get(kind, frozenset()), tag) for exposure in exposures]
        return [
            ValueCheckResult(exposure, kind in exposure.items, matched)
            for exposure, matched in zip(exposures, known, strict=True)
        ]


def exposure_id(session_key: bytes, exposure: Exposure) -> str:
    """Name an exposure within one session: opaque, and of no use in another."""
    about = exposure.subjects[0] if exposure.role == "holder" else b""
    name = frame(b"exposure-lookup/1 exposure", exposure.incident.encode(), exposure.role.encode(), about)
    return hmac.digest(session_key, name, "sha256")[:16].hex()


def _result(reading: DataSetLookup) -> DataSetResult:
    outcome: DataSetOutcome = "not_found"
    if any(found.records for found in reading.results):
        outcome = "found"
    elif any(found.is_ambiguous for found in reading.results):
        outcome = "cannot_tell"
    one = reading.dataset
    return DataSetResult(one.incident, one.version, one.published_at or one.imported_at, one.synthetic, outcome)


def _lies_in(places: frozenset[tuple[UUID, bytes]], digest: bytes | None) -> bool:
    if digest is None:
        return False
    wanted = {dataset: derive_row_keys(digest, dataset).locator for dataset, _ in places}
    return any([hmac.compare_digest(wanted[dataset], locator) for dataset, locator in places])  # noqa: C419  as below


def _holds(tags: frozenset[bytes], tag: bytes) -> bool:
    return any([hmac.compare_digest(one, tag) for one in tags])  # noqa: C419  all are compared: no early end
