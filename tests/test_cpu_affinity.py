"""A server's threads are pinned to a core that no other server uses; Argon2id runs on any core."""

import os
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from app import cpu_affinity
from app.cli import uvicorn_runner
from app.config import Settings
from app.datasets.argon2_slots import Argon2Slots
from app.delivery import ConsoleSender

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="CPU affinity is Linux only: elsewhere pin_to_core does nothing"
)


@pytest.fixture(autouse=True)
def _unpinned_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Start unpinned, with claims that other servers on this machine cannot hold."""
    monkeypatch.setattr(cpu_affinity, "_pinned", None)
    monkeypatch.setattr(cpu_affinity, "_CLAIM_PREFIX", f"\0exposure-test/{os.getpid()}/{os.urandom(4).hex()}/")
    yield
    release_core()


def release_core() -> None:
    """Release the claimed core, as the system does at the end of a process."""
    if cpu_affinity._pinned is not None:
        cpu_affinity._pinned.claim.close()


def in_thread(work: Callable[[], Any]) -> Any:
    """Call *work* in a new thread, so that pinning affects no other thread, and return its result."""
    results: list[Any] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


def allowed_cores() -> set[int]:
    return set(os.sched_getaffinity(0))


def test_a_pinned_thread_and_its_children_use_one_core() -> None:
    all_cores = allowed_cores()
    core, own_cores, child_cores = in_thread(
        lambda: (cpu_affinity.pin_to_core(), allowed_cores(), in_thread(allowed_cores))
    )
    assert core in all_cores
    assert own_cores == child_cores == {core}
    assert allowed_cores() == all_cores


def test_each_server_claims_its_own_core_and_one_without_stays_unpinned(monkeypatch: pytest.MonkeyPatch) -> None:
    all_cores = allowed_cores()
    outcomes = []
    for _ in range(len(all_cores) + 1):
        outcomes.append(in_thread(lambda: (cpu_affinity.pin_to_core(), allowed_cores(), cpu_affinity._pinned)))
        monkeypatch.setattr(cpu_affinity, "_pinned", None)
    for _, _, pinned in outcomes[:-1]:
        pinned.claim.close()
    assert {core for core, _, _ in outcomes[:-1]} == all_cores
    assert outcomes[-1] == (None, all_cores, None)


def test_a_core_is_free_after_its_server_ends() -> None:
    first = in_thread(cpu_affinity.pin_to_core)
    release_core()
    assert in_thread(cpu_affinity.pin_to_core) == first


def test_argon2id_runs_on_any_core() -> None:
    all_cores = allowed_cores()

    def hash_once_pinned() -> tuple[set[int], set[int], set[int]]:
        cpu_affinity.pin_to_core()
        before = allowed_cores()
        with Argon2Slots(1):
            during = allowed_cores()
        return before, during, allowed_cores()

    before, during, after = in_thread(hash_once_pinned)
    assert len(before) == 1
    assert during == all_cores
    assert after == before


def test_an_unpinned_process_stays_unpinned() -> None:
    with Argon2Slots(1):
        assert allowed_cores() == in_thread(allowed_cores)
    assert len(allowed_cores()) == len(os.sched_getaffinity(os.getpid()))


def test_a_server_is_pinned_before_it_starts_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    observed: list[set[int]] = []

    def create_app(*_: object, **__: object) -> None:
        observed.append(allowed_cores())

    monkeypatch.setattr(uvicorn_runner, "create_app", create_app)
    in_thread(
        lambda: uvicorn_runner._build_pinned_app(
            cast("Settings", None), Path("keyholder"), lambda: ConsoleSender(as_json=True), 1
        )
    )
    assert [len(cores) for cores in observed] == [1]
