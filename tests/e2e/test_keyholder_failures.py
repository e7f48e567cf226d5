"""If the keyholder is dead, hung or has another pepper, the response is a 503 that says "try again", and never "not found"."""

import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

import pytest

from app.crypto.key_files import create_key_file
from app.crypto.keys import Pepper
from app.datasets.errors import PepperMismatch
from app.keyholder import KeyholderSocket, KeyholderUnavailable
from tests.e2e.helpers import PHONE, ROWS, assert_all_routes_unavailable
from tests.support.deployment import Deployment, RecordingListener
from tests.support.permissive_limits import permissive_limits
from tests.support.responses import assert_unavailable, comparable_response

pytestmark = pytest.mark.kill


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


def test_no_code_is_requested_and_nothing_is_spent_while_the_keyholder_is_dead(
    make_deployment: Callable[..., Deployment], pepper: Path, tmp_path: Path
) -> None:
    """The client gets the same answer for every identifier, and as many codes afterwards as before."""
    socket, limits_file = tmp_path / "door", tmp_path / "small.toml"
    limits_file.write_text(permissive_limits({"client.unverified_codes": "6/day", "target.codes": "3/hour"}))
    with keyholder_process(pepper, socket):
        deployment = make_deployment(keyholder_socket=socket, limits_file=limits_file)
        deployment.import_and_publish(ROWS)
        verification = deployment.request_code(PHONE)
        deployment.deliver_outbox()
    answers = [deployment.request_code(identifier) for identifier in (PHONE, "010-4000-0004", "min@example.com") * 3]
    for answer in answers:
        assert_unavailable(answer)
    assert len({repr(comparable_response(answer)) for answer in answers}) == 1
    assert deployment.execute_sql("SELECT count(*) FROM verifications") == [(1,)]
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]
    deployment.clock.advance(minutes=1)
    body = verification.json()
    resent = deployment.client.post(
        f"/v1/verifications/{body['id']}/resend", json={"client_secret": body["client_secret"]}
    )
    assert resent.status_code == 202  # the verification carries its pseudonym
    with keyholder_process(pepper, socket):
        assert deployment.request_code(PHONE).status_code == 202
        assert len(deployment.deliver_outbox()) == 2
        assert deployment.request_code(PHONE).status_code == 429
        assert deployment.confirm_code(resent, deployment.sender.messages[-2].code).status_code == 200


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
