"""A server keeps to one core that no other keeps to; what needs no interpreter roams."""

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from app import cpu_affinity
from app.config import Settings
from app.datasets import Argon2Slots
from app.delivery import ConsoleSender
from app.faces.cli import uvicorn_runner

pytestmark = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="nobody chooses here")


@pytest.fixture(autouse=True)
def _alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nobody has settled, and servers that run on this machine meanwhile take nothing away."""
    monkeypatch.setattr(cpu_affinity, "_home", None)
    monkeypatch.setattr(cpu_affinity, "_CLAIM", f"\0exposure-test/{os.getpid()}/{os.urandom(4).hex()}/")
    yield
    leave()


def leave() -> None:
    """Give a core back, as the system does at the end of a process."""
    if cpu_affinity._home is not None:
        cpu_affinity._home.claim.close()


def in_thread(work: Callable[[], Any]) -> Any:
    """Do *work* where it binds no other thread."""
    found: list[Any] = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def here() -> set[int]:
    return set(os.sched_getaffinity(0))


def test_a_thread_that_settles_and_those_that_it_starts_keep_to_one_core() -> None:
    everywhere = here()
    core, own, others = in_thread(lambda: (cpu_affinity.pin_to_core(), here(), in_thread(here)))
    assert core in everywhere
    assert own == others == {core}
    assert here() == everywhere


def test_each_server_has_a_core_of_its_own_and_who_finds_none_runs_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    everywhere = here()
    homes = []
    for _ in range(len(everywhere) + 1):
        homes.append(in_thread(lambda: (cpu_affinity.pin_to_core(), here(), cpu_affinity._home)))
        monkeypatch.setattr(cpu_affinity, "_home", None)
    for _, _, home in homes[:-1]:
        home.claim.close()
    assert {core for core, _, _ in homes[:-1]} == everywhere
    assert homes[-1] == (None, everywhere, None)


def test_a_core_is_free_again_when_who_had_it_is_gone() -> None:
    first = in_thread(cpu_affinity.pin_to_core)
    leave()
    assert in_thread(cpu_affinity.pin_to_core) == first


def test_a_turn_at_argon2id_is_taken_anywhere() -> None:
    everywhere = here()

    def take_a_turn() -> tuple[set[int], set[int], set[int]]:
        cpu_affinity.pin_to_core()
        before = here()
        with Argon2Slots(1):
            meanwhile = here()
        return before, meanwhile, here()

    before, meanwhile, after = in_thread(take_a_turn)
    assert len(before) == 1
    assert meanwhile == everywhere
    assert after == before


def test_who_has_not_settled_is_left_alone() -> None:
    with Argon2Slots(1):
        assert here() == in_thread(here)
    assert len(here()) == len(os.sched_getaffinity(os.getpid()))


def test_a_server_settles_before_it_starts_a_thread() -> None:
    seen: list[set[int]] = []

    def create_app(*_: object, **__: object) -> None:
        seen.append(here())

    in_thread(
        lambda: uvicorn_runner._build(
            cast("Any", create_app), cast("Settings", None), Path("door"), lambda: ConsoleSender(as_json=True), 1
        )
    )
    assert [len(one) for one in seen] == [1]
