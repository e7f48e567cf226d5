"""What an operator does to a data set, without the command around it."""

from pathlib import Path
from uuid import UUID

from app import datasets
from app.datasets import SealedStore
from app.datasets.integrity import IntegrityReport, verify
from app.keyholder import KeyholderClient, import_socket_path
from tests.datasets.store_reader import digest_of
from tests.support.deployment import Deployment


def checked(deployment: Deployment, dataset: UUID, source: Path | None = None) -> IntegrityReport:
    """Hold it against its manifest, and against its *source*."""
    with (
        KeyholderClient(deployment.keyholder_socket, timeout=30) as keyholder,
        KeyholderClient(import_socket_path(deployment.keyholder_socket), timeout=30) as import_keyholder,
        deployment.database.read() as session,
    ):
        return verify(
            session,
            datasets.get(session, dataset),
            keys=deployment.keys,
            sealed_store=SealedStore(deployment.keys, keyholder),
            source=None if source is None else (source, "utf-8"),
            import_keyholder=import_keyholder,
        )


def suppress(deployment: Deployment, dataset: UUID, identifier: str, entry: int | None = None) -> dict[UUID, int]:
    """Take the person of an identifier out of it."""
    with KeyholderClient(deployment.keyholder_socket, timeout=30) as keyholder, deployment.database.write() as session:
        scheme = datasets.load_kdf_params(session)
        assert scheme is not None
        return datasets.suppress(
            session,
            dataset,
            digest_of(identifier, scheme, keyholder),
            sealed_store=SealedStore(deployment.keys, keyholder),
            keys=deployment.keys,
            entry=entry,
        )
