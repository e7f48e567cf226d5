"""Looks up the verified identifiers in all data sets and reports the exposures. Every call computes the report again; nothing is cached."""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from app.crypto import mac_inputs
from app.crypto.framing import frame
from app.crypto.key_derivation import derive_row_keys
from app.datasets.kdf_params import IdentifierHasher
from app.datasets.sealed_store import DataSetLookup, SealedStore
from app.db import Reader
from app.exposures.aggregation import Exposure, build_exposures
from app.exposures.errors import InvalidValue, ReverificationNeeded
from app.identifiers import IdentifierKind, MalformedValue, ValueKind, canonicalize
from app.keyholder import KeyholderClient

DataSetOutcome = Literal["found", "not_found", "cannot_tell"]


@dataclass(frozen=True, slots=True)
class IdentifierDigest:
    """Kind and digest of one verified identifier."""

    kind: IdentifierKind
    digest: bytes | None = field(repr=False)
    """None if the identifier was verified before anything had been imported."""


@dataclass(frozen=True, slots=True)
class DataSetResult:
    """Whether one published data set holds the verified identifiers."""

    incident: str
    version: int
    published_at: datetime
    synthetic: bool
    result: DataSetOutcome


@dataclass(frozen=True, slots=True)
class ExposureReport:
    """What the published data sets say about a person. It exists only if every one of them was read."""

    datasets: tuple[DataSetResult, ...]
    exposures: tuple[Exposure, ...]


@dataclass(frozen=True, slots=True)
class ValueCheckResult:
    """Whether a value is on record for an exposure, and whether that kind of item leaked."""

    exposure: Exposure
    item_exposed: bool
    matched: bool


class ExposureService:
    """Reports exposures, and checks values against a person's own records."""

    def __init__(self, sealed_store: SealedStore, keyholder: KeyholderClient, hasher: IdentifierHasher) -> None:
        self._sealed_store = sealed_store
        self._keyholder = keyholder
        self._hasher = hasher

    def find(self, db: Reader, identifiers: Sequence[IdentifierDigest]) -> ExposureReport:
        """Report what leaked of the owner of these identifiers.

        Raises:
            ReverificationNeeded: an identifier has no digest, and there are data sets to read.
            DependencyUnavailable: a data set could not be read.
        """
        digests = [identifier.digest for identifier in identifiers if identifier.digest is not None]
        lookups = self._sealed_store.look_up(db, digests)
        if lookups and len(digests) < len(identifiers):
            raise ReverificationNeeded("an identifier was verified before anything was imported")
        kinds = [identifier.kind for identifier in identifiers if identifier.digest is not None]
        return ExposureReport(
            datasets=tuple(_data_set_result(lookup) for lookup in lookups if lookup.dataset.state == "published"),
            exposures=tuple(build_exposures(lookups, kinds)),
        )

    def check_value(
        self, db: Reader, identifiers: Sequence[IdentifierDigest], kind: ValueKind, text: str
    ) -> list[ValueCheckResult]:
        """Compare a value with the person's own records. The work is the same whether or not it matches.

        Raises:
            InvalidValue: the value is invalid for its kind.
            ReverificationNeeded: as for `find`.
            DependencyUnavailable: as for `find`.
        """
        try:
            value = canonicalize(kind, text)
        except MalformedValue as malformed:
            raise InvalidValue(malformed.reason) from None
        connection = self._keyholder.connection_id()
        exposures = self.find(db, identifiers).exposures
        if kind == "email" or kind == "phone":
            digest = self._hasher.digest(db, kind, value)
            matches = [_matches_locator(exposure.locators, digest) for exposure in exposures]
        else:
            tag = self._keyholder.mac(mac_inputs.value_input(kind, value), connection_id=connection)[
                : mac_inputs.TAG_BYTES
            ]
            matches = [_matches_tag(exposure.tags.get(kind, frozenset()), tag) for exposure in exposures]
        return [
            ValueCheckResult(exposure, kind in exposure.items, matched)
            for exposure, matched in zip(exposures, matches, strict=True)
        ]


def exposure_id(session_key: bytes, exposure: Exposure) -> str:
    """Return the opaque id of an exposure. It is valid within one session only."""
    subject = exposure.subjects[0] if exposure.role == "holder" else b""
    framed = frame(b"exposure-lookup/1 exposure", exposure.incident.encode(), exposure.role.encode(), subject)
    return hmac.digest(session_key, framed, "sha256")[:16].hex()


def _data_set_result(lookup: DataSetLookup) -> DataSetResult:
    outcome: DataSetOutcome = "not_found"
    if any(hit.records for hit in lookup.results):
        outcome = "found"
    elif any(hit.is_ambiguous for hit in lookup.results):
        outcome = "cannot_tell"
    dataset = lookup.dataset
    published_at = dataset.published_at or dataset.imported_at
    return DataSetResult(dataset.incident, dataset.version, published_at, dataset.synthetic, outcome)


def _matches_locator(locators: frozenset[tuple[UUID, bytes]], digest: bytes | None) -> bool:
    if digest is None:
        return False
    expected = {dataset: derive_row_keys(digest, dataset).locator for dataset, _ in locators}
    return any([hmac.compare_digest(expected[dataset], locator) for dataset, locator in locators])  # noqa: C419  as below


def _matches_tag(tags: frozenset[bytes], tag: bytes) -> bool:
    return any([hmac.compare_digest(known, tag) for known in tags])  # noqa: C419  a list: all are compared, no early exit
