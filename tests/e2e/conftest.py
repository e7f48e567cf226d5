"""End-to-end tests use a real socket: their client is that of a running server."""

from uuid import UUID

import pytest

from tests.e2e.helpers import ROWS
from tests.support.deployment import Deployment


@pytest.fixture(autouse=True)
def _use_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deployment, "client", Deployment.wire_client)


@pytest.fixture
def dataset(deployment: Deployment) -> UUID:
    return deployment.import_and_publish(ROWS)
