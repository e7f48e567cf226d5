"""Opening what an import sealed, as one who holds every key can."""

from typing import Any
from uuid import UUID

from app import datasets
from app.crypto import mac_inputs
from app.crypto.stretching import KdfParams
from app.datasets import LookupResult, Record, SealedStore
from app.datasets import sealed_rows as dataset_queries
from app.datasets.files import SourceRow
from app.datasets.manifest import Row
from app.identifiers import canonicalize
from app.keyholder import KeyholderClient
from tests.support.deployment import Deployment


def digest_of(identifier: str, scheme: KdfParams, keyholder: KeyholderClient) -> bytes:
    """Stretch what the keyholder says of an email or a phone."""
    kind = "email" if "@" in identifier else "phone"
    return scheme.stretch(keyholder.mac(mac_inputs.identifier_input(kind, canonicalize(kind, identifier))))


def look_up(deployment: Deployment, dataset: UUID, identifier: str) -> LookupResult:
    """Read one identifier in one data set, whatever its state; the sentinel vouches."""
    with KeyholderClient(deployment.keyholder_socket, timeout=30) as keyholder, deployment.database.read() as session:
        scheme = datasets.load_kdf_params(session)
        assert scheme is not None
        sealed_store = SealedStore(deployment.keys, keyholder)
        digest = digest_of(identifier, scheme, keyholder)
        (reading,) = sealed_store.look_up(session, [digest], dataset=datasets.get(session, dataset))
        (found,) = reading.found
        return found


def find_people(deployment: Deployment, dataset: UUID, identifier: str) -> tuple[Record, ...]:
    """Everybody who has this identifier."""
    return look_up(deployment, dataset, identifier).records


def find_person(deployment: Deployment, dataset: UUID, identifier: str) -> Record:
    """The one person who has this identifier."""
    (record,) = find_people(deployment, dataset, identifier)
    return record


def comparable_contents(deployment: Deployment, dataset: UUID, findings: list[SourceRow]) -> dict[str, list[tuple[Any, ...]]]:
    """Everything in a data set that is the same in every other of the same people, opened by each identifier."""
    identifiers = sorted({one for finding in findings for one in (*finding.emails, *finding.phones)})
    with KeyholderClient(deployment.keyholder_socket, timeout=30) as keyholder, deployment.database.read() as session:
        scheme = datasets.load_kdf_params(session)
        assert scheme is not None
        digests = [digest_of(one, scheme, keyholder) for one in identifiers]
        sealed_store = SealedStore(deployment.keys, keyholder)
        (reading,) = sealed_store.look_up(session, digests, dataset=datasets.get(session, dataset))
    return {
        identifier: [
            ("shared", found.is_ambiguous),
            *sorted(
                (one.subject, one.role, one.confidence, *one.items.items(), *(reading.cohorts[at] for at in one.cohorts),
                 *sorted(one.tags.items()), len(one.siblings), *sorted(one.hints.items()))
                for one in found.records
            ),
        ]
        for identifier, found in zip(identifiers, reading.found, strict=True)
    }  # fmt: skip


def read_stored_rows(deployment: Deployment, dataset: UUID) -> list[Row]:
    """The rows as they lie in the database."""
    with deployment.database.read() as session:
        return [
            (bytes(locator), entry, bytes(sealed)) for locator, entry, sealed in dataset_queries.rows(session, dataset)
        ]


def table_name(dataset: UUID) -> str:
    """Name of the table of a data set's rows."""
    return dataset_queries.partition(dataset)


def list_sealed_tables(deployment: Deployment) -> list[str]:
    """Names of all tables of sealed rows."""
    catalogue = (
        "SELECT name FROM sqlite_master WHERE type = 'table'"
        if deployment.database.is_sqlite
        else "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
    )
    return sorted(name for (name,) in deployment.execute_sql(catalogue) if name.startswith("sealed_"))
