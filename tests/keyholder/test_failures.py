"""A keyholder that is dead, hung, new, or none: always `KeyholderUnavailable`, never an answer."""

import contextlib
import hmac
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.crypto import mac_inputs
from app.crypto.framing import frame, split
from app.keyholder import KeyholderClient, KeyholderUnavailable, import_socket_path
from app.keyholder.client import TEXTS_AT_ONCE
from app.keyholder.protocol import DONE, REFUSED, REQUEST_LIMIT, receive, send
from tests.keyholder.helpers import (
    OTHER_PEPPER,
    PATIENCE,
    PEPPER,
    eventually,
    false_server,
    hang,
    write_pepper_file,
    running_keyholder,
    short_folder,
)

HEADING, TEXT = mac_inputs.value_prefix("name"), "홍길동".encode()
MESSAGE = mac_inputs.value_input("name", "홍길동")
ANSWER = hmac.digest(PEPPER, MESSAGE, "sha256")


@pytest.fixture
def folder() -> Iterator[Path]:
    with short_folder() as folder:
        write_pepper_file(folder / "pepper.key")
        yield folder


def unavailable(keyholder: KeyholderClient) -> None:
    """Every way to ask ends in the one error."""
    for ask in (
        keyholder.ping,
        keyholder.connection,
        lambda: keyholder.mac(MESSAGE),
        lambda: keyholder.mac_many(HEADING, [TEXT, TEXT]),
        lambda: keyholder.mac_many(HEADING, [TEXT]),
    ):
        with pytest.raises(KeyholderUnavailable) as caught:
            ask()
        assert caught.value.__cause__ is None


def test_nobody_there(folder: Path) -> None:
    (folder / "file").write_text("")
    for path in (folder / "door", folder / "file", folder / "none" / "door", folder, folder / ("x" * 200)):
        with KeyholderClient(path) as keyholder:
            unavailable(keyholder)


def test_a_dead_keyholder(folder: Path) -> None:
    with running_keyholder(folder / "door", folder / "pepper.key") as process, KeyholderClient(folder / "door") as keyholder:
        assert keyholder.mac(MESSAGE) == ANSWER
        process.kill()
        process.wait(PATIENCE)
        unavailable(keyholder)
        with KeyholderClient(folder / "door") as newcomer:
            unavailable(newcomer)


def test_a_hung_keyholder(folder: Path) -> None:
    with (
        running_keyholder(folder / "door", folder / "pepper.key") as process,
        KeyholderClient(folder / "door", timeout=0.2) as keyholder,
        KeyholderClient(folder / "door", timeout=0.2) as newcomer,
    ):
        assert keyholder.mac(MESSAGE) == ANSWER
        hang(process)
        unavailable(keyholder)
        unavailable(newcomer)
        process.send_signal(signal.SIGCONT)
        assert eventually(lambda: _answers(keyholder))
        assert eventually(lambda: _answers(newcomer))


def test_where_a_connection_stands_nothing_is_asked_of_it(folder: Path) -> None:
    """So one that hangs is noticed by whoever has a question, and one that died by everybody."""
    with (
        running_keyholder(folder / "door", folder / "pepper.key") as process,
        KeyholderClient(folder / "door", timeout=0.2) as keyholder,
    ):
        number = keyholder.connection_id()
        hang(process)
        assert keyholder.connection_id() == number
        with pytest.raises(KeyholderUnavailable, match="in time"):
            keyholder.ping()
        with pytest.raises(KeyholderUnavailable):
            keyholder.connection_id()


def test_one_that_says_something_unasked_is_not_trusted() -> None:
    def answer(connection: socket.socket) -> None:
        receive(connection)
        send(connection, DONE)
        send(connection, b"something")
        receive(connection)

    with (
        short_folder() as folder,
        false_server(folder / "door", answer),
        KeyholderClient(folder / "door", timeout=5.0) as keyholder,
    ):
        assert keyholder.connection_id() == 1
        with pytest.raises(KeyholderUnavailable):
            while keyholder.connection_id() == 1:
                pass


def test_an_answer_that_came_too_late_is_not_taken_for_the_next(folder: Path) -> None:
    with (
        running_keyholder(folder / "door", folder / "pepper.key") as process,
        KeyholderClient(folder / "door", timeout=0.2) as keyholder,
    ):
        number = keyholder.connection_id()
        hang(process)
        with pytest.raises(KeyholderUnavailable, match="in time"):
            keyholder.mac(mac_inputs.value_input("name", "somebody else"))
        process.send_signal(signal.SIGCONT)
        assert eventually(lambda: _answers(keyholder))
        assert keyholder.connection_id() > number


def test_no_queue_builds_up_behind_a_hung_keyholder(folder: Path) -> None:
    """Who waited in vain for a turn gives up, and does not try for itself: few connections are made, not one for each."""
    with (
        running_keyholder(folder / "door", folder / "pepper.key") as process,
        KeyholderClient(folder / "door", timeout=1.0) as keyholder,
        ThreadPoolExecutor(60) as threads,
    ):
        before = keyholder.connection_id()
        hang(process)
        asked = [threads.submit(keyholder.mac, MESSAGE) for _ in range(60)]
        errors = [one.exception(timeout=2 * PATIENCE) for one in asked]
        assert {type(error) for error in errors} == {KeyholderUnavailable}
        process.send_signal(signal.SIGCONT)
        assert eventually(lambda: _answers(keyholder))
        assert keyholder.connection_id() - before < 30


def test_threads_share_a_connection_and_get_their_own_answers(folder: Path) -> None:
    asked = [mac_inputs.value_input("name", str(number)) for number in range(300)]
    with (
        running_keyholder(folder / "door", folder / "pepper.key"),
        KeyholderClient(folder / "door", timeout=PATIENCE) as keyholder,
        ThreadPoolExecutor(16) as threads,
    ):
        number = keyholder.connection_id()
        answers = list(threads.map(keyholder.mac, asked))
        assert keyholder.connection_id() == number
    assert answers == [hmac.digest(PEPPER, message, "sha256") for message in asked]


def test_a_restarted_keyholder_is_reached_again_and_noticed(folder: Path) -> None:
    with KeyholderClient(folder / "door", timeout=PATIENCE) as keyholder:
        with running_keyholder(folder / "door", folder / "pepper.key"):
            first = keyholder.connection_id()
            assert keyholder.connection_id() == first
            assert keyholder.mac(MESSAGE) == ANSWER
        assert (folder / "door").is_socket()  # a killed one leaves it behind
        with pytest.raises(KeyholderUnavailable):
            keyholder.connection_id()
        with running_keyholder(folder / "door", folder / "pepper.key"):
            second = keyholder.connection_id()
            assert second != first
            assert keyholder.mac(MESSAGE) == ANSWER
            assert keyholder.connection_id() == second


def test_one_restarted_between_two_questions_is_asked_without_a_failure(folder: Path) -> None:
    """With another pepper, even: which is why the connection has a number."""
    write_pepper_file(folder / "other.key", OTHER_PEPPER)
    with KeyholderClient(folder / "door", timeout=PATIENCE) as keyholder:
        with running_keyholder(folder / "door", folder / "pepper.key"):
            first = keyholder.connection_id()
        with running_keyholder(folder / "door", folder / "other.key"):
            assert keyholder.mac(MESSAGE) == hmac.digest(OTHER_PEPPER, MESSAGE, "sha256")
            assert keyholder.connection_id() != first


def test_one_that_was_left_is_connected_to_anew(folder: Path) -> None:
    with (
        running_keyholder(folder / "door", folder / "pepper.key"),
        KeyholderClient(folder / "door", timeout=PATIENCE) as keyholder,
    ):
        first = keyholder.connection_id()
        keyholder.close()
        keyholder.close()
        assert keyholder.connection_id() == first + 1


def test_both_doors_of_the_command(folder: Path) -> None:
    subject = mac_inputs.subject_input("sample", "A-1", "")
    with running_keyholder(folder / "door", folder / "pepper.key"):
        for path in (folder / "door", import_socket_path(folder / "door")):
            assert path.stat().st_mode & 0o777 == 0o600
        with KeyholderClient(import_socket_path(folder / "door"), timeout=PATIENCE) as keyholder:
            assert keyholder.mac(subject) == hmac.digest(PEPPER, subject, "sha256")
            assert keyholder.mac_many(HEADING, [b"", TEXT])[mac_inputs.MAC_BYTES :] == ANSWER


def _say(payload: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        while True:
            receive(connection)
            send(connection, payload)

    return answer


def _say_raw(raw: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        receive(connection)
        connection.sendall(raw)

    return answer


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(_say(b""), id="nothing"),
        pytest.param(_say(REFUSED), id="refused"),
        pytest.param(_say(REFUSED + bytes(32)), id="refused with an answer"),
        pytest.param(_say(b"\2" + bytes(32)), id="unknown status"),
        pytest.param(_say(DONE + bytes(31)), id="too short"),
        pytest.param(_say(DONE + bytes(33)), id="too long"),
        pytest.param(_say(DONE + bytes(32 * 3)), id="too many"),
        pytest.param(_say(b"HTTP/1.1 400 Bad Request"), id="another protocol, framed"),
        pytest.param(_say_raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"), id="another protocol"),
        pytest.param(_say_raw((REQUEST_LIMIT + 1).to_bytes(4, "big")), id="vast"),
        pytest.param(_say_raw(b"\xff" * 100), id="garbage"),
        pytest.param(_say_raw(b"\0\0\0\x21\0cut short"), id="cut short"),
        pytest.param(_say_raw(b"\0\0"), id="half a length"),
        pytest.param(_say_raw(b""), id="leaves after the question"),
        pytest.param(lambda connection: connection.close(), id="leaves at once"),
    ],
)
def test_something_else_at_the_socket(answer: Callable[[socket.socket], object]) -> None:
    with (
        short_folder() as folder,
        false_server(folder / "door", answer),
        KeyholderClient(folder / "door", timeout=5.0) as keyholder,
    ):
        unavailable(keyholder)


def test_one_that_only_says_that_it_is_there() -> None:
    with (
        short_folder() as folder,
        false_server(folder / "door", _say(DONE)),
        KeyholderClient(folder / "door", timeout=5.0) as keyholder,
    ):
        assert keyholder.connection_id() == 1
        for texts in ([TEXT], [TEXT, TEXT]):
            with pytest.raises(KeyholderUnavailable):
                keyholder.mac_many(HEADING, texts)
        with pytest.raises(KeyholderUnavailable):
            keyholder.mac(MESSAGE)


def test_one_that_leaves_between_two_requests_of_a_batch() -> None:
    """Half an answer is none."""
    asked: list[int] = []

    def answer(connection: socket.socket) -> None:
        if not asked:
            count = len(split(receive(connection))) - 2
            asked.append(count)
            send(connection, DONE + bytes(32 * count))

    with (
        short_folder() as folder,
        false_server(folder / "door", answer),
        KeyholderClient(folder / "door", timeout=5.0) as keyholder,
        pytest.raises(KeyholderUnavailable),
    ):
        keyholder.mac_many(HEADING, [TEXT] * (TEXTS_AT_ONCE + 1))
    assert asked == [TEXTS_AT_ONCE]


@pytest.mark.parametrize("more", [-1, 1])
def test_one_that_answers_another_number_of_texts(more: int) -> None:
    def answer(connection: socket.socket) -> None:
        while True:
            count = len(split(receive(connection))) - 2
            send(connection, DONE + bytes(32 * (count + more)))

    with (
        short_folder() as folder,
        false_server(folder / "door", answer),
        KeyholderClient(folder / "door", timeout=5.0) as keyholder,
    ):
        for number in (1, 2, 1000):
            with pytest.raises(KeyholderUnavailable, match="refuses"):
                keyholder.mac_many(HEADING, [TEXT] * number)


def test_a_connection_that_spoke_otherwise_is_not_used_again() -> None:
    """What it still has to say would be taken for the answer to the next question."""
    connections: list[socket.socket] = []

    def answer(connection: socket.socket) -> None:
        connections.append(connection)
        receive(connection)
        send(connection, DONE + bytes(31))
        if len(connections) == 1:
            send(connection, DONE + b"another's".ljust(32))
        while receive(connection):
            send(connection, DONE + bytes(32))

    with (
        short_folder() as folder,
        false_server(folder / "door", answer),
        KeyholderClient(folder / "door", timeout=5.0) as keyholder,
    ):
        with pytest.raises(KeyholderUnavailable):
            keyholder.mac(MESSAGE)
        with pytest.raises(KeyholderUnavailable):
            keyholder.mac(MESSAGE)
        assert len(connections) == 2


def test_a_question_that_was_broken_off_leaves_no_answer_behind(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """As by Ctrl-C between question and answer."""

    def interrupted(_: socket.socket) -> bytes:
        raise KeyboardInterrupt

    with running_keyholder(folder / "door", folder / "pepper.key"), KeyholderClient(folder / "door", timeout=PATIENCE) as keyholder:
        assert keyholder.mac(MESSAGE) == ANSWER
        with monkeypatch.context() as patched:
            patched.setattr("app.keyholder.client.receive", interrupted)
            with pytest.raises(KeyboardInterrupt):
                keyholder.mac(mac_inputs.value_input("name", "somebody else"))
        assert keyholder.mac(MESSAGE) == ANSWER


def test_a_keyholder_outlives_callers_who_speak_otherwise(folder: Path) -> None:
    with running_keyholder(folder / "door", folder / "pepper.key"), KeyholderClient(folder / "door", timeout=PATIENCE) as keyholder:
        number = keyholder.connection_id()
        for raw in (b"", b"\0", b"\xff" * 8, (REQUEST_LIMIT + 1).to_bytes(4, "big"), b"GET / HTTP/1.1\r\n\r\n"):
            with socket.socket(socket.AF_UNIX) as caller:
                caller.settimeout(PATIENCE)
                caller.connect(str(folder / "door"))
                caller.sendall(raw)
                caller.shutdown(socket.SHUT_WR)
                with contextlib.suppress(ConnectionResetError):
                    assert caller.recv(100) == b""
        with socket.socket(socket.AF_UNIX) as caller:
            caller.settimeout(PATIENCE)
            caller.connect(str(folder / "door"))
            for payload in (b"\xff", b"\0\5abc", b"\0\0", HEADING, HEADING + b"\0", HEADING + frame(b"", b"")):
                send(caller, payload)
                assert receive(caller) == REFUSED
            send(caller, b"")
            assert receive(caller) == DONE
        assert keyholder.mac(MESSAGE) == ANSWER
        assert keyholder.connection_id() == number


def test_one_slow_caller_does_not_hold_up_another(folder: Path) -> None:
    with running_keyholder(folder / "door", folder / "pepper.key"), socket.socket(socket.AF_UNIX) as idle:
        idle.connect(str(folder / "door"))
        idle.sendall(b"\0")
        with KeyholderClient(folder / "door", timeout=PATIENCE) as keyholder:
            assert keyholder.mac(MESSAGE) == ANSWER


def _answers(keyholder: KeyholderClient) -> bool:
    try:
        return keyholder.mac(MESSAGE) == ANSWER
    except KeyholderUnavailable:
        return False


def test_no_thread_is_left_behind(folder: Path) -> None:
    before = threading.active_count()
    with running_keyholder(folder / "door", folder / "pepper.key"), KeyholderClient(folder / "door", timeout=PATIENCE) as keyholder:
        keyholder.mac(MESSAGE)
    assert threading.active_count() == before
