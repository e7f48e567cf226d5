"""Decisions about publishing, rolling back and retiring data sets, as examples and as properties of arbitrary histories."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, Literal
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.datasets import lifecycle
from app.datasets.errors import StateConflict
from app.datasets.lifecycle import DataSet, DataSetKind
from tests.support.deployment import INCIDENT_SLUG

NOW = datetime(2026, 1, 14, 9, 0, tzinfo=UTC)


def make_data_set(kind: DataSetKind = "full", people: int = 100, **fields: Any) -> DataSet:
    return DataSet(
        id=uuid4(),
        incident=INCIDENT_SLUG,
        version=1,
        kind=kind,
        key_id="",
        synthetic=False,
        rows=people + 1,
        people=people,
        imported_at=NOW,
        **({"state": "staged", "published_at": None, "sequence": None, "base_id": None} | fields),
    )


@pytest.mark.parametrize(
    ("before", "after", "accepted", "published"),
    [
        (1000, 1000, 0, True),
        (1000, 5000, 0, True),
        (1000, 999, 0, True),  # exactly 0.1 %
        (1000, 998, 0, False),
        (1000, 998, 1, False),
        (1000, 998, 2, True),
        (1000, 998, 900, True),
        (999, 998, 0, False),  # one of fewer than 1,000 people is over 0.1 %
        (999, 998, 1, True),
        (33_700_000, 33_666_300, 0, True),
        (33_700_000, 33_666_299, 0, False),
        (1000, 0, 999, False),
        (0, 0, 0, True),
    ],
)
def test_loss_limit_of_a_publication(before: int, after: int, accepted: int, published: bool) -> None:
    old = make_data_set(people=before, state="published", sequence=1, published_at=NOW)
    new = make_data_set(people=after)
    if published:
        assert lifecycle.publish([old, new], new, now=NOW, accept_loss=accepted)
        return
    with pytest.raises(StateConflict, match=f"{before - after:,} of {before:,}"):
        lifecycle.publish([old, new], new, now=NOW, accept_loss=accepted)


def test_people_of_supplements_count_as_lost() -> None:
    old = make_data_set(people=1000, state="published", sequence=1, published_at=NOW)
    supplement = make_data_set(
        "supplement", people=500, state="published", sequence=2, published_at=NOW, base_id=old.id
    )
    new = make_data_set(people=1000)
    with pytest.raises(StateConflict, match="500 of 1,500"):
        lifecycle.publish([old, supplement, new], new, now=NOW)


def test_roll_back_keeps_time_and_order_of_the_first_publication() -> None:
    old = make_data_set(state="superseded", sequence=1, published_at=NOW)
    new = make_data_set(state="published", sequence=2, published_at=NOW + timedelta(days=1))
    changed = lifecycle.publish([old, new], old, now=NOW + timedelta(days=2))
    assert changed == [replace(old, state="published"), replace(new, state="staged", published_at=None, sequence=None)]


# --- properties of arbitrary histories ---

Move = tuple[Literal["full", "supplement", "publish", "retire", "retire closed"], int, int]
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["full", "supplement", "publish", "publish", "publish", "retire", "retire closed"]),
        st.integers(0, 7),
        st.sampled_from([0, 1, 10, 10_000]),
    ),
    max_size=30,
)


def play(moves: Sequence[Move]) -> list[list[DataSet]]:
    """Apply moves. Return the data sets after each move; a rejected move changes nothing."""
    datasets: list[DataSet] = []
    history = [datasets]
    for hour, (move, index, amount) in enumerate(moves):
        now = NOW + timedelta(hours=hour)
        if move == "full" or move == "supplement":
            datasets = [*datasets, make_data_set(move, people=amount)]
        elif datasets:
            target = datasets[index % len(datasets)]
            try:
                if move == "publish":
                    changed = lifecycle.publish(datasets, target, now=now, accept_loss=amount)
                else:
                    changed = [lifecycle.retire(target, incident_closed=move == "retire closed")]
            except StateConflict:
                changed = []
            by_id = {dataset.id: dataset for dataset in changed}
            assert len(by_id) == len(changed)
            datasets = [by_id.get(dataset.id, dataset) for dataset in datasets]
        history.append(datasets)
    return history


@given(MOVES)
def test_at_most_one_full_set_is_published_with_its_supplements(moves: list[Move]) -> None:
    for datasets in play(moves):
        by_id = {dataset.id: dataset for dataset in datasets}
        published = [dataset for dataset in datasets if dataset.state == "published"]
        fulls = [dataset for dataset in published if dataset.kind == "full"]
        assert len(fulls) <= 1
        for dataset in published:
            if dataset.kind == "supplement":
                assert dataset.base_id is not None
                base = by_id[dataset.base_id]
                assert base.kind == "full"
                assert [base] == fulls or base.state == "retired"  # only in a closed incident


@given(MOVES)
def test_all_sets_of_a_generation_have_the_same_state(moves: list[Move]) -> None:
    for datasets in play(moves):
        states: dict[UUID | None, set[str]] = {}
        for dataset in datasets:
            if dataset.state in ("published", "superseded"):
                states.setdefault(dataset.generation_id, set()).add(dataset.state)
        assert all(len(generation_states) == 1 for generation_states in states.values())


@given(MOVES)
def test_published_sets_are_newer_than_superseded_ones(moves: list[Move]) -> None:
    for datasets in play(moves):
        answerable = [dataset for dataset in datasets if dataset.state in ("published", "superseded")]
        sequences = [dataset.sequence for dataset in answerable]
        assert None not in sequences
        assert len(set(sequences)) == len(sequences)
        newest_first = sorted(answerable, key=lambda dataset: -(dataset.sequence or 0))
        assert [dataset.state for dataset in newest_first] == sorted(
            dataset.state for dataset in answerable
        )  # "published" sorts before "superseded"


@given(MOVES)
def test_staged_and_retired_sets_have_no_sequence_and_retired_is_final(moves: list[Move]) -> None:
    history = play(moves)
    for before, after in pairwise(history):
        for dataset in after:
            if dataset.state in ("staged", "retired"):
                assert dataset.sequence is None
            if dataset.state == "staged":
                assert dataset.published_at is None
            if dataset.state in ("published", "superseded"):
                assert dataset.published_at is not None
        for old, new in zip(before, after, strict=False):
            assert old.id == new.id
            if old.state == "retired":
                assert new == old


@given(MOVES)
def test_no_publication_loses_more_people_than_accepted(moves: list[Move]) -> None:
    history = play(moves)
    for (move, _, accepted), before, after in zip(moves, history[:-1], history[1:], strict=True):
        if move == "publish":
            people_before, people_after = (
                sum(dataset.people for dataset in datasets if dataset.state == "published")
                for datasets in (before, after)
            )
            assert people_before - people_after <= max(accepted, people_before * 0.001)
