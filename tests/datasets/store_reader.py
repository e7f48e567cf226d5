"""Read access to the sealed store for tests that hold every key."""

from typing import Any
from uuid import UUID

from app.crypto import mac_inputs
from app.crypto.stretching import KdfParams
from app.datasets import sealed_rows
from app.datasets import service as datasets
from app.datasets.kdf_params import load_params as load_kdf_params
from app.datasets.manifest import StoredRow
from app.datasets.record import Record
from app.datasets.sealed_store import LookupResult, SealedStore
from app.identifiers import IdentifierKind, canonicalize
from app.keyholder import KeyholderClient
from app.source_files import SourceRow
from tests.support.deployment import Deployment


def compute_digest(identifier: str, params: KdfParams, keyholder: KeyholderClient) -> bytes:
    """Return the digest of an email or a phone."""
    kind: IdentifierKind = "email" if "@" in identifier else "phone"
    return params.stretch(keyholder.mac(mac_inputs.identifier_input(kind, canonicalize(kind, identifier))))


def look_up(deployment: Deployment, dataset: UUID, identifier: str) -> LookupResult:
    """Look up one identifier in one data set, whatever its state."""
    with KeyholderClient(deployment.keyholder_socket, timeout=30) as keyholder, deployment.database.read() as db:
        params = load_kdf_params(db)
        assert params is not None
        sealed_store = SealedStore(deployment.keys, keyholder)
        digest = compute_digest(identifier, params, keyholder)
        (lookup,) = sealed_store.look_up(db, [digest], dataset=datasets.get(db, dataset))
        (result,) = lookup.results
        return result


def find_people(deployment: Deployment, dataset: UUID, identifier: str) -> tuple[Record, ...]:
    """Return the records of all people who share an identifier."""
    return look_up(deployment, dataset, identifier).records


def find_person(deployment: Deployment, dataset: UUID, identifier: str) -> Record:
    """Return the record of the only person who has an identifier."""
    (record,) = find_people(deployment, dataset, identifier)
    return record


def comparable_contents(
    deployment: Deployment, dataset: UUID, findings: list[SourceRow]
) -> dict[str, list[tuple[Any, ...]]]:
    """Return the decrypted contents by identifier, without what differs between data sets of the same people."""
    identifiers = sorted({value for finding in findings for value in (*finding.emails, *finding.phones)})
    with KeyholderClient(deployment.keyholder_socket, timeout=30) as keyholder, deployment.database.read() as db:
        params = load_kdf_params(db)
        assert params is not None
        digests = [compute_digest(identifier, params, keyholder) for identifier in identifiers]
        sealed_store = SealedStore(deployment.keys, keyholder)
        (lookup,) = sealed_store.look_up(db, digests, dataset=datasets.get(db, dataset))
    return {
        identifier: [
            ("is_ambiguous", result.is_ambiguous),
            *sorted(_comparable_record(record, lookup.cohorts) for record in result.records),
        ]
        for identifier, result in zip(identifiers, lookup.results, strict=True)
    }


def _comparable_record(record: Record, cohorts: tuple[str, ...]) -> tuple[Any, ...]:
    return (
        record.subject,
        record.role,
        record.confidence,
        *record.items.items(),
        *(cohorts[index] for index in record.cohorts),
        *sorted(record.tags.items()),
        len(record.siblings),
        *sorted(record.hints.items()),
    )


def read_stored_rows(deployment: Deployment, dataset: UUID) -> list[StoredRow]:
    """Return the rows as stored in the database."""
    with deployment.database.read() as db:
        return [
            (bytes(locator), entry, bytes(sealed)) for locator, entry, sealed in sealed_rows.iterate_rows(db, dataset)
        ]


def table_name(dataset: UUID) -> str:
    """Return the name of the table of a data set's rows."""
    return sealed_rows.table_name(dataset)


def list_sealed_tables(deployment: Deployment) -> list[str]:
    """Return the names of all tables of sealed rows."""
    catalogue = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if deployment.database.is_sqlite
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    return sorted(name for (name,) in deployment.execute_sql(catalogue) if name.startswith("sealed_"))
