"""Which data sets a customer is answered from: as a table of stories told through the API, as decisions, and as properties of any history."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import datasets, incidents
from app.datasets import DataSet, StateConflict
from app.datasets import lifecycle
from tests.support.deployment import INCIDENT_SLUG, Deployment, make_row

# --- what a customer is told -----------------------------------------------------------------------------------------


@dataclass
class Story:
    """A deployment, and its data sets by the names that the story gives them."""

    deployment: Deployment
    named: dict[str, UUID] = field(default_factory=dict)

    def states(self) -> dict[str, DataSet]:
        with self.deployment.database.read() as session:
            return {name: datasets.get(session, one) for name, one in self.named.items()}


Step = Callable[[Story], None]


def _imported(kind: str, name: str, people: dict[str, str]) -> Step:
    """Stage a set; each person is "confidence item item×count …"."""

    def step(story: Story) -> None:
        rows = [make_row("bystander", email="bystander@example.com", items="name")]
        for who, what in people.items():
            confidence, *items = what.split()
            for item in items:
                one, _, count = item.partition("×")
                rows.append(
                    make_row(
                        who, email=f"{who}@example.com", items=one, count=count or 1, confidence=confidence, cohort=name
                    )
                )
        story.named[name] = story.deployment.import_rows(rows, kind=kind).id

    return step


def full(name: str, **people: str) -> Step:
    return _imported("full", name, people)


def supplement(name: str, **people: str) -> Step:
    return _imported("supplement", name, people)


def publish(name: str) -> Step:
    return lambda story: story.deployment.publish(story.named[name])


def retire(name: str) -> Step:
    return lambda story: story.deployment.retire(story.named[name])


def close_incident(story: Story) -> None:
    closed = story.deployment.incident.model_copy(update={"status": "closed"})
    with story.deployment.database.write() as session:
        incidents.update_incident(session, closed, now=story.deployment.clock())


def refused(*steps: Step) -> Step:
    """Each of the steps is refused, and a refusal changes nothing."""

    def step(story: Story) -> None:
        before = story.states()
        for one in steps:
            with pytest.raises(StateConflict):
                one(story)
        assert story.states() == before

    return step


def are(**states: str) -> Step:
    def step(story: Story) -> None:
        assert {name: one.state for name, one in story.states().items()} == states

    return step


def told(**people: str) -> Step:
    """What each person is told now: "confidence item item×count …"; nothing for somebody who is not affected."""

    def step(story: Story) -> None:
        published = {one.version for one in story.states().values() if one.state == "published"}
        for who, expected in people.items():
            answer = story.deployment.get_exposures(f"{who}@example.com")
            assert {one["version"] for one in answer["datasets"]} == published
            assert [_said(exposure) for exposure in answer["exposures"]] == ([expected] if expected else [])

    return step


def _said(exposure: dict[str, Any]) -> str:
    items = [item["kind"] + (f"×{item['count']}" if item["count"] > 1 else "") for item in exposure["items"]]
    return " ".join([exposure["confidence"], *items])


STORIES: dict[str, list[Step]] = {
    "a staged set is invisible": [
        full("A", mina="confirmed name"),
        are(A="staged"),
        told(mina=""),
        publish("A"),
        are(A="published"),
        told(mina="confirmed name", nobody=""),
    ],
    "a newer full set takes the place of the older one, items and all": [
        full("A", mina="confirmed name email"),
        publish("A"),
        full("B", mina="possible name×3"),
        told(mina="confirmed name email"),
        publish("B"),
        are(A="superseded", B="published"),
        told(mina="possible name×3"),
    ],
    "who is in a superseded set only is under review": [
        full("A", mina="confirmed name email"),
        publish("A"),
        full("B", jun="confirmed name"),
        publish("B"),
        told(mina="under_review name email", jun="confirmed name"),
    ],
    "withdrawn comes from an explicit row only": [
        full("A", mina="confirmed name", jun="confirmed name"),
        publish("A"),
        full("B", mina="withdrawn name"),
        publish("B"),
        told(mina="withdrawn name", jun="under_review name"),
    ],
    "of a person who was withdrawn and then left out, it is still not said that all is well": [
        full("A", mina="withdrawn name"),
        publish("A"),
        full("B"),
        publish("B"),
        told(mina="under_review name"),
    ],
    "a supplement adds people, and unites items": [
        full("A", mina="confirmed name email"),
        publish("A"),
        supplement("S", mina="confirmed name×2 order", jun="possible phone"),
        told(mina="confirmed name email", jun=""),
        publish("S"),
        are(A="published", S="published"),
        told(mina="confirmed name×3 email order", jun="possible phone"),
    ],
    "the newest set that holds a person decides the confidence, even downwards": [
        full("A", mina="confirmed name", jun="possible name", sora="confirmed name"),
        publish("A"),
        supplement("S", mina="possible order", jun="confirmed order"),
        publish("S"),
        supplement("T", jun="withdrawn name"),
        publish("T"),
        told(mina="possible name order", jun="withdrawn name×2 order", sora="confirmed name"),
    ],
    "supplements are superseded with their full set": [
        full("A", mina="confirmed name"),
        publish("A"),
        supplement("S", mina="confirmed order", jun="confirmed phone"),
        publish("S"),
        full("B", mina="confirmed email"),
        publish("B"),
        are(A="superseded", S="superseded", B="published"),
        told(mina="confirmed email", jun="under_review phone"),
        refused(publish("S")),
    ],
    "a generation that was superseded is one: its items unite under review": [
        full("A", mina="confirmed name"),
        publish("A"),
        supplement("S", mina="possible order"),
        publish("S"),
        full("B"),
        publish("B"),
        told(mina="under_review name order"),
    ],
    "to publish a superseded set is to roll back: what came after it was never said": [
        full("A", mina="confirmed name"),
        publish("A"),
        supplement("S", mina="possible order"),
        publish("S"),
        full("B", mina="withdrawn name", jun="confirmed name"),
        publish("B"),
        told(mina="withdrawn name", jun="confirmed name"),
        publish("A"),
        are(A="published", S="published", B="staged"),
        told(mina="possible name order", jun=""),
    ],
    "a roll-back over two generations undoes both": [
        full("A", mina="confirmed name"),
        publish("A"),
        full("B", jun="confirmed name"),
        publish("B"),
        full("C", sora="confirmed name"),
        publish("C"),
        told(mina="under_review name", jun="under_review name", sora="confirmed name"),
        publish("A"),
        are(A="published", B="staged", C="staged"),
        told(mina="confirmed name", jun="", sora=""),
    ],
    "a roll-back to the middle leaves what was superseded before": [
        full("A", mina="confirmed name"),
        publish("A"),
        full("B", jun="confirmed name"),
        publish("B"),
        full("C", sora="confirmed name"),
        publish("C"),
        publish("B"),
        are(A="superseded", B="published", C="staged"),
        told(mina="under_review name", jun="confirmed name", sora=""),
    ],
    "what was undone can be published again, with the supplements beside it": [
        full("A", mina="confirmed name"),
        publish("A"),
        full("B", mina="possible name"),
        publish("B"),
        supplement("S", mina="confirmed order", jun="confirmed order"),
        publish("S"),
        publish("A"),
        are(A="published", B="staged", S="staged"),
        told(mina="confirmed name", jun=""),
        publish("B"),
        are(A="superseded", B="published", S="published"),
        told(mina="confirmed name order", jun="confirmed order"),
    ],
    "a supplement that was undone can be published beside another full set, and then stays there": [
        full("A", mina="confirmed name"),
        publish("A"),
        full("B"),
        publish("B"),
        supplement("S", mina="confirmed order"),
        publish("S"),
        publish("A"),
        publish("S"),
        told(mina="confirmed name order"),
        publish("B"),
        are(A="superseded", B="published", S="superseded"),
        told(mina="under_review name order"),
    ],
    "a supplement alone is refused": [
        supplement("S", mina="confirmed name"),
        refused(publish("S")),
        are(S="staged"),
        told(mina=""),
    ],
    "what is published is neither published again nor retired": [
        full("A", mina="confirmed name"),
        publish("A"),
        refused(publish("A"), retire("A")),
        told(mina="confirmed name"),
    ],
    "a retired set is gone for good": [
        full("A", mina="confirmed name", jun="confirmed name"),
        publish("A"),
        full("B", mina="possible name"),
        publish("B"),
        retire("A"),
        are(A="retired", B="published"),
        told(mina="possible name", jun=""),
        refused(publish("A"), retire("A")),
    ],
    "a staged set that nobody wants is retired": [
        full("A", mina="confirmed name"),
        retire("A"),
        are(A="retired"),
        told(mina=""),
        refused(publish("A")),
    ],
    "a supplement may be retired once its full set is superseded": [
        full("A", mina="confirmed name"),
        publish("A"),
        supplement("S", mina="confirmed order", jun="confirmed name"),
        publish("S"),
        refused(retire("S")),
        full("B"),
        publish("B"),
        retire("S"),
        told(mina="under_review name", jun=""),
        publish("A"),
        are(A="published", S="retired", B="staged"),
        told(mina="confirmed name", jun=""),
    ],
    "a roll-back undoes a supplement whose full set was retired meanwhile": [
        full("A", mina="confirmed name"),
        publish("A"),
        full("B"),
        publish("B"),
        supplement("S", mina="withdrawn order", jun="confirmed name"),
        publish("S"),
        full("C"),
        publish("C"),
        retire("B"),
        told(mina="under_review order", jun="under_review name"),
        publish("A"),
        are(A="published", B="retired", S="staged", C="staged"),
        told(mina="confirmed name", jun=""),
    ],
    "of a closed incident the last set may be retired too": [
        full("A", mina="confirmed name"),
        publish("A"),
        close_incident,
        retire("A"),
        are(A="retired"),
        told(mina=""),
    ],
}


@pytest.mark.parametrize("name", STORIES)
def test_what_a_customer_is_told(name: str, deployment: Deployment) -> None:
    story = Story(deployment)
    for step in STORIES[name]:
        step(story)


def test_each_published_set_says_what_it_holds_and_the_newest_comes_first(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", email="mina@example.com", items="name")])
    deployment.import_and_publish([make_row("a2", email="jun@example.com", items="name")], kind="supplement")
    answer = deployment.get_exposures("mina@example.com")
    assert [(one["version"], one["result"]) for one in answer["datasets"]] == [(2, "not_found"), (1, "found")]


def test_incidents_do_not_touch_each_other(deployment: Deployment) -> None:
    other = deployment.incident.model_copy(update={"slug": "other-2026"})
    deployment.create_incident(other)
    rows = [make_row("a1", email="mina@example.com", items="name")]
    deployment.import_and_publish(rows)
    deployment.import_and_publish(rows, incident="other-2026")
    deployment.import_and_publish([make_row("a2", email="jun@example.com", items="name")], incident="other-2026")
    said = {one["incident"]: _said(one) for one in deployment.get_exposures("mina@example.com")["exposures"]}
    assert said == {INCIDENT_SLUG: "confirmed name", "other-2026": "under_review name"}


def test_a_refused_loss_of_people_changes_nothing_and_a_meant_one_goes_through(deployment: Deployment) -> None:
    people = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(5)]
    first = deployment.import_and_publish(people)
    second = deployment.import_rows(people[:3]).id
    for too_few in (0, 1):
        with pytest.raises(StateConflict, match="2 of 5 people"):
            deployment.publish(second, accept_loss=too_few)
    with deployment.database.read() as session:
        states = {one.id: one.state for one in datasets.list_all(session)}
    assert states == {first: "published", second: "staged"}
    deployment.publish(second, accept_loss=2)
    with pytest.raises(StateConflict, match="--kind supplement"):
        deployment.publish(deployment.import_rows(people[:1]).id, accept_loss=1)
    deployment.publish(first, accept_loss=0)  # a roll-back that loses nobody needs no leave


# --- decisions -------------------------------------------------------------------------------------------------------

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)


def data_set(kind: str = "full", people: int = 100, **fields: Any) -> DataSet:
    return DataSet(
        id=uuid4(),
        incident=INCIDENT_SLUG,
        version=1,
        kind=kind,  # type: ignore[arg-type]
        key_id="",
        synthetic=False,
        rows=people + 1,
        people=people,
        imported_at=NOW,
        **({"state": "staged", "published_at": None, "sequence": None, "beside": None} | fields),
    )


@pytest.mark.parametrize(
    ("before", "after", "accepted", "published"),
    [
        (1000, 1000, 0, True),
        (1000, 5000, 0, True),
        (1000, 999, 0, True),  # 0.1 % just so
        (1000, 998, 0, False),
        (1000, 998, 1, False),
        (1000, 998, 2, True),
        (1000, 998, 900, True),
        (999, 998, 0, False),  # one of fewer than a thousand is over 0.1 %
        (999, 998, 1, True),
        (33_700_000, 33_666_300, 0, True),
        (33_700_000, 33_666_299, 0, False),
        (1000, 0, 999, False),
        (0, 0, 0, True),
    ],
)
def test_how_many_people_a_publication_may_lose(before: int, after: int, accepted: int, published: bool) -> None:
    old = data_set(people=before, state="published", sequence=1, published_at=NOW)
    new = data_set(people=after)
    if published:
        assert lifecycle.publish([old, new], new, now=NOW, accept_loss=accepted)
        return
    with pytest.raises(StateConflict, match=f"{before - after:,} of {before:,}"):
        lifecycle.publish([old, new], new, now=NOW, accept_loss=accepted)


def test_supplements_count_into_what_would_be_lost() -> None:
    old = data_set(people=1000, state="published", sequence=1, published_at=NOW)
    beside = data_set("supplement", people=500, state="published", sequence=2, published_at=NOW, beside=old.id)
    new = data_set(people=1000)
    with pytest.raises(StateConflict, match="500 of 1,500"):
        lifecycle.publish([old, beside, new], new, now=NOW)


def test_a_rolled_back_set_keeps_the_time_and_the_order_of_its_first_publication() -> None:
    old = data_set(state="superseded", sequence=1, published_at=NOW)
    new = data_set(state="published", sequence=2, published_at=NOW + timedelta(days=1))
    changed = lifecycle.publish([old, new], old, now=NOW + timedelta(days=2))
    assert changed == [replace(old, state="published"), replace(new, state="staged", published_at=None, sequence=None)]


# --- any history -----------------------------------------------------------------------------------------------------

Move = tuple[str, int, int]
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["full", "supplement", "publish", "publish", "publish", "retire", "retire closed"]),
        st.integers(0, 7),
        st.sampled_from([0, 1, 10, 10_000]),
    ),
    max_size=30,
)


def played(moves: Sequence[Move]) -> list[list[DataSet]]:
    """Play a history; gives the sets as they stood after each move, refused moves too."""
    sets: list[DataSet] = []
    history = [sets]
    for number, (move, which, amount) in enumerate(moves):
        now = NOW + timedelta(hours=number)
        if move in ("full", "supplement"):
            sets = [*sets, data_set(move, people=amount)]
        elif sets:
            target = sets[which % len(sets)]
            try:
                if move == "publish":
                    changed = lifecycle.publish(sets, target, now=now, accept_loss=amount)
                else:
                    changed = [lifecycle.retire(target, incident_closed=move == "retire closed")]
            except StateConflict:
                changed = []
            by_id = {one.id: one for one in changed}
            assert len(by_id) == len(changed)
            sets = [by_id.get(one.id, one) for one in sets]
        history.append(sets)
    return history


@given(MOVES)
def test_at_most_one_full_set_is_published_and_supplements_stand_beside_it(moves: list[Move]) -> None:
    for sets in played(moves):
        by_id = {one.id: one for one in sets}
        published = [one for one in sets if one.state == "published"]
        fulls = [one for one in published if one.kind == "full"]
        assert len(fulls) <= 1
        for one in published:
            if one.kind == "supplement":
                assert one.beside is not None
                beside = by_id[one.beside]
                assert beside.kind == "full"
                assert [beside] == fulls or beside.state == "retired"  # retired: only a closed incident's


@given(MOVES)
def test_a_generation_stands_and_falls_together(moves: list[Move]) -> None:
    for sets in played(moves):
        states: dict[UUID | None, set[str]] = {}
        for one in sets:
            if one.state in ("published", "superseded"):
                states.setdefault(one.generation, set()).add(one.state)
        assert all(len(found) == 1 for found in states.values())


@given(MOVES)
def test_what_is_published_is_newer_than_all_that_is_superseded(moves: list[Move]) -> None:
    for sets in played(moves):
        readable = [one for one in sets if one.state in ("published", "superseded")]
        sequences = [one.sequence for one in readable]
        assert None not in sequences
        assert len(set(sequences)) == len(sequences)
        newest_first = sorted(readable, key=lambda one: -(one.sequence or 0))
        assert [one.state for one in newest_first] == sorted(one.state for one in readable)  # p… before s…


@given(MOVES)
def test_what_nobody_may_see_has_no_place_and_what_is_retired_stays_so(moves: list[Move]) -> None:
    history = played(moves)
    for before, after in pairwise(history):
        for one in after:
            if one.state in ("staged", "retired"):
                assert one.sequence is None
            if one.state == "staged":
                assert one.published_at is None
            if one.state in ("published", "superseded"):
                assert one.published_at is not None
        for old, new in zip(before, after, strict=False):
            assert old.id == new.id
            if old.state == "retired":
                assert new == old


@given(MOVES)
def test_no_publication_loses_more_people_than_was_meant(moves: list[Move]) -> None:
    history = played(moves)
    for (move, _, accepted), before, after in zip(moves, history[:-1], history[1:], strict=True):
        if move == "publish":
            had, has = (sum(one.people for one in sets if one.state == "published") for sets in (before, after))
            assert had - has <= max(accepted, had * 0.001)
