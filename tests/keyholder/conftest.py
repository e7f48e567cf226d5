"""Fixtures: a real keyholder with both sockets, and a client of each."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.keyholder import KeyholderClient, KeyholderSocket, import_socket_path, spawn_keyholder
from tests.keyholder.helpers import TIMEOUT_SECONDS, write_pepper_file


@pytest.fixture(scope="module")
def lookup_socket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield the lookup socket of a keyholder with a known pepper."""
    pepper = write_pepper_file(tmp_path_factory.mktemp("pepper") / "pepper.key")
    with spawn_keyholder(pepper, KeyholderSocket.LOOKUP, KeyholderSocket.IMPORT) as path:
        yield path


@pytest.fixture(scope="module")
def lookup_client(lookup_socket: Path) -> Iterator[KeyholderClient]:
    with KeyholderClient(lookup_socket, timeout=TIMEOUT_SECONDS) as keyholder:
        yield keyholder


@pytest.fixture(scope="module")
def import_client(lookup_socket: Path) -> Iterator[KeyholderClient]:
    with KeyholderClient(import_socket_path(lookup_socket), timeout=TIMEOUT_SECONDS) as keyholder:
        yield keyholder
