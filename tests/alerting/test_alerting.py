"""Alerts and their webhook: one per canary hit, retried, given up, and off the request path."""

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from threading import Thread

from app.alerting import AlertWebhook, CanaryAlert, CanaryAlerter, CanaryHit, GlobalLimitAlerter
from app.alerting.webhook import QUEUE_SIZE
from app.rate_limits import ActionLimiter, MemoryBucketStore, RateLimitPolicy, client_address_from_ip
from tests.support.webhook_receiver import webhook_receiver

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)
HIT = CanaryHit(NOW, client_address_from_ip("198.51.100.7"), "sms", "sample-2025")


@contextmanager
def running_webhook(
    url: str, failures: list[str], retry_delays: tuple[float, ...] = (0.01, 0.01)
) -> Iterator[AlertWebhook]:
    """Run a webhook until all queued events have been attempted."""
    webhook = AlertWebhook(url, failures.append, retry_delays=retry_delays, timeout=0.5)
    thread = Thread(target=webhook.run)
    thread.start()
    yield webhook
    webhook.stop()
    thread.join()


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait for a condition, for 20 seconds at most."""
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def enqueue(webhook: AlertWebhook, event_id: str = "alert_1") -> None:
    webhook.enqueue(event_id, "canary.hit", NOW, {"channel": "sms"})


def test_an_event_follows_standard_webhooks() -> None:
    failures: list[str] = []
    with webhook_receiver() as received:
        with running_webhook(received.url, failures) as webhook:
            enqueue(webhook)
        assert received.events() == [
            {"type": "canary.hit", "timestamp": "2026-01-14T09:00:00Z", "data": {"channel": "sms"}}
        ]
    (headers,) = received.headers
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == "alert_1"
    assert headers["webhook-timestamp"].isdecimal()
    assert failures == []


def test_an_event_is_retried_with_the_same_id_until_accepted() -> None:
    failures: list[str] = []
    with webhook_receiver(500, 302) as received:
        webhook = AlertWebhook(received.url, failures.append, retry_delays=(0.01, 0.01), timeout=0.5)
        thread = Thread(target=webhook.run, daemon=True)
        enqueue(webhook)
        enqueue(webhook, "alert_2")
        thread.start()
        wait_until(lambda: len(received.bodies) == 4)
        webhook.stop()
        thread.join()
    assert [headers["webhook-id"] for headers in received.headers] == ["alert_1"] * 3 + ["alert_2"]
    assert failures == ["500", "302"]


def test_an_event_is_given_up_after_the_last_attempt() -> None:
    failures: list[str] = []
    with webhook_receiver(*[503] * 3) as received:
        webhook = AlertWebhook(received.url, failures.append, retry_delays=(0.01, 0.01), timeout=0.5)
        thread = Thread(target=webhook.run, daemon=True)
        enqueue(webhook)
        thread.start()
        wait_until(lambda: len(failures) == 3)
        enqueue(webhook, "alert_2")
        webhook.stop()
        thread.join()
    assert [headers["webhook-id"] for headers in received.headers] == ["alert_1"] * 3 + ["alert_2"]
    assert failures == ["503"] * 3


def test_an_unreachable_server_and_an_invalid_url_are_failed_attempts() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        unreachable = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        for url, error in ((unreachable, "ConnectError"), ("http://host:port/", "InvalidURL")):
            failures: list[str] = []
            with running_webhook(url, failures, retry_delays=()) as webhook:
                enqueue(webhook)
            assert failures == [error]


def test_a_stopped_webhook_does_not_wait_for_a_retry() -> None:
    failures: list[str] = []
    with webhook_receiver(500) as received, running_webhook(received.url, failures, retry_delays=(60.0,)) as webhook:
        enqueue(webhook)
    assert failures == ["500"]
    assert len(received.bodies) == 1


def test_the_queue_is_bounded() -> None:
    failures: list[str] = []
    webhook = AlertWebhook("http://127.0.0.1/", failures.append)
    for index in range(QUEUE_SIZE + 2):
        enqueue(webhook, str(index))
    assert failures == ["Full"] * 2
    webhook.stop()


def raise_error(error: Exception) -> None:
    raise AssertionError from error


def action_limiter() -> ActionLimiter:
    return ActionLimiter(RateLimitPolicy(), MemoryBucketStore(b"s" * 32))


def test_each_hit_raises_one_alert() -> None:
    alerts: list[CanaryAlert] = []
    alerter = CanaryAlerter(action_limiter(), alerts.append, raise_error)
    alerter.report_hit(HIT)
    with alerter.running():
        alerter.report_hit(HIT)
    assert len({alert.id for alert in alerts}) == len(alerts) == 2
    assert {(alert.at, alert.channel, alert.incident) for alert in alerts} == {(NOW, "sms", "sample-2025")}
    assert len(alerts[0].drained_buckets) == 2
    assert alerts[0].drained_buckets == alerts[1].drained_buckets  # the same client, on the same day


def test_an_error_in_one_alert_does_not_stop_the_next() -> None:
    alerts: list[CanaryAlert] = []
    failures: list[Exception] = []

    def record_then_fail_once(alert: CanaryAlert) -> None:
        alerts.append(alert)
        if len(alerts) == 1:
            raise RuntimeError

    alerter = CanaryAlerter(action_limiter(), record_then_fail_once, failures.append)
    alerter.report_hit(HIT)
    alerter.report_hit(HIT)
    with alerter.running():
        pass
    assert len(alerts) == 2
    assert [type(error) for error in failures] == [RuntimeError]


def test_repr_of_hits_and_alerts_hides_the_client() -> None:
    alerts: list[CanaryAlert] = []
    alerter = CanaryAlerter(action_limiter(), alerts.append, raise_error)
    with alerter.running():
        alerter.report_hit(HIT)
    assert "198" not in repr(HIT) + repr(alerts)


def test_a_global_limit_raises_one_alert_an_hour() -> None:
    alerts: list[str] = []
    times = [NOW]
    with webhook_receiver() as received:
        with running_webhook(received.url, alerts) as webhook:
            global_limit_alerter = GlobalLimitAlerter(lambda: times[0], alerts.append, webhook)
            for minutes in (0, 1, 59, 60, 61):
                times[0] = NOW + timedelta(minutes=minutes)
                for limit in ("client.unverified_codes", "target.codes", "service.messages"):
                    global_limit_alerter.record_denial(limit)
            global_limit_alerter.record_denial("service.wrong_codes")
        events = received.events()
    assert alerts == ["service.messages", "service.messages", "service.wrong_codes"]
    assert [event["data"] for event in events] == [{"limit": limit} for limit in alerts]
    assert {event["type"] for event in events} == {"limit.exhausted"}
    assert len({headers["webhook-id"] for headers in received.headers}) == 3
