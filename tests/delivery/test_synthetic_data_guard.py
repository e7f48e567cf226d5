"""Made-up phone numbers may be somebody's: no sender that reaches people is used where a data set is synthetic."""

import threading
from typing import ClassVar

import pytest

from app import main
from app.datasets.files import write_source_file
from app.datasets.synthetic import synthesize
from app.delivery import Message
from app.errors import OperationRefused
from tests.support.deployment import Deployment


class Reaching:
    is_live: ClassVar[bool] = True

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.stop = threading.Event()

    def send(self, message: Message) -> None:
        self.messages.append(message)
        self.stop.set()


def import_synthetic(deployment: Deployment) -> None:
    path = deployment.folder / "synthetic.csv"
    write_source_file(path, synthesize(20))
    deployment.import_file(path)


def test_the_application_does_not_start(deployment: Deployment) -> None:
    import_synthetic(deployment)
    with pytest.raises(OperationRefused, match="EXPOSURE_SENDER"):
        main.create_app(deployment.settings, keyholder_socket=deployment.keyholder_socket, sender=Reaching(), clock=deployment.clock)


def test_what_time_has_ended_is_erased_all_the_same(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "DELIVERY_SECONDS", 0.01)
    monkeypatch.setattr(main, "ERASURE_SECONDS", 0.02)
    services, sender = deployment.app.state.services, Reaching()
    import_synthetic(deployment)
    deployment.request_code("010-2000-0002")
    deployment.clock.advance(hours=1)
    timer = threading.Timer(1.0, sender.stop.set)
    timer.start()
    main._work(sender.stop, services, sender)
    timer.join()
    assert sender.messages == []
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]
    assert deployment.execute_sql("SELECT count(*) FROM verifications WHERE ciphertext IS NOT NULL") == [(0,)]


def test_nothing_is_sent_from_the_moment_of_the_import(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(main, "DELIVERY_SECONDS", 0.01)
    services = deployment.app.state.services
    sender = Reaching()
    deployment.request_code("010-2000-0002")
    main._work(sender.stop, services, sender)
    assert len(sender.messages) == 1

    import_synthetic(deployment)
    deployment.request_code("010-2000-0002")
    sender.stop.clear()
    timer = threading.Timer(1.0, sender.stop.set)
    timer.start()
    main._work(sender.stop, services, sender)
    timer.join()
    assert len(sender.messages) == 1
