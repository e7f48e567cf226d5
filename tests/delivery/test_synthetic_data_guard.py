"""Synthetic phone numbers may be real ones: no live sender is used with a synthetic data set."""

import threading
from typing import ClassVar

import pytest

from app import main
from app.datasets.files import write_source_file
from app.datasets.synthetic import synthesize
from app.delivery import Message
from app.errors import OperationRefused
from tests.support.deployment import Deployment


class LiveSender:
    is_live: ClassVar[bool] = True

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.received = threading.Event()

    def send(self, message: Message) -> None:
        self.messages.append(message)
        self.received.set()


def import_synthetic(deployment: Deployment) -> None:
    path = deployment.folder / "synthetic.csv"
    write_source_file(path, synthesize(20))
    deployment.import_file(path)


def test_the_application_does_not_start_with_a_live_sender(deployment: Deployment) -> None:
    import_synthetic(deployment)
    with pytest.raises(OperationRefused, match="EXPOSURE_SENDER"):
        main.create_app(
            deployment.settings,
            keyholder_socket=deployment.keyholder_socket,
            sender=LiveSender(),
            clock=deployment.clock,
        )


def test_expired_rows_are_erased_nevertheless(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "DELIVERY_SECONDS", 0.01)
    monkeypatch.setattr(main, "ERASURE_SECONDS", 0.02)
    services, sender = deployment.app.state.services, LiveSender()
    import_synthetic(deployment)
    deployment.request_code("010-2000-0002")
    deployment.clock.advance(hours=1)
    timer = threading.Timer(1.0, sender.received.set)
    timer.start()
    main._work(sender.received, services, sender)
    timer.join()
    assert sender.messages == []
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]
    assert deployment.execute_sql("SELECT count(*) FROM verifications WHERE ciphertext IS NOT NULL") == [(0,)]


def test_nothing_is_sent_after_a_synthetic_import(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "DELIVERY_SECONDS", 0.01)
    services = deployment.app.state.services
    sender = LiveSender()
    deployment.request_code("010-2000-0002")
    main._work(sender.received, services, sender)
    assert len(sender.messages) == 1

    import_synthetic(deployment)
    deployment.request_code("010-2000-0002")
    sender.received.clear()
    timer = threading.Timer(1.0, sender.received.set)
    timer.start()
    main._work(sender.received, services, sender)
    timer.join()
    assert len(sender.messages) == 1
