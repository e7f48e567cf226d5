"""Background jobs: each runs at its own interval, and a failing one does not stop the others."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from app import background
from app.background import ERASURE_SECONDS, TICK_SECONDS, BackgroundJobs
from app.crypto.key_ratchet import epoch_of
from app.crypto.ratchet_file import RatchetFile
from app.delivery import Message
from tests.support.deployment import Deployment, FakeSender


class BrokenSender(FakeSender):
    def send(self, message: Message) -> None:
        raise RuntimeError("no route to the provider")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The jobs do not depend on the engine."""
    return sqlite_url


def count_outbox(deployment: Deployment) -> int:
    ((count,),) = deployment.execute_sql("SELECT count(*) FROM outbox")
    return int(count)


def test_a_failing_sender_does_not_postpone_erasure(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = BackgroundJobs(deployment.app.state.services, BrokenSender())
    jobs.tick(0.0)
    deployment.request_code("010-2000-0002")
    jobs.tick(TICK_SECONDS)
    assert count_outbox(deployment) == 1
    errors = capsys.readouterr().err
    assert '"background-job-failed"' in errors
    assert '"deliver-outbox"' in errors
    deployment.clock.advance(hours=1)
    jobs.tick(ERASURE_SECONDS)
    assert count_outbox(deployment) == 0


def test_keys_are_destroyed_although_the_database_fails(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = deployment.settings.ratchet_folder / "ratchet.key"
    before = path.read_bytes()
    jobs = BackgroundJobs(deployment.app.state.services, FakeSender())
    deployment.clock.advance(hours=3)
    monkeypatch.setattr("sqlalchemy.orm.Session.execute", fail_to_execute)
    jobs.tick(0.0)
    assert path.read_bytes() != before


def fail_to_execute(*_: object, **__: object) -> None:
    raise OperationalError("DELETE", {}, Exception("the disk is full"))


def test_a_ratchet_that_is_ahead_is_reported_once_an_hour(
    deployment: Deployment, capsys: pytest.CaptureFixture[str]
) -> None:
    jobs = BackgroundJobs(deployment.app.state.services, FakeSender())
    deployment.clock.advance(days=30)
    jobs.tick(0.0)
    deployment.clock.advance(days=-30)
    assert "ratchet-ahead" not in capsys.readouterr().err
    for run, minutes in enumerate((0, 30, 29, 1), start=1):
        deployment.clock.advance(minutes=minutes)
        jobs.tick(run * ERASURE_SECONDS)
        reported = '"event": "ratchet-ahead", "level": "error"' in capsys.readouterr().err
        assert reported == (run in (1, 4))


def test_a_message_of_another_chain_is_reported(deployment: Deployment, capsys: pytest.CaptureFixture[str]) -> None:
    jobs = BackgroundJobs(deployment.app.state.services, FakeSender())
    deployment.request_code("010-2000-0002")
    file = RatchetFile(deployment.settings.ratchet_folder)
    file.path.unlink()
    file.create(epoch_of(deployment.clock()))
    deployment.app.state.services.key_ratchet.advance(deployment.clock())
    jobs.tick(0.0)
    deployment.clock.advance(minutes=1)
    jobs.tick(TICK_SECONDS)
    assert capsys.readouterr().err.count('"event": "ratchet-mismatch", "level": "error"') == 1
    assert count_outbox(deployment) == 1


def test_the_write_ahead_log_is_emptied(deployment: Deployment) -> None:
    jobs = BackgroundJobs(deployment.app.state.services, FakeSender())
    deployment.request_code("010-2000-0002")
    path = Path(f"{deployment.database.url.database}-wal")
    assert path.stat().st_size > 0
    jobs.tick(0.0)
    assert path.stat().st_size == 0


def test_a_job_runs_at_its_interval_and_not_between(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    services, runs = deployment.app.state.services, list[str]()
    monkeypatch.setattr(BackgroundJobs, "_refresh_canaries", lambda _: runs.append("canaries"))
    monkeypatch.setattr(BackgroundJobs, "_deliver_outbox", lambda _: runs.append("outbox"))
    monkeypatch.setattr(BackgroundJobs, "_erase_expired", lambda _: runs.append("erase"))
    jobs = BackgroundJobs(services, FakeSender())
    for now in (0.0, TICK_SECONDS / 2, 0.5, 1.0, ERASURE_SECONDS):
        runs.append(str(now))
        jobs.tick(now)
    assert runs == [
        *("0.0", "canaries", "outbox", "erase"),
        str(TICK_SECONDS / 2),
        *("0.5", "outbox"),
        *("1.0", "canaries", "outbox"),
        *(str(ERASURE_SECONDS), "canaries", "outbox", "erase"),
    ]


def test_the_thread_delivers_until_the_block_ends(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch, wait_until: Callable[[Callable[[], bool]], None]
) -> None:
    monkeypatch.setattr(background, "TICK_SECONDS", 0.01)
    sender = FakeSender()
    with BackgroundJobs(deployment.app.state.services, sender).running():
        deployment.request_code("010-2000-0002")
        wait_until(lambda: len(sender.messages) == 1)
    time.sleep(0.05)
    deployment.request_code("010-2000-0003")
    assert count_outbox(deployment) == 1


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    def wait(is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 30
        while not is_done():
            assert time.monotonic() < deadline
            time.sleep(0.01)

    return wait
