"""Synthetic phone numbers may be real ones: no live sender is used with a synthetic data set."""

from typing import ClassVar

import pytest

from app import bootstrap
from app.background import BackgroundJobs
from app.delivery import Message
from app.errors import OperationRefused
from app.source_files import write_source_file
from app.synthetic import synthesize
from tests.support.deployment import Deployment


class LiveSender:
    is_live: ClassVar[bool] = True

    def __init__(self) -> None:
        self.messages: list[Message] = []

    def send(self, message: Message) -> None:
        self.messages.append(message)


def import_synthetic(deployment: Deployment) -> None:
    path = deployment.folder / "synthetic.csv"
    write_source_file(path, synthesize(20))
    deployment.import_file(path)


def test_the_application_does_not_start_with_a_live_sender(deployment: Deployment) -> None:
    import_synthetic(deployment)
    with pytest.raises(OperationRefused, match="EXPOSURE_SENDER"):
        bootstrap.create_app(
            deployment.settings,
            keyholder_socket=deployment.keyholder_socket,
            sender=LiveSender(),
            clock=deployment.clock,
        )


def test_expired_rows_are_erased_nevertheless(deployment: Deployment) -> None:
    sender = LiveSender()
    jobs = BackgroundJobs(deployment.app.state.services, sender)
    import_synthetic(deployment)
    deployment.request_code("010-2000-0002")
    deployment.clock.advance(hours=1)
    jobs.tick(0.0)
    assert sender.messages == []
    assert deployment.execute_sql("SELECT count(*) FROM outbox") == [(0,)]
    assert deployment.execute_sql("SELECT count(*) FROM verifications WHERE ciphertext IS NOT NULL") == [(0,)]


def test_nothing_is_sent_after_a_synthetic_import(deployment: Deployment) -> None:
    sender = LiveSender()
    jobs = BackgroundJobs(deployment.app.state.services, sender)
    deployment.request_code("010-2000-0002")
    jobs.tick(0.0)
    assert len(sender.messages) == 1

    import_synthetic(deployment)
    deployment.request_code("010-2000-0002")
    jobs.tick(1.0)
    assert len(sender.messages) == 1
