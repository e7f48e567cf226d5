"""What an attacker learns from a stolen Valkey: its dump, its append-only file and all keys in it, with and without the keys of the deployment."""

import hmac
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis import Redis

from app.crypto.framing import frame
from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper
from app.crypto.mac_inputs import pseudonym_input
from app.keyholder import KeyholderSocket, spawn_keyholder
from app.rate_limits.blinding import blind
from app.verification.pseudonyms import PSEUDONYM_BYTES
from tests.rate_limits.helpers import RestartableValkey
from tests.support.deployment import Deployment
from tests.support.permissive_limits import permissive_limits

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("generous_redis_timeout")]

CANDIDATE_COUNT = 100_000
VICTIM_COUNT = 60
PHONES = [f"+8210{50_000_000 + number}" for number in range(CANDIDATE_COUNT)]
ADDRESSES = [f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(CANDIDATE_COUNT)]
VICTIMS = range(0, CANDIDATE_COUNT, CANDIDATE_COUNT // VICTIM_COUNT)


@dataclass(frozen=True)
class Stolen:
    """The files of a Valkey, and the keys that an attacker may hold."""

    content: bytes
    daily_keys: list[bytes]
    application_key: Any
    pepper: bytes

    @property
    def names(self) -> set[str]:
        """All that could be a blinded name."""
        return {name.decode() for name in re.findall(rb"(?=([0-9a-f]{32}))", self.content)}


@pytest.fixture(scope="module")
def pepper() -> Pepper:
    return Pepper.generate()


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The database is not what is stolen."""
    return sqlite_url


@pytest.fixture
def stolen(
    valkey: RestartableValkey, make_deployment: Callable[..., Deployment], tmp_path: Path, pepper: Pepper
) -> Stolen:
    """Use the service, then steal the Valkey."""
    create_key_file(tmp_path / "pepper.key", pepper)
    (tmp_path / "wide.toml").write_text(permissive_limits())
    with spawn_keyholder(tmp_path / "pepper.key", KeyholderSocket.LOOKUP) as socket:
        deployment = make_deployment(
            keyholder_socket=socket,
            redis_url=valkey.url,
            limits_file=tmp_path / "wide.toml",
            trusted_proxies=("127.0.0.1",),
        )
        with Redis.from_url(valkey.url) as client:
            client.config_set("rdbcompression", "no")  # so that the names in the dump can be read
            for victim in VICTIMS:
                ask_and_mistype(deployment.client, PHONES[victim], ADDRESSES[victim])
            assert deployment.client.get("/readyz").json()["limits"] == "shared"
            client.save()
            daily_keys = [client.get(name) for name in client.keys("*key:*")]
    files = [path for path in (tmp_path / "valkey").rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".rdb", ".aof"}
    content = b"".join(path.read_bytes() for path in files)
    return Stolen(content, daily_keys, deployment.keys.load_application_key(), pepper.reveal())


def ask_and_mistype(client: httpx.Client, phone: str, address: str) -> None:
    """Cause every kind of name: request windows, buckets of the client, its subnet and the target."""
    headers = {"X-Forwarded-For": address}
    started = client.post("/v1/verifications", json={"channel": "sms", "identifier": phone}, headers=headers)
    assert started.status_code == 202
    body = {"code": "00000000", "client_secret": started.json()["client_secret"]}
    confirmed = client.post(f"/v1/verifications/{started.json()['id']}/confirm", json=body, headers=headers)
    assert confirmed.status_code == 422


def names_without_keys(subject: bytes) -> Iterator[str]:
    """Return the names that need no key, or the name in clear."""
    yield hmac.digest(b"", subject, "sha256")[:16].hex()
    yield subject.hex()


def names_under(keys: Iterable[bytes], subject: bytes) -> Iterator[str]:
    """Return the names of *subject* under each of *keys*, by the present and the former construction."""
    for key in keys:
        yield blind(key, b"bucket", subject)
        yield hmac.digest(key, frame(b"exposure-lookup/1 budget", b"whose", subject), "sha256")[:16].hex()


def found(
    stolen: Stolen, candidates: list[str], subjects: Callable[[str], Iterable[bytes]], keys: Iterable[bytes]
) -> list[int]:
    """Return the indexes of the candidates that the attacker recognises."""
    names, keys = stolen.names, list(keys)
    return [
        index
        for index, candidate in enumerate(candidates)
        if any(
            not names.isdisjoint((*names_under(keys, subject), *names_without_keys(subject)))
            for subject in subjects(candidate)
        )
    ]


def address_subjects(address: str) -> Iterator[bytes]:
    yield f"{address}/32".encode()


def subjects_without_pepper(key: bytes) -> Callable[[str], Iterator[bytes]]:
    """Return what could stand for a phone if no pepper were needed: itself, and its MAC under an application subkey."""

    def subjects(phone: str) -> Iterator[bytes]:
        yield phone.encode()
        yield f"sms {phone}".encode()
        yield hmac.digest(key, pseudonym_input("phone", phone), "sha256")[:PSEUDONYM_BYTES]
        yield hmac.digest(key, frame(b"sms", phone.encode()), "sha256")[:PSEUDONYM_BYTES]

    return subjects


def pseudonyms(stolen: Stolen) -> Callable[[str], Iterator[bytes]]:
    key = stolen.application_key.subkey("pseudonyms")

    def subjects(phone: str) -> Iterator[bytes]:
        mac = hmac.digest(stolen.pepper, pseudonym_input("phone", phone), "sha256")
        yield hmac.digest(key, mac, "sha256")[:PSEUDONYM_BYTES]

    return subjects


def blinding_keys(stolen: Stolen) -> list[bytes]:
    return [hmac.digest(stolen.application_key.subkey("limits"), key, "sha256") for key in stolen.daily_keys]


def test_a_stolen_valkey_does_not_reveal_who_asked_about_whom(stolen: Stolen) -> None:
    victims = list(VICTIMS)
    assert len(stolen.daily_keys) >= 1
    for victim in victims:
        assert PHONES[victim].encode() not in stolen.content
        assert ADDRESSES[victim].encode() not in stolen.content

    # with all that is in the store
    assert found(stolen, ADDRESSES, address_subjects, stolen.daily_keys) == []
    assert found(stolen, PHONES, subjects_without_pepper(b""), stolen.daily_keys) == []

    # and the application key: addresses, but no identifier
    keys = blinding_keys(stolen)
    assert found(stolen, ADDRESSES, address_subjects, keys) == victims
    assert found(stolen, PHONES, subjects_without_pepper(stolen.application_key.subkey("pseudonyms")), keys) == []

    # and the pepper: the names are there, so the attempts above were real ones
    assert found(stolen, PHONES, pseudonyms(stolen), keys) == victims
