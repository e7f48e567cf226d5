"""What an operator does to a data set, without the command around it."""

from pathlib import Path
from uuid import UUID

from app import datasets
from app.datasets import Register
from app.datasets.verifying import Verdict, verify
from app.keyholder import Keyholder, import_path
from tests.datasets.opening import digest_of
from tests.support.deployment import Deployment


def checked(deployment: Deployment, dataset: UUID, source: Path | None = None) -> Verdict:
    """Hold it against its manifest, and against its *source*."""
    with (
        Keyholder(deployment.door, timeout=30) as keyholder,
        Keyholder(import_path(deployment.door), timeout=30) as import_door,
        deployment.database.read() as session,
    ):
        return verify(
            session,
            datasets.get(session, dataset),
            keys=deployment.keys,
            register=Register(deployment.keys, keyholder),
            source=None if source is None else (source, "utf-8"),
            import_door=import_door,
        )


def suppress(deployment: Deployment, dataset: UUID, identifier: str, entry: int | None = None) -> dict[UUID, int]:
    """Take the person of an identifier out of it."""
    with Keyholder(deployment.door, timeout=30) as keyholder, deployment.database.write() as session:
        scheme = datasets.current_scheme(session)
        assert scheme is not None
        return datasets.suppress(
            session,
            dataset,
            digest_of(identifier, scheme, keyholder),
            register=Register(deployment.keys, keyholder),
            keys=deployment.keys,
            entry=entry,
        )
