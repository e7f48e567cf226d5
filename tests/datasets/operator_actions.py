"""Operator commands on a data set, called directly instead of through the command line."""

from pathlib import Path
from uuid import UUID

from app.datasets import service as datasets
from app.datasets import suppression
from app.datasets.kdf_params import load_params as load_kdf_params
from app.datasets.sealed_store import SealedStore
from app.importing import integrity
from app.importing.integrity import IntegrityReport
from app.keyholder import KeyholderClient, import_socket_path
from tests.datasets.store_reader import compute_digest
from tests.support.deployment import Deployment


def check_integrity(deployment: Deployment, dataset: UUID, source: Path | None = None) -> IntegrityReport:
    """Check a data set against its manifest and, if given, against its source file."""
    with (
        KeyholderClient(deployment.keyholder_socket, timeout=30) as keyholder,
        KeyholderClient(import_socket_path(deployment.keyholder_socket), timeout=30) as import_keyholder,
        deployment.database.read() as db,
    ):
        return integrity.check_integrity(
            db,
            datasets.get(db, dataset),
            keys=deployment.keys,
            sealed_store=SealedStore(deployment.keys, keyholder),
            source=None if source is None else (source, "utf-8"),
            import_keyholder=import_keyholder,
        )


def suppress(deployment: Deployment, dataset: UUID, identifier: str, entry: int | None = None) -> dict[UUID, int]:
    """Suppress the person who has an identifier. Return the number of removed rows by data set."""
    with KeyholderClient(deployment.keyholder_socket, timeout=30) as keyholder, deployment.change_catalog() as db:
        params = load_kdf_params(db)
        assert params is not None
        return suppression.suppress(
            db,
            dataset,
            compute_digest(identifier, params, keyholder),
            sealed_store=SealedStore(deployment.keys, keyholder),
            keys=deployment.keys,
            entry=entry,
        )


def source_file(deployment: Deployment) -> Path:
    """Return the path of the file that `Deployment.stage` wrote last."""
    return deployment.folder / "people.csv"
