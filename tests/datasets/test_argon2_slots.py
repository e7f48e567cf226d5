"""Argon2id takes a core: at most so many at once, and whoever waits in vain has spent nothing."""

import threading
from collections.abc import Callable

import pytest

from app.datasets import HashingOverloaded, Argon2Slots
from tests.support.deployment import Deployment, make_row

PHONE = "010-2000-0002"


def test_no_more_at_once_than_there_are_turns() -> None:
    turns = Argon2Slots(2, patience=60)
    inside: list[int] = []
    most: list[int] = []
    entered = threading.Barrier(2)

    def take() -> None:
        with turns:
            inside.append(1)
            most.append(len(inside))
            entered.wait(60)  # two are needed to get on, so two are let in
            inside.pop()

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(most) == 6
    assert max(most) == 2


def test_a_failure_gives_the_turn_back() -> None:
    turns = Argon2Slots(1, patience=0)
    for _ in range(2):
        with pytest.raises(RuntimeError), turns:
            raise RuntimeError
    with turns, pytest.raises(HashingOverloaded), turns:
        pass


def test_who_waits_in_vain_has_spent_neither_try_nor_code(
    make_deployment: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Argon2Slots(1, patience=0.01)
    monkeypatch.setattr("app.main.Argon2Slots", lambda at_once: turns)
    deployment = make_deployment()
    deployment.import_and_publish([make_row("a1", phone=PHONE, items="name|phone")])
    asked = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[-1].code
    with turns:
        for _ in range(7):
            crowded = deployment.confirm_code(asked, code)
            assert crowded.status_code == 503
            assert int(crowded.headers["retry-after"]) > 0
    wrong = deployment.confirm_code(asked, f"{(int(code) + 1) % 10**8:08}")
    assert wrong.json()["tries_left"] == 4
    assert deployment.confirm_code(asked, code).status_code == 200


@pytest.mark.parametrize(("cores", "workers", "expected"), [(4, 1, 4), (4, 2, 2), (2, 4, 1), (None, 1, 1)])
def test_the_workers_share_the_cores(
    make_deployment: Callable[..., Deployment],
    monkeypatch: pytest.MonkeyPatch,
    sqlite_url: str,
    cores: int | None,
    workers: int,
    expected: int,
) -> None:
    made: list[int] = []
    monkeypatch.setattr("app.main.Argon2Slots", lambda at_once: made.append(max(1, at_once)) or Argon2Slots(at_once))
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    deployment = make_deployment(database_url=sqlite_url)
    app = deployment.build_app(workers=workers)
    app.state.services.close()
    assert made == [expected]
