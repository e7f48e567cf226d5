"""The limit for concurrent Argon2id computations: it holds, and a caller that gets no slot has spent nothing."""

import threading
from collections.abc import Callable

import pytest

from app.datasets.argon2_slots import Argon2Slots, HashingOverloaded
from tests.support.deployment import Deployment, make_row

PHONE = "010-2000-0002"


def test_concurrency_is_limited_to_the_slot_count() -> None:
    slots = Argon2Slots(2, timeout=60)
    active: list[int] = []
    observed_counts: list[int] = []
    both_inside = threading.Barrier(2)

    def hold_slot() -> None:
        with slots:
            active.append(1)
            observed_counts.append(len(active))
            both_inside.wait(60)  # passes only if two threads hold a slot at once
            active.pop()

    threads = [threading.Thread(target=hold_slot) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(observed_counts) == 6
    assert max(observed_counts) == 2


def test_an_exception_releases_the_slot() -> None:
    slots = Argon2Slots(1, timeout=0)
    for _ in range(2):
        with pytest.raises(RuntimeError), slots:
            raise RuntimeError
    with slots, pytest.raises(HashingOverloaded), slots:
        pass


def test_overload_consumes_neither_attempt_nor_code(
    make_deployment: Callable[..., Deployment], monkeypatch: pytest.MonkeyPatch
) -> None:
    slots = Argon2Slots(1, timeout=0.01)
    monkeypatch.setattr("app.bootstrap.Argon2Slots", lambda slot_count: slots)
    deployment = make_deployment()
    deployment.import_and_publish([make_row("a1", phone=PHONE, items="name|phone")])
    requested = deployment.request_code(PHONE)
    code = deployment.deliver_outbox()[-1].code
    with slots:
        for _ in range(7):
            overloaded = deployment.confirm_code(requested, code)
            assert overloaded.status_code == 503
            assert int(overloaded.headers["retry-after"]) > 0
    wrong_code_response = deployment.confirm_code(requested, f"{(int(code) + 1) % 10**8:08}")
    assert wrong_code_response.json()["tries_left"] == 4
    assert deployment.confirm_code(requested, code).status_code == 200


@pytest.mark.parametrize(("cores", "workers", "expected"), [(4, 1, 4), (4, 2, 2), (2, 4, 1), (None, 1, 1)])
def test_worker_processes_share_the_cores(
    make_deployment: Callable[..., Deployment],
    monkeypatch: pytest.MonkeyPatch,
    sqlite_url: str,
    cores: int | None,
    workers: int,
    expected: int,
) -> None:
    slot_counts: list[int] = []

    def create_slots(slot_count: int) -> Argon2Slots:
        slot_counts.append(max(1, slot_count))
        return Argon2Slots(slot_count)

    monkeypatch.setattr("app.bootstrap.Argon2Slots", create_slots)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    deployment = make_deployment(database_url=sqlite_url)
    app = deployment.build_app(workers=workers)
    app.state.services.close()
    assert slot_counts == [expected]
