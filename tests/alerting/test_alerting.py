"""Alarms and their webhook: once per touch, tried again, given up, and never in the way."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest

from app.alerting import CanaryAlert, CanaryAlerter, GlobalLimitAlerter, CanaryHit, AlertWebhook
from app.alerting.webhook import QUEUE_SIZE
from app.rate_limits import ActionLimiter, MemoryBucketStore, RateLimitPolicy, client_address_from_ip
from tests.support.webhook_receiver import webhook_receiver

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
TOUCH = CanaryHit(NOW, client_address_from_ip("198.51.100.7"), "sms", "sample-2025")


@contextmanager
def posting(url: str, failed: list[str], waits: tuple[float, ...] = (0.01, 0.01)) -> Iterator[AlertWebhook]:
    """A webhook at work, until all that was put has been tried."""
    webhook = AlertWebhook(url, failed.append, waits=waits, timeout=0.5)
    thread = Thread(target=webhook.work)
    thread.start()
    yield webhook
    webhook.stop()
    thread.join()


def until(happened: Callable[[], bool]) -> None:
    """Wait for something, though not for ever."""
    end = time.monotonic() + 20
    while not happened():
        assert time.monotonic() < end
        time.sleep(0.005)


def put(webhook: AlertWebhook, number: str = "alarm_1") -> None:
    webhook.put(number, "canary.touched", NOW, {"channel": "sms"})


def test_an_event_is_posted_as_standard_webhooks_are() -> None:
    failed: list[str] = []
    with webhook_receiver() as got:
        with posting(got.url, failed) as webhook:
            put(webhook)
        assert got.events() == [
            {"type": "canary.touched", "timestamp": "2026-01-14T09:00:00Z", "data": {"channel": "sms"}}
        ]
    (headers,) = got.headers
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "alarm_1"
    assert headers["webhook-timestamp"].isdecimal()
    assert failed == []


def test_it_is_tried_again_under_the_same_id_until_it_is_taken() -> None:
    failed: list[str] = []
    with webhook_receiver(500, 302) as got:
        webhook = AlertWebhook(got.url, failed.append, waits=(0.01, 0.01), timeout=0.5)
        thread = Thread(target=webhook.work, daemon=True)
        put(webhook)
        put(webhook, "alarm_2")
        thread.start()
        until(lambda: len(got.bodies) == 4)
        webhook.stop()
        thread.join()
    assert [one["webhook-id"] for one in got.headers] == ["alarm_1"] * 3 + ["alarm_2"]
    assert failed == ["500", "302"]


def test_it_is_given_up_after_the_last_attempt() -> None:
    failed: list[str] = []
    with webhook_receiver(*[503] * 3) as got:
        webhook = AlertWebhook(got.url, failed.append, waits=(0.01, 0.01), timeout=0.5)
        thread = Thread(target=webhook.work, daemon=True)
        put(webhook)
        thread.start()
        until(lambda: len(failed) == 3)
        put(webhook, "alarm_2")
        webhook.stop()
        thread.join()
    assert [one["webhook-id"] for one in got.headers] == ["alarm_1"] * 3 + ["alarm_2"]
    assert failed == ["503"] * 3


def test_nobody_there_and_no_address_at_all_are_failures_of_an_attempt() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        nobody = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        for url, error in ((nobody, "ConnectError"), ("http://host:port/", "InvalidURL")):
            failed: list[str] = []
            with posting(url, failed, waits=()) as webhook:
                put(webhook)
            assert failed == [error]


def test_a_stopped_one_does_not_wait_for_another_attempt() -> None:
    failed: list[str] = []
    with webhook_receiver(500) as got, posting(got.url, failed, waits=(60.0,)) as webhook:
        put(webhook)
    assert failed == ["500"]
    assert len(got.bodies) == 1


def test_what_waits_is_bounded() -> None:
    failed: list[str] = []
    webhook = AlertWebhook("http://127.0.0.1/", failed.append)
    for number in range(QUEUE_SIZE + 2):
        put(webhook, str(number))
    assert failed == ["Full"] * 2
    webhook.stop()


def budgets() -> ActionLimiter:
    return ActionLimiter(RateLimitPolicy(), MemoryBucketStore())


def test_each_touch_raises_one_alarm() -> None:
    told: list[CanaryAlert] = []
    alarms = CanaryAlerter(budgets(), told.append, pytest.fail)
    alarms.report_hit(TOUCH)
    with alarms.watching():
        alarms.report_hit(TOUCH)
    assert len({one.id for one in told}) == len(told) == 2
    assert {(one.at, one.channel, one.incident) for one in told} == {(NOW, "sms", "sample-2025")}
    assert len(told[0].budgets) == 4
    assert told[0].budgets == told[1].budgets  # the same asker, on the same day


def test_one_that_goes_wrong_does_not_silence_the_next() -> None:
    told: list[CanaryAlert] = []
    failed: list[Exception] = []

    def tell(alarm: CanaryAlert) -> None:
        told.append(alarm)
        if len(told) == 1:
            raise RuntimeError

    alarms = CanaryAlerter(budgets(), tell, failed.append)
    alarms.report_hit(TOUCH)
    alarms.report_hit(TOUCH)
    with alarms.watching():
        pass
    assert len(told) == 2
    assert [type(one) for one in failed] == [RuntimeError]


def test_nobody_is_named_by_a_touch_or_an_alarm() -> None:
    told: list[CanaryAlert] = []
    alarms = CanaryAlerter(budgets(), told.append, pytest.fail)
    with alarms.watching():
        alarms.report_hit(TOUCH)
    assert "198" not in repr(TOUCH) + repr(told)


def test_a_spent_budget_of_the_service_raises_one_alarm_an_hour() -> None:
    told: list[str] = []
    now = [NOW]
    with webhook_receiver() as got:
        with posting(got.url, told) as webhook:
            global_limit_alerter = GlobalLimitAlerter(lambda: now[0], told.append, webhook)
            for minutes in (0, 1, 59, 60, 61):
                now[0] = NOW + timedelta(minutes=minutes)
                for budget in ("client.new_identifiers", "target.codes", "service.messages"):
                    global_limit_alerter.record_denial(budget)
            global_limit_alerter.record_denial("service.wrong_codes")
        events = got.events()
    assert told == ["service.messages", "service.messages", "service.wrong_codes"]
    assert [one["data"] for one in events] == [{"budget": budget} for budget in told]
    assert {one["type"] for one in events} == {"budget.spent"}
    assert len({one["webhook-id"] for one in got.headers}) == 3
