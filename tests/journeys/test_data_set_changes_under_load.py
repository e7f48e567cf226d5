"""Publishing, rolling back and retiring while people look themselves up: nobody is refused, and nobody is told a mixture.

Readers note which steps an answer of theirs may have seen: the one that was done when they asked, up to the one that was begun when they were
answered. What each step leaves is read once more in the quiet after it, and every answer has to be that of one of its steps.
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

from app.datasets import DataSetBusy
from app.datasets import sealed_rows
from app.datasets.sealed_rows import table_name
from tests.support.deployment import Deployment, make_row

READERS = 4
PAUSE = READERS / 200
"""Seconds between two calls of a reader: 200 a second at most, all together."""
BETWEEN_STEPS = 12
"""Answers that are waited for between two steps, so that each step meets some."""
PATIENCE = 120.0

EVERYWHERE, FIRST_ONLY, READS_NOTICE = "mina@example.com", "jun@example.com", "sora@example.com"


def people(number: int, *more: str) -> Iterator[dict[str, str]]:
    """A data set that can be told from every other: by how often an item was viewed, in two items that must agree."""
    for email in (EVERYWHERE, READS_NOTICE, *more):
        for item in ("name", "email"):
            yield make_row(email, email=email, items=item, count=number)


@dataclass
class Answer:
    """What one call was told, and the steps that it may have seen."""

    who: str
    first: int
    last: int
    status: int
    told: object


@dataclass
class Traffic:
    """Some readers, for as long as the operator works."""

    deployment: Deployment
    headers: dict[str, dict[str, str]]
    begun: int = 0
    done: int = 0
    answers: list[Answer] = field(default_factory=list)
    acknowledged: Counter[int] = field(default_factory=Counter)
    stop: threading.Event = field(default_factory=threading.Event)

    def look_up(self, who: str) -> dict[str, Any]:
        first = self.done
        answer = self.deployment.client.get("/v1/exposures", headers=self.headers[who])
        body: dict[str, Any] = answer.json()
        self.answers.append(Answer(who, first, self.begun, answer.status_code, told(body)))
        return body

    def read(self, who: str) -> None:
        while not self.stop.wait(PAUSE):
            body = self.look_up(who)
            if who == READS_NOTICE and body.get("exposures"):
                chosen = {"exposure_id": body["exposures"][0]["id"], "notice_version": 1, "locale": "ko"}
                kept = self.deployment.client.post("/v1/acknowledgements", headers=self.headers[who], json=chosen)
                self.acknowledged[kept.status_code] += 1

    def wait(self) -> None:
        enough = len(self.answers) + BETWEEN_STEPS
        end = time.monotonic() + PATIENCE
        while len(self.answers) < enough:
            assert time.monotonic() < end, "nobody is answered any more"
            time.sleep(0.002)


def told(body: dict[str, Any]) -> object:
    """What an answer says of the person; when it was asked, and whether the notice was read, is another matter."""
    if "datasets" not in body:
        return body.get("type")
    exposures = [
        (one["confidence"], tuple((item["kind"], item["count"]) for item in one["items"])) for one in body["exposures"]
    ]
    return tuple((one["version"], one["result"]) for one in body["datasets"]), tuple(exposures)


def test_every_answer_is_of_one_version(deployment: Deployment) -> None:
    first = deployment.import_and_publish(people(1, FIRST_ONLY))
    beside = deployment.import_and_publish(people(100), kind="supplement")
    later = [deployment.import_rows(people(number)).id for number in (2, 3, 4)]
    steps: list[tuple[Callable[[UUID], None], UUID]] = []
    for old, new in pairwise([first, *later]):
        publish, retire = deployment.publish, deployment.retire
        steps += [(publish, new), (publish, old), (publish, new), (retire, old)]  # the second rolls back
    steps.insert(4, (deployment.retire, beside))
    traffic = Traffic(deployment, {who: deployment.sign_in(who) for who in (EVERYWHERE, FIRST_ONLY, READS_NOTICE)})
    readers = [EVERYWHERE, EVERYWHERE, FIRST_ONLY, READS_NOTICE]
    threads = [threading.Thread(target=traffic.read, args=(who,)) for who in readers]
    truth = [quiet(traffic)]
    for thread in threads:
        thread.start()
    try:
        for step, dataset in steps:
            traffic.wait()
            traffic.begun += 1
            step(dataset)
            traffic.done += 1
            truth.append(quiet(traffic))
        traffic.wait()
    finally:
        traffic.stop.set()
        for thread in threads:
            thread.join()
    for answer in traffic.answers:
        assert answer.status == 200, answer
        assert answer.told in [state[answer.who] for state in truth[answer.first : answer.last + 1]], answer
    assert set(traffic.acknowledged) <= {200, 201}
    assert traffic.acknowledged[201] == 1
    assert len({state[EVERYWHERE] for state in truth}) == 4  # the first version with its supplement, and three more
    assert any(answer.first < answer.last for answer in traffic.answers)


def quiet(traffic: Traffic) -> dict[str, object]:
    """What each person is told while no step is being taken."""
    return {who: told(traffic.look_up(who)) for who in traffic.headers}


@pytest.fixture
def retired_under_a_reader(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A data set that is retired just when the next look-up has read which sets there are."""
    old = deployment.import_and_publish(people(1, FIRST_ONLY))
    deployment.import_and_publish(people(2))
    calls: list[str] = []
    find_rows = sealed_rows.find_rows

    def slow(*arguments: Any) -> Any:
        calls.append("look-up")
        if len(calls) == 2:  # the first one filled what is remembered
            deployment.retire(old)
        return find_rows(*arguments)

    monkeypatch.setattr("app.datasets.sealed_rows.find_rows", slow)
    return calls


def test_a_set_that_is_retired_in_the_middle_of_a_look_up_begins_it_once_more(
    deployment: Deployment, retired_under_a_reader: list[str]
) -> None:
    headers = deployment.sign_in(FIRST_ONLY)
    before = deployment.client.get("/v1/exposures", headers=headers).json()
    assert [one["confidence"] for one in before["exposures"]] == ["under_review"]
    answer = deployment.client.get("/v1/exposures", headers=headers)
    assert answer.status_code == 200, answer.text
    if len(retired_under_a_reader) == 3:  # it did begin once more, and so is told the newer state
        assert answer.json()["exposures"] == []
    else:  # SQLite keeps a dropped table for whoever began before, and the key was in memory
        assert told(answer.json()) == told(before)


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_set_that_is_read_for_long_is_not_dropped_over_its_reader(deployment: Deployment) -> None:
    """Everybody who comes to read would wait behind the drop: so it gives up, and has changed nothing."""
    old = deployment.import_and_publish(people(1))
    deployment.import_and_publish(people(2))
    headers = deployment.sign_in(EVERYWHERE)
    with deployment.database.read() as session:
        session.execute(text(f"SELECT count(*) FROM {table_name(old)}"))
        with pytest.raises(DataSetBusy):
            deployment.retire(old)
        assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    deployment.retire(old)
