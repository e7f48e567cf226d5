"""Writes of the same rows at the same time, in real threads: the second waits for the first, and both succeed."""

import threading
import time
from collections import Counter
from collections.abc import Callable

import httpx

from app.flows.exposure_report import load_person_report
from app.http.auth import principal_of
from tests.support.deployment import Deployment, make_row

PHONE, EMAIL = "010-3000-0003", "seo@example.com"
ROWS = [
    make_row("a1", recipient_ref="r1", phone=PHONE, name="이서연", items="name"),
    make_row("a2", recipient_ref="r2", phone=PHONE, email=EMAIL, name="이서연", items="name"),
    make_row("a3", recipient_ref="r3", email=EMAIL, name="이서연", items="name"),
]
"""The phone finds the first two entries, the email the last two."""


def start(call: Callable[[], httpx.Response]) -> tuple[threading.Thread, list[httpx.Response]]:
    answers: list[httpx.Response] = []
    thread = threading.Thread(target=lambda: answers.append(call()))
    thread.start()
    return thread, answers


def wait_until_blocked(deployment: Deployment) -> None:
    """Wait until a statement waits for a lock. On SQLite the whole transaction waits, which cannot be observed."""
    if deployment.database.is_sqlite:
        return
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    for _ in range(1000):
        if deployment.execute_sql(waiting) != [(0,)]:
            return
        time.sleep(0.01)
    raise AssertionError("no statement waits for a lock")


def test_an_opt_out_waits_for_a_concurrent_one(deployment: Deployment) -> None:
    first, second = deployment.sign_in(PHONE), deployment.sign_in(PHONE)
    services = deployment.app.state.services
    with deployment.database.write() as db:
        token = first["Authorization"].removeprefix("Bearer ")
        services.verification.opt_out(db, principal_of(services, db, token), now=deployment.clock())
        thread, answers = start(lambda: deployment.client.post("/v1/stop-codes", headers=second))
        wait_until_blocked(deployment)
    thread.join()
    assert [answer.status_code for answer in answers] == [204]
    assert deployment.execute_sql("SELECT count(*) FROM opt_outs") == [(1,)]


def test_opt_outs_in_another_order_do_not_deadlock(deployment: Deployment) -> None:
    sessions = [
        deployment.sign_in(EMAIL, deployment.sign_in(PHONE)),
        deployment.sign_in(PHONE, deployment.sign_in(EMAIL)),
    ]
    statuses = Counter[int]()
    for _ in range(10):
        barrier = threading.Barrier(2)

        def opt_out(headers: dict[str, str], barrier: threading.Barrier = barrier) -> httpx.Response:
            barrier.wait()
            return deployment.client.post("/v1/stop-codes", headers=headers)

        running = [start(lambda headers=headers: opt_out(headers)) for headers in sessions]  # type: ignore[misc]
        for thread, answers in running:
            thread.join()
            statuses.update(answer.status_code for answer in answers)
        deployment.execute_sql("DELETE FROM opt_outs")
    assert statuses == {204: 20}


def test_an_acknowledgement_adds_what_a_concurrent_one_left(deployment: Deployment) -> None:
    deployment.import_and_publish(ROWS)
    services = deployment.app.state.services
    token = deployment.sign_in(PHONE)["Authorization"].removeprefix("Bearer ")
    second = deployment.sign_in(EMAIL)
    (reported,) = load_person_report(services, token).exposures
    (exposure,) = deployment.client.get("/v1/exposures", headers=second).json()["exposures"]
    body = {"exposure_id": exposure["id"], "notice_version": 1, "locale": "ko"}
    with deployment.database.write() as db:
        notice = reported.incident.notices["ko"]
        services.acknowledgements.acknowledge(db, reported.exposure, notice, 1, now=deployment.clock())
        thread, answers = start(lambda: deployment.client.post("/v1/acknowledgements", headers=second, json=body))
        wait_until_blocked(deployment)
    thread.join()
    assert [answer.status_code for answer in answers] == [201]
    assert deployment.execute_sql("SELECT count(*) FROM acknowledgements") == [(3,)]
