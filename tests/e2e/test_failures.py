"""Whatever fails, the response is a 503 that says "try again", and never "not found"."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper, StoreKey
from app.datasets import PepperMismatch
from app.datasets.sealed_rows import table_name
from app.keyholder import KeyholderSocket, KeyholderUnavailable
from tests.support.deployment import Deployment, RecordingListener, make_row
from tests.support.external_servers import execute_autocommit
from tests.support.responses import assert_unavailable
from tests.support.running_server import running_server

pytestmark = pytest.mark.kill

PHONE = "010-2000-0002"
ROWS = [
    make_row("a1", email="min@example.com", name="김민수", items="name|email"),
    make_row("a2", phone=PHONE, email="jisoo@example.com", name="박지수", items="name|phone|email"),
    make_row("a3", phone="010-3000-0003", name="이서연", items="name|phone"),
]


@pytest.fixture
def dataset(deployment: Deployment) -> UUID:
    return deployment.import_and_publish(ROWS)


@pytest.fixture
def headers(deployment: Deployment, dataset: UUID) -> dict[str, str]:
    """Headers of a session that has read its exposures once, so that all caches are filled."""
    headers = deployment.sign_in(PHONE)
    assert len(deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]) == 1
    return headers


def assert_all_routes_unavailable(deployment: Deployment, headers: dict[str, str]) -> None:
    client = deployment.client
    assert_unavailable(client.get("/v1/exposures", headers=headers))
    assert_unavailable(client.post("/v1/exposures/check", headers=headers, json={"kind": "name", "value": "박지수"}))
    assert_unavailable(client.get("/v1/acknowledgements", headers=headers))
    acknowledgement = {"exposure_id": "0" * 32, "notice_version": 1, "locale": "ko"}
    assert_unavailable(client.post("/v1/acknowledgements", headers=headers, json=acknowledgement))
    assert_unavailable(client.get("/readyz"))


def test_an_emptied_partition(deployment: Deployment, dataset: UUID, headers: dict[str, str]) -> None:
    deployment.execute_sql(f"DELETE FROM {table_name(dataset)}")
    assert_all_routes_unavailable(deployment, headers)


def test_a_dropped_partition(deployment: Deployment, dataset: UUID, headers: dict[str, str]) -> None:
    deployment.execute_sql(f"DROP TABLE {table_name(dataset)}")
    assert_all_routes_unavailable(deployment, headers)


def test_a_deleted_sentinel(deployment: Deployment, dataset: UUID, headers: dict[str, str]) -> None:
    """Only the keys tell which row is the sentinel, so each row is deleted in turn, and one of them is the sentinel."""
    table = table_name(dataset)
    placeholder = "?" if deployment.database.is_sqlite else "%s"
    columns = "locator, entry, sealed, position" if deployment.database.is_sqlite else "locator, entry, sealed"
    unavailable = 0
    for row in deployment.execute_sql(f"SELECT {columns} FROM {table}"):
        deployment.execute_sql(f"DELETE FROM {table} WHERE locator = {placeholder}", row[0])
        response = deployment.client.get("/v1/exposures", headers=headers)
        if response.status_code != 200:
            assert_unavailable(response)
            unavailable += 1
        deployment.execute_sql(f"INSERT INTO {table} ({columns}) VALUES ({', '.join([placeholder] * len(row))})", *row)
    assert unavailable == 1


@pytest.mark.parametrize("column", ["locator", "sealed"])
@pytest.mark.parametrize("position", [0, -1])
def test_a_changed_byte_in_all_rows(
    deployment: Deployment, dataset: UUID, headers: dict[str, str], column: str, position: int
) -> None:
    table = table_name(dataset)
    placeholder = "?" if deployment.database.is_sqlite else "%s"
    for locator, value in deployment.execute_sql(f"SELECT locator, {column} FROM {table}"):
        changed = bytearray(value)
        changed[position] ^= 1
        deployment.execute_sql(
            f"UPDATE {table} SET {column} = {placeholder} WHERE locator = {placeholder}", bytes(changed), locator
        )
    assert_all_routes_unavailable(deployment, headers)


@pytest.mark.parametrize("change", [1, -1, 2**14])
def test_a_changed_entry_in_all_rows(
    deployment: Deployment, dataset: UUID, headers: dict[str, str], change: int
) -> None:
    deployment.execute_sql(f"UPDATE {table_name(dataset)} SET entry = entry + ({change})")
    assert_all_routes_unavailable(deployment, headers)


def test_text_instead_of_bytes(make_deployment: Callable[..., Deployment], sqlite_url: str) -> None:
    deployment = make_deployment(database_url=sqlite_url)
    dataset = deployment.import_and_publish(ROWS)
    headers = deployment.sign_in(PHONE)
    deployment.execute_sql(f"UPDATE {table_name(dataset)} SET sealed = 'text'")
    assert_all_routes_unavailable(deployment, headers)


def test_a_changed_byte_in_one_row(deployment: Deployment, dataset: UUID, headers: dict[str, str]) -> None:
    """Only lookups that read the changed row fail. Each row is changed in turn, including the person's own."""
    table = table_name(dataset)
    placeholder = "?" if deployment.database.is_sqlite else "%s"
    unavailable = 0
    for locator, sealed in deployment.execute_sql(f"SELECT locator, sealed FROM {table}"):
        changed = bytes([sealed[0] ^ 1]) + sealed[1:]
        deployment.execute_sql(
            f"UPDATE {table} SET sealed = {placeholder} WHERE locator = {placeholder}", changed, locator
        )
        response = deployment.client.get("/v1/exposures", headers=headers)
        if response.status_code != 200:
            assert_unavailable(response)
            unavailable += 1
        deployment.execute_sql(
            f"UPDATE {table} SET sealed = {placeholder} WHERE locator = {placeholder}", sealed, locator
        )
    assert unavailable == 2  # the person's row and the sentinel


def test_a_wrong_store_key(deployment: Deployment, headers: dict[str, str]) -> None:
    (key_id,) = deployment.keys.list_store_key_ids()
    deployment.keys.store_key_path(key_id).write_bytes(StoreKey.generate().reveal())
    assert_all_routes_unavailable(deployment, headers)


def test_a_missing_store_key(deployment: Deployment, headers: dict[str, str]) -> None:
    (key_id,) = deployment.keys.list_store_key_ids()
    deployment.keys.store_key_path(key_id).unlink()
    assert_all_routes_unavailable(deployment, headers)


def test_the_id_of_another_store_key(deployment: Deployment, dataset: UUID, headers: dict[str, str]) -> None:
    """The database names another existing store key as the data set's key."""
    other = deployment.import_rows(ROWS)
    key = deployment.execute_sql(f"SELECT key_id FROM data_sets WHERE id <> '{_stored_id(deployment, dataset)}'")[0][0]
    assert other.id != dataset
    deployment.execute_sql(f"UPDATE data_sets SET key_id = '{key}'")
    assert_all_routes_unavailable(deployment, headers)


def test_changed_kdf_params(deployment: Deployment, headers: dict[str, str]) -> None:
    deployment.execute_sql("UPDATE kdf_params SET time_cost = time_cost + 1")
    restarted = deployment.build_app()
    with running_server(restarted) as client:
        assert_unavailable(client.get("/v1/exposures", headers=headers))
    restarted.state.services.close()


@contextmanager
def keyholder_process(pepper: Path, socket: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a keyholder that a test may stop, kill, and restart on the same socket."""
    arguments = [sys.executable, "-m", "app.keyholder", str(socket), str(pepper), *KeyholderSocket]
    process = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdin
    assert process.stdout
    with process, process.stdin, process.stdout:
        try:
            assert process.stdout.readline() == b"ready\n"
            yield process
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


@pytest.fixture
def pepper(tmp_path: Path) -> Path:
    create_key_file(tmp_path / "pepper" / "pepper.key", Pepper.generate())
    return tmp_path / "pepper" / "pepper.key"


def test_a_dead_keyholder_and_its_restart(
    make_deployment: Callable[..., Deployment], pepper: Path, tmp_path: Path
) -> None:
    socket = tmp_path / "door"
    with keyholder_process(pepper, socket):
        deployment = make_deployment(keyholder_socket=socket)
        deployment.import_and_publish(ROWS)
        headers = deployment.sign_in(PHONE)
        assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    assert_all_routes_unavailable(deployment, headers)
    with keyholder_process(pepper, socket):
        assert len(deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]) == 1


def test_a_hung_keyholder(make_deployment: Callable[..., Deployment], pepper: Path, tmp_path: Path) -> None:
    socket = tmp_path / "door"
    with keyholder_process(pepper, socket) as process:
        deployment = make_deployment(keyholder_socket=socket)
        deployment.import_and_publish(ROWS)
        headers = deployment.sign_in(PHONE)
        process.send_signal(signal.SIGSTOP)
        assert_all_routes_unavailable(deployment, headers)
        process.send_signal(signal.SIGCONT)
        assert len(deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]) == 1


def test_a_keyholder_that_hangs_after_the_sentinels_were_verified(
    make_deployment: Callable[..., Deployment], pepper: Path, tmp_path: Path
) -> None:
    """Requests that do not need the keyholder succeed. Those that do get a 503 and consume nothing."""
    socket = tmp_path / "door"
    with keyholder_process(pepper, socket) as process:
        deployment = make_deployment(keyholder_socket=socket)
        deployment.import_and_publish(ROWS)
        headers = deployment.sign_in(PHONE)
        client = deployment.client
        exposures = client.get("/v1/exposures", headers=headers).json()["exposures"]
        started = deployment.request_code(PHONE)
        code = deployment.deliver_outbox()[-1].code
        process.send_signal(signal.SIGSTOP)
        assert client.get("/v1/exposures", headers=headers).json()["exposures"] == exposures
        assert_unavailable(deployment.confirm_code(started, "00000000"))
        assert_all_routes_unavailable(deployment, headers)  # the timeout closed the connection
        process.send_signal(signal.SIGCONT)
        assert deployment.confirm_code(started, f"{(int(code) + 1) % 10**8:08}").json()["tries_left"] == 4
        assert deployment.confirm_code(started, code).status_code == 200


def test_a_wrong_pepper(make_deployment: Callable[..., Deployment], pepper: Path, tmp_path: Path) -> None:
    socket = tmp_path / "door"
    with keyholder_process(pepper, socket):
        deployment = make_deployment(keyholder_socket=socket)
        deployment.import_and_publish(ROWS)
        headers = deployment.sign_in(PHONE)
        assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    create_key_file(tmp_path / "other.key", Pepper.generate())
    with keyholder_process(tmp_path / "other.key", socket):
        assert_all_routes_unavailable(deployment, headers)
        started = deployment.request_code(PHONE)
        code = deployment.deliver_outbox()[-1].code
        assert_unavailable(
            deployment.confirm_code(started, code)
        )  # otherwise the session would hold a digest that matches nothing
    with keyholder_process(pepper, socket):
        assert deployment.confirm_code(started, code).status_code == 200
        assert len(deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]) == 1


def test_a_wrong_pepper_is_detected_before_anything_is_published(
    make_deployment: Callable[..., Deployment], pepper: Path, tmp_path: Path
) -> None:
    """There is no sentinel to read yet: the check value of the KDF parameters detects it."""
    socket = tmp_path / "door"
    create_key_file(tmp_path / "other.key", Pepper.generate())
    with keyholder_process(pepper, socket):
        deployment = make_deployment(keyholder_socket=socket)
        staged = deployment.import_rows(ROWS)
    with keyholder_process(tmp_path / "other.key", socket):
        started = deployment.request_code(PHONE)
        code = deployment.deliver_outbox()[-1].code
        assert_unavailable(deployment.confirm_code(started, code))
        with pytest.raises(PepperMismatch):
            deployment.import_rows(ROWS)
    with keyholder_process(pepper, socket):
        confirmed = deployment.confirm_code(started, code)
        deployment.publish(staged.id)
        headers = {"Authorization": f"Bearer {confirmed.json()['access_token']}"}
        assert len(deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]) == 1


def test_the_pepper_changes_during_an_import(
    make_deployment: Callable[..., Deployment], pepper: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows sealed before and after could never both be found, so the import keeps nothing."""
    monkeypatch.setattr("app.importing.pipeline.ROWS_PER_PARTITION", 1)
    socket = tmp_path / "keyholder_socket"
    create_key_file(tmp_path / "other.key", Pepper.generate())
    with ExitStack() as stack:
        keyholder = stack.enter_context(keyholder_process(pepper, socket))
        deployment = make_deployment(keyholder_socket=socket)

        def swap_keyholder(stage: str, done: int) -> None:
            if (stage, done) == ("seal", 1):
                keyholder.kill()
                keyholder.wait()
                stack.enter_context(keyholder_process(tmp_path / "other.key", socket))

        with pytest.raises(PepperMismatch):
            deployment.import_rows(ROWS, listener=RecordingListener(swap_keyholder))
    assert deployment.keys.list_store_key_ids() == []
    assert deployment.execute_sql("SELECT count(*) FROM data_sets") == [(0,)]


def test_a_failing_keyholder_consumes_neither_attempt_nor_code(
    make_deployment: Callable[..., Deployment], pepper: Path, tmp_path: Path
) -> None:
    socket = tmp_path / "door"
    with keyholder_process(pepper, socket):
        deployment = make_deployment(keyholder_socket=socket)
        deployment.import_and_publish(ROWS)
        started = deployment.request_code(PHONE)
        code = deployment.deliver_outbox()[-1].code
    for attempt in ("00000000", code, code, "00000000", "00000000", "00000000"):
        assert_unavailable(deployment.confirm_code(started, attempt))
    with keyholder_process(pepper, socket):
        wrong = deployment.confirm_code(started, f"{(int(code) + 1) % 10**8:08}")
        assert wrong.json()["tries_left"] == 4
        assert deployment.confirm_code(started, code).status_code == 200


def test_a_keyholder_that_dies_between_two_requests(deployment: Deployment, dataset: UUID) -> None:
    """The code is correct but the identifier cannot be hashed: nothing is consumed."""
    started = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[-1].code
    keyholder = deployment.app.state.services.keyholder
    mac = keyholder.mac

    def raise_unavailable(message: bytes, *, connection_id: int | None = None) -> bytes:
        raise KeyholderUnavailable("the keyholder cannot be reached")

    keyholder.mac = raise_unavailable
    assert_unavailable(deployment.confirm_code(started, code))
    keyholder.mac = mac
    assert deployment.confirm_code(started, code).status_code == 200


def test_a_dead_database(deployment: Deployment, headers: dict[str, str], request: pytest.FixtureRequest) -> None:
    url = deployment.database.url
    assert url.database
    deployment.database.close()
    if deployment.database.is_sqlite:
        deployment.app.state.services.database.close()
        shutil.rmtree(Path(url.database).parent)
    else:
        execute_autocommit(request.getfixturevalue("postgresql_url"), f'DROP DATABASE "{url.database}" WITH (FORCE)')
    assert_all_routes_unavailable(deployment, headers)
    assert_unavailable(deployment.request_code(PHONE))
    assert deployment.client.get("/healthz").status_code == 200


def _stored_id(deployment: Deployment, dataset: UUID) -> str:
    return dataset.hex if deployment.database.is_sqlite else str(dataset)
