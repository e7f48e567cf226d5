"""Messages that were delivered or have expired cannot be read any more, in whatever files and backups their rows live on."""

from collections.abc import Callable, Iterator
from datetime import datetime

import pytest

from app.background import ERASURE_SECONDS, BackgroundJobs
from app.crypto.json_aead import decrypt_json, encrypt_json
from app.crypto.key_ratchet import KeyRatchet
from tests.support.deployment import Deployment
from tests.support.postgres_cluster import PostgresServer, start_server
from tests.support.postgres_database import temporary_database
from tests.theft.message_attacker import MessageAttacker
from tests.theft.stolen_storage import PostgresStorage, SqliteStorage, Storage

DELIVERED = {"010-2000-0001", "010-2000-0002", "010-2000-0003", "zelkova@example.com", "ginkgo.tree@example.com"}
EXPIRED = {"010-3000-0001", "010-3000-0002", "juniper@example.com"}
CANONICAL = {"+8210" + name[4:].replace("-", "") if name.startswith("010") else name for name in DELIVERED | EXPIRED}


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """A server of its own. Its segments of the log are new files, so that the attack need not search what other databases left in them."""
    with start_server() as server:
        server.run_as_superuser("ALTER SYSTEM SET wal_recycle = off;\nSELECT pg_reload_conf()", "postgres")
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def storage(request: pytest.FixtureRequest) -> Iterator[Storage]:
    if request.param == "sqlite":
        yield SqliteStorage(request.getfixturevalue("sqlite_url"))
        return
    server: PostgresServer = request.getfixturevalue("server")
    with temporary_database(server.url("postgres", "postgres")) as url:
        yield PostgresStorage(url, server)


@pytest.fixture
def database_url(storage: Storage) -> str:
    return storage.url


def send_and_erase(deployment: Deployment, storage: Storage) -> tuple[dict[str, bytes], bytes]:
    """Deliver some messages, let others expire, and wait two hours. Return all files and the ratchet file of the first hour."""
    jobs = BackgroundJobs(deployment.app.state.services, deployment.sender)
    ratchet_file = (deployment.settings.ratchet_folder / "ratchet.key").read_bytes()
    for identifier in sorted(DELIVERED):
        assert deployment.request_code(identifier).status_code == 202
    stolen = storage.make_backup() | storage.read_files("live")
    jobs.tick(0.0)
    assert len(deployment.sender.messages) == len(DELIVERED)
    for identifier in sorted(EXPIRED):
        assert deployment.request_code(identifier).status_code == 202
    stolen |= storage.read_files("undelivered")
    for round_number, minutes in ((1, 10), (2, 120)):
        deployment.clock.advance(minutes=minutes)
        jobs.tick(round_number * ERASURE_SECONDS)
    assert len(deployment.sender.messages) == len(DELIVERED)
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]
    return stolen | storage.read_files("today"), ratchet_file


def make_attacker(deployment: Deployment, ratchet_file: bytes | None = None) -> MessageAttacker:
    """Return an attacker with all keys of today, or with a ratchet file of an earlier time."""
    return MessageAttacker(
        deployment.keys.application_key_path.read_bytes(),
        ratchet_file or (deployment.settings.ratchet_folder / "ratchet.key").read_bytes(),
        int(deployment.clock().timestamp()) // 3600,
    )


def test_erased_messages_cannot_be_read_with_all_keys_of_today(
    make_deployment: Callable[..., Deployment], storage: Storage
) -> None:
    deployment = make_deployment()
    stolen, _ = send_and_erase(deployment, storage)
    assert make_attacker(deployment).read_addresses(stolen) == set()


def test_the_attack_succeeds_with_the_key_of_the_hour(
    make_deployment: Callable[..., Deployment], storage: Storage
) -> None:
    deployment = make_deployment()
    stolen, ratchet_file = send_and_erase(deployment, storage)
    attacker = make_attacker(deployment, ratchet_file)
    assert attacker.read_addresses(stolen) == CANONICAL
    backup = attacker.read_addresses({"backup": stolen["backup"]})
    live = attacker.read_addresses({name: content for name, content in stolen.items() if name.startswith("live")})
    assert len(backup) == len(live) == len(DELIVERED)


def test_the_attack_succeeds_where_the_key_is_fixed(
    make_deployment: Callable[..., Deployment], storage: Storage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in version 0.2.0."""
    deployment = make_deployment()
    key, aad = deployment.keys.load_application_key().subkey("outbox"), b"exposure-lookup/1 outbox"

    def encrypt(_: KeyRatchet, purpose: str, content: object, *, now: datetime) -> bytes:
        return encrypt_json(key, content, aad=aad)

    def decrypt(_: KeyRatchet, purpose: str, ciphertext: bytes, *, now: datetime) -> object:
        return decrypt_json(key, ciphertext, aad=aad)

    monkeypatch.setattr(KeyRatchet, "encrypt_json", encrypt)
    monkeypatch.setattr(KeyRatchet, "decrypt_json", decrypt)
    stolen, _ = send_and_erase(deployment, storage)
    assert make_attacker(deployment).read_addresses(stolen) == CANONICAL
