"""End-to-end tests use a real socket: their client is that of a running server."""

import pytest

from tests.support.deployment import Deployment


@pytest.fixture(autouse=True)
def _use_the_wire(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Deployment, "client", Deployment.wire_client)
