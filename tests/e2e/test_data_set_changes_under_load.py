"""Publishing, rolling back and retiring data sets under load: every lookup succeeds and sees exactly one state.

Readers record which steps a response may have seen: from the last one finished before the request, to the last one begun before the response.
After each step its result is read once more while no step is running. Every response must equal the result of one of its steps.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from app.datasets import sealed_rows
from app.datasets.errors import DataSetBusy
from app.datasets.sealed_rows import table_name
from tests.support.deployment import Deployment, make_row

pytestmark = pytest.mark.slow

READERS = 4
READER_INTERVAL = READERS / 200
"""Seconds between two requests of a reader: at most 200 requests a second in total."""
LOOKUPS_BETWEEN_STEPS = 12
"""Lookups to wait for between two steps, so that each step runs concurrently with some."""
TIMEOUT_SECONDS = 120.0

IN_ALL_SETS, IN_FIRST_SET, ACKNOWLEDGING = "mina@example.com", "jun@example.com", "sora@example.com"


def rows_with_count(count: int, *more_emails: str) -> Iterator[dict[str, str]]:
    """Yield the rows of a data set that *count* identifies. Its two items have the same count, so a mixture would show."""
    for email in (IN_ALL_SETS, ACKNOWLEDGING, *more_emails):
        for item in ("name", "email"):
            yield make_row(email, email=email, items=item, count=count)


@dataclass
class Lookup:
    """The result of one request, and the range of steps that it may have seen."""

    email: str
    first_step: int
    last_step: int
    status: int
    summary: object


@dataclass
class LoadGenerator:
    """Concurrent readers that run while an operator changes data sets."""

    deployment: Deployment
    headers: dict[str, dict[str, str]]
    steps_begun: int = 0
    steps_done: int = 0
    lookups: list[Lookup] = field(default_factory=list)
    acknowledgement_statuses: Counter[int] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def look_up(self, email: str) -> dict[str, Any]:
        first_step = self.steps_done
        response = self.deployment.client.get("/v1/exposures", headers=self.headers[email])
        body: dict[str, Any] = response.json()
        self.lookups.append(Lookup(email, first_step, self.steps_begun, response.status_code, summary_of(body)))
        return body

    def read_until_stopped(self, email: str) -> None:
        while not self.stop.wait(READER_INTERVAL):
            body = self.look_up(email)
            if email == ACKNOWLEDGING and body.get("exposures"):
                acknowledgement = {"exposure_id": body["exposures"][0]["id"], "notice_version": 1, "locale": "ko"}
                url, headers = "/v1/acknowledgements", self.headers[email]
                response = self.deployment.client.post(url, headers=headers, json=acknowledgement)
                self.acknowledgement_statuses[response.status_code] += 1

    def wait_for_lookups(self) -> None:
        wanted = len(self.lookups) + LOOKUPS_BETWEEN_STEPS
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(self.lookups) < wanted:
            assert time.monotonic() < deadline, "the readers get no more responses"
            time.sleep(0.002)


def summary_of(body: dict[str, Any]) -> object:
    """Return what a response says about the person, without its time and the acknowledgement."""
    if "datasets" not in body:
        return body.get("type")
    exposures = [
        (exposure["confidence"], tuple((item["kind"], item["count"]) for item in exposure["items"]))
        for exposure in body["exposures"]
    ]
    return tuple((dataset["version"], dataset["result"]) for dataset in body["datasets"]), tuple(exposures)


def test_every_lookup_sees_exactly_one_state(deployment: Deployment) -> None:
    first = deployment.import_and_publish(rows_with_count(1, IN_FIRST_SET))
    supplement = deployment.import_and_publish(rows_with_count(100), kind="supplement")
    later = [deployment.import_rows(rows_with_count(count)).id for count in (2, 3, 4)]
    steps: list[tuple[Callable[[UUID], None], UUID]] = []
    for old, new in pairwise([first, *later]):
        publish, retire = deployment.publish, deployment.retire
        steps += [(publish, new), (publish, old), (publish, new), (retire, old)]  # the second rolls back
    steps.insert(4, (deployment.retire, supplement))
    load = LoadGenerator(
        deployment, {email: deployment.sign_in(email) for email in (IN_ALL_SETS, IN_FIRST_SET, ACKNOWLEDGING)}
    )
    readers = [IN_ALL_SETS, IN_ALL_SETS, IN_FIRST_SET, ACKNOWLEDGING]
    threads = [threading.Thread(target=load.read_until_stopped, args=(email,)) for email in readers]
    states = [read_all(load)]
    for thread in threads:
        thread.start()
    try:
        for step, dataset in steps:
            load.wait_for_lookups()
            load.steps_begun += 1
            step(dataset)
            load.steps_done += 1
            states.append(read_all(load))
        load.wait_for_lookups()
    finally:
        load.stop.set()
        for thread in threads:
            thread.join()
    for lookup in load.lookups:
        assert lookup.status == 200, lookup
        possible_states = states[lookup.first_step : lookup.last_step + 1]
        assert lookup.summary in [state[lookup.email] for state in possible_states], lookup
    assert set(load.acknowledgement_statuses) <= {200, 201}
    assert load.acknowledgement_statuses[201] == 1
    assert len({state[IN_ALL_SETS] for state in states}) == 4  # the first version with its supplement, and three more
    assert any(lookup.first_step < lookup.last_step for lookup in load.lookups)


def read_all(load: LoadGenerator) -> dict[str, object]:
    """Return the lookup result of each person, while no step is running."""
    return {email: summary_of(load.look_up(email)) for email in load.headers}


@pytest.fixture
def lookups_during_retirement(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Retire a data set after the second lookup has read the list of data sets. The value has one entry per read of rows."""
    old = deployment.import_and_publish(rows_with_count(1, IN_FIRST_SET))
    deployment.import_and_publish(rows_with_count(2))
    calls: list[str] = []
    find_rows = sealed_rows.find_rows

    def retire_then_read(*arguments: Any) -> Any:
        calls.append("look-up")
        if len(calls) == 2:  # the first lookup filled the caches
            deployment.retire(old)
        return find_rows(*arguments)

    monkeypatch.setattr("app.datasets.sealed_rows.find_rows", retire_then_read)
    return calls


def test_a_lookup_is_repeated_if_a_data_set_is_retired_during_it(
    deployment: Deployment, lookups_during_retirement: list[str]
) -> None:
    headers = deployment.sign_in(IN_FIRST_SET)
    before = deployment.client.get("/v1/exposures", headers=headers).json()
    assert [exposure["confidence"] for exposure in before["exposures"]] == ["under_review"]
    answer = deployment.client.get("/v1/exposures", headers=headers)
    assert answer.status_code == 200, answer.text
    if len(lookups_during_retirement) == 3:  # the lookup was repeated and sees the newer state
        assert answer.json()["exposures"] == []
    else:  # SQLite keeps a dropped table for earlier transactions, and the key was cached
        assert summary_of(answer.json()) == summary_of(before)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_data_set_is_not_dropped_while_a_long_read_uses_it(deployment: Deployment) -> None:
    """All later readers would wait behind the DROP, so it gives up and changes nothing."""
    old = deployment.import_and_publish(rows_with_count(1))
    deployment.import_and_publish(rows_with_count(2))
    headers = deployment.sign_in(IN_ALL_SETS)
    with deployment.database.read() as db:
        db.execute(text(f"SELECT count(*) FROM {table_name(old)}"))
        with pytest.raises(DataSetBusy):
            deployment.retire(old)
        assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    deployment.retire(old)
