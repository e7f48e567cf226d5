"""The outbox: a code is not lost when a sender or a worker fails, and not sent after its expiry."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

import pytest
from sqlalchemy.exc import OperationalError

from app.crypto.key_ratchet import KeyRatchet, epoch_of
from app.crypto.ratchet_file import RatchetFile
from app.db import DatabaseUnavailable
from app.delivery import ConsoleSender, Message, Outbox, SendFailed
from tests.support.deployment import Deployment


class FailingSender:
    is_live: ClassVar[bool] = False

    def __init__(self) -> None:
        self.attempts = 0

    def send(self, message: Message) -> None:
        self.attempts += 1
        raise SendFailed("not now")


def test_a_failed_message_is_sent_later(deployment: Deployment) -> None:
    deployment.request_code("010-2000-0002")
    outbox, sender = Outbox(deployment.open_ratchet()), FailingSender()
    assert outbox.deliver_due(deployment.database, sender, deployment.clock) == 0
    assert sender.attempts == 1
    assert deployment.deliver_outbox() == []  # leased: another worker may be sending it
    deployment.clock.advance(seconds=60)
    assert len(deployment.deliver_outbox()) == 1


@pytest.mark.parametrize(("epochs", "mismatches"), [(0, 1), (1, 0), (-30, 0)])
def test_a_message_that_this_host_cannot_decrypt_is_left_alone(
    deployment: Deployment, tmp_path: Path, epochs: int, mismatches: int
) -> None:
    """It is reported if the host has the key of that epoch, of another chain."""
    if epochs < 0:
        deployment.clock.advance(hours=-epochs)  # the message is further ahead than the other host's clock allows
    deployment.request_code("010-2000-0002")
    deployment.clock.advance(hours=min(epochs, 0))
    file, reports = RatchetFile(tmp_path / "other"), list[datetime]()
    file.create(epoch_of(deployment.clock()) + max(epochs, 0))
    other = Outbox(KeyRatchet(file, timedelta(minutes=10)), on_mismatch=reports.append)
    assert other.deliver_due(deployment.database, deployment.sender, deployment.clock) == 0
    assert deployment.sender.messages == []
    assert reports == [deployment.clock()] * mismatches
    deployment.clock.advance(hours=max(-epochs, 0), seconds=60)
    assert len(deployment.deliver_outbox()) == 1


def test_a_message_that_expires_without_its_key_is_deleted_and_counted(deployment: Deployment, tmp_path: Path) -> None:
    deployment.request_code("010-2000-0002")
    deployment.clock.advance(hours=3)
    ratchet, outcomes = deployment.open_ratchet(), list[tuple[str | None, str]]()
    ratchet.advance(deployment.clock())
    outbox = Outbox(ratchet, on_outcome=lambda channel, outcome: outcomes.append((channel, outcome)))
    outbox.erase_expired(deployment.database, now=deployment.clock())
    assert outcomes == [(None, "expired")]
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]


def test_an_expired_code_is_deleted_unsent(deployment: Deployment) -> None:
    deployment.request_code("010-2000-0002")
    deployment.clock.advance(seconds=600)
    Outbox(deployment.open_ratchet()).erase_expired(deployment.database, now=deployment.clock())
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]


def test_an_expired_code_is_reported_once_however_often_the_deletion_fails(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    undelivered, outcomes = list[Message](), list[str]()
    outbox = Outbox(
        deployment.open_ratchet(),
        lambda message, _: undelivered.append(message),
        lambda _, outcome: outcomes.append(outcome),
    )
    deployment.request_code("010-2000-0002")
    deployment.clock.advance(seconds=600)
    with monkeypatch.context() as broken:
        broken.setattr("sqlalchemy.orm.Session.commit", fail_to_commit)
        with pytest.raises(DatabaseUnavailable):
            outbox.erase_expired(deployment.database, now=deployment.clock())
    assert (undelivered, outcomes) == ([], [])
    outbox.erase_expired(deployment.database, now=deployment.clock())
    outbox.erase_expired(deployment.database, now=deployment.clock())
    assert (len(undelivered), outcomes) == (1, ["expired"])


def fail_to_commit(_: object) -> None:
    raise OperationalError("COMMIT", {}, Exception("the disk is full"))


def test_the_console_sender_prints_a_code(capsys: pytest.CaptureFixture[str]) -> None:
    message = Message("sms", "+821020000002", "01234567", "ko")
    ConsoleSender(as_json=True).send(message)
    ConsoleSender(as_json=False).send(message)
    assert capsys.readouterr().out == (
        '{"event": "code", "to": "+821020000002", "code": "01234567"}\ncode for +821020000002: 01234567\n'
    )


def test_repr_of_a_message_hides_address_and_code() -> None:
    shown = repr(Message("sms", "+821020000002", "01234567", "ko"))
    assert "0000002" not in shown
    assert "01234567" not in shown
