"""The outbox: a code is not lost when a sender or a worker fails, and not sent after its expiry."""

from typing import ClassVar

import pytest
from sqlalchemy.exc import OperationalError

from app.crypto.keys import ApplicationKey
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
    outbox, sender = Outbox(deployment.keys.load_application_key()), FailingSender()
    assert outbox.deliver_due(deployment.database, sender, deployment.clock) == 0
    assert sender.attempts == 1
    assert deployment.deliver_outbox() == []  # leased: another worker may be sending it
    deployment.clock.advance(seconds=60)
    assert len(deployment.deliver_outbox()) == 1


def test_a_message_under_another_key_is_left_alone(deployment: Deployment) -> None:
    deployment.request_code("010-2000-0002")
    other = Outbox(ApplicationKey.generate())
    assert other.deliver_due(deployment.database, deployment.sender, deployment.clock) == 0
    assert deployment.sender.messages == []
    deployment.clock.advance(seconds=60)
    assert len(deployment.deliver_outbox()) == 1


def test_an_expired_code_is_deleted_unsent(deployment: Deployment) -> None:
    deployment.request_code("010-2000-0002")
    deployment.clock.advance(seconds=600)
    Outbox(deployment.keys.load_application_key()).erase_expired(deployment.database, now=deployment.clock())
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]


def test_an_expired_code_is_reported_once_however_often_the_deletion_fails(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    undelivered, outcomes = list[Message](), list[str]()
    outbox = Outbox(
        deployment.keys.load_application_key(),
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
