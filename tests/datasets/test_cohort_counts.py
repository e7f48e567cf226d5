"""Counts of people by cohort and item: sealed with their data set, and laid beside another's."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import datasets
from app.crypto.json_aead import encrypt_json
from app.crypto.row_sealing import DecryptionFailed
from app.crypto.keys import StoreKey
from app.datasets import StateConflict, UnknownDataSet
from app.datasets.models import DataSetRow
from app.datasets.cohort_counts import PEOPLE, CountDiff, differences, open_cohort_counts, seal_cohort_counts
from app.incidents import ITEM_KINDS
from tests.crypto.helpers import DATASET, OTHER_DATASET, STORE_KEY, flip_bits, keys
from tests.support.deployment import Deployment, make_row

cohorts = st.text(st.characters(codec="utf-8"), max_size=20)
masks = st.integers(0, 2 ** len(ITEM_KINDS) - 1)
tallied = st.dictionaries(st.tuples(cohorts, masks), st.integers(1, 10**8), max_size=20)
counted = st.dictionaries(
    st.sampled_from(["", "2025-06", "발송", "a"]),
    st.dictionaries(st.sampled_from((PEOPLE, *ITEM_KINDS)), st.integers(0, 1000)),
)
TALLIES = {("2025-06", 0b1): 3, ("2025-06", 0b11): 4, ("발송", 0): 5}


def expected(tallies: Mapping[tuple[str, int], int]) -> dict[str, dict[str, int]]:
    """The counts, counted otherwise: each cohort and item on its own."""
    counts: dict[str, dict[str, int]] = {}
    for cohort in {cohort for cohort, _ in tallies}:
        own = {mask: people for (name, mask), people in tallies.items() if name == cohort}
        counts[cohort] = {PEOPLE: sum(own.values())}
        for number, kind in enumerate(ITEM_KINDS):
            having = [people for mask, people in own.items() if mask & 2**number]
            if having:
                counts[cohort][kind] = sum(having)
    return counts


@given(tallied, keys, st.uuids())
def test_what_was_counted_comes_back(tallies: dict[tuple[str, int], int], key: bytes, dataset: UUID) -> None:
    assert open_cohort_counts(seal_cohort_counts(tallies, StoreKey(key), dataset), StoreKey(key), dataset) == expected(tallies)


def test_people_are_counted_once_and_under_each_of_their_items() -> None:
    assert ITEM_KINDS[:2] == ("name", "email")
    assert open_cohort_counts(seal_cohort_counts(TALLIES, STORE_KEY, DATASET), STORE_KEY, DATASET) == {
        "2025-06": {"people": 7, "name": 7, "email": 4},
        "발송": {"people": 5},
    }
    assert open_cohort_counts(seal_cohort_counts({}, STORE_KEY, DATASET), STORE_KEY, DATASET) == {}


def test_no_item_is_called_as_all_people_are() -> None:
    assert PEOPLE not in ITEM_KINDS


@given(keys, st.uuids())
def test_they_open_for_no_other_data_set_and_no_other_key(key: bytes, dataset: UUID) -> None:
    sealed = seal_cohort_counts(TALLIES, STORE_KEY, DATASET)
    for other_key, other in ((STORE_KEY, OTHER_DATASET), (STORE_KEY, dataset), (StoreKey(key), DATASET)):
        if (other_key, other) != (STORE_KEY, DATASET):
            with pytest.raises(DecryptionFailed):
                open_cohort_counts(sealed, other_key, other)


def test_no_byte_of_them_can_be_changed() -> None:
    sealed = seal_cohort_counts(TALLIES, STORE_KEY, DATASET)
    for at in range(len(sealed)):
        for changed in (flip_bits(sealed, at, 1), sealed[:at]):
            with pytest.raises(DecryptionFailed):
                open_cohort_counts(changed, STORE_KEY, DATASET)
    with pytest.raises(DecryptionFailed):
        open_cohort_counts(sealed + b"\0", STORE_KEY, DATASET)


@pytest.mark.parametrize("purpose", ["cloak", "outer seal", "manifest", "key id"])
def test_the_key_that_seals_them_does_nothing_else(purpose: str) -> None:
    with pytest.raises(DecryptionFailed):
        open_cohort_counts(encrypt_json(STORE_KEY.subkey(purpose), {}, aad=DATASET.bytes), STORE_KEY, DATASET)


def test_the_names_of_cohorts_do_not_show() -> None:
    sealed = seal_cohort_counts(TALLIES, STORE_KEY, DATASET)
    assert b"2025-06" not in sealed
    assert "발송".encode() not in sealed
    assert seal_cohort_counts(TALLIES, STORE_KEY, DATASET) != sealed


def test_differences_lie_beside_each_other() -> None:
    before = {"2025-06": {"people": 7, "name": 7, "email": 4}, "발송": {"people": 5}}
    after = {"2025-06": {"people": 6, "email": 4, "order": 1}, "2025-05": {"people": 1}}
    assert differences(before, after) == [
        CountDiff("2025-05", "people", 0, 1),
        CountDiff("2025-06", "people", 7, 6),
        CountDiff("2025-06", "name", 7, 0),
        CountDiff("2025-06", "email", 4, 4),
        CountDiff("2025-06", "order", 0, 1),
        CountDiff("발송", "people", 5, 0),
    ]
    assert differences({}, {}) == []


@given(counted, counted)
def test_each_count_of_either_stands_there_once(
    before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]
) -> None:
    found = differences(before, after)
    places = [(one.cohort, one.item) for one in found]
    assert set(places) == {(cohort, item) for counts in (before, after) for cohort in counts for item in counts[cohort]}
    assert len(set(places)) == len(places)
    for one in found:
        assert one.before == before.get(one.cohort, {}).get(one.item, 0)
        assert one.after == after.get(one.cohort, {}).get(one.item, 0)
    order = (PEOPLE, *ITEM_KINDS)
    assert places == sorted(places, key=lambda place: (place[0], order.index(place[1])))


@given(counted, counted)
def test_differences_turned_round_are_those_of_the_sets_turned_round(
    before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]
) -> None:
    turned = [CountDiff(one.cohort, one.item, one.after, one.before) for one in differences(before, after)]
    assert turned == differences(after, before)


def diff(deployment: Deployment, before: UUID, after: UUID) -> list[CountDiff]:
    with deployment.database.read() as session:
        return datasets.diff(session, before, after, keys=deployment.keys)


PEOPLE_BEFORE = [
    make_row("a1", phone="010-2000-0001", items="name|phone", cohort="june"),
    make_row("a1", email="a1@example.com", items="name|email", cohort="june"),
    make_row("a2", phone="010-2000-0002", items="name", cohort="june"),
    make_row("a2", phone="010-2000-0002", items="order", cohort="may"),
    make_row("a3", items="name", cohort="june"),  # nobody finds them: not imported
    make_row("a4", phone="010-2000-0004", items="name"),
]


def test_an_import_counts_its_people(deployment: Deployment) -> None:
    before = deployment.import_and_publish(PEOPLE_BEFORE)
    after = deployment.import_and_publish(
        [*PEOPLE_BEFORE[:4], make_row("a5", email="a5@example.com", items="name", cohort="june")]
    )
    assert diff(deployment, before, after) == [
        CountDiff("", "people", 1, 0),
        CountDiff("", "name", 1, 0),
        CountDiff("june", "people", 2, 3),
        CountDiff("june", "name", 2, 3),
        CountDiff("june", "email", 1, 1),
        CountDiff("june", "phone", 1, 1),
        CountDiff("may", "people", 1, 1),
        CountDiff("may", "order", 1, 1),
    ]
    assert all(one.before == one.after for one in diff(deployment, after, after))


def test_what_cannot_be_compared(deployment: Deployment) -> None:
    one, other = deployment.import_and_publish(PEOPLE_BEFORE), deployment.import_rows(PEOPLE_BEFORE).id
    with pytest.raises(UnknownDataSet):
        diff(deployment, one, DATASET)
    deployment.retire(other)
    with pytest.raises(StateConflict, match="retired"):
        diff(deployment, one, other)
    deployment.execute_sql("UPDATE data_sets SET tallies = NULL")
    with pytest.raises(StateConflict, match="before counts were kept"):
        diff(deployment, one, one)


def test_counts_of_another_data_set_are_not_shown_for_this_one(deployment: Deployment) -> None:
    one, other = deployment.import_and_publish(PEOPLE_BEFORE), deployment.import_and_publish(PEOPLE_BEFORE[:2])
    with deployment.database.write() as session:
        first, second = session.query(DataSetRow).all()
        first.tallies, second.tallies = second.tallies, first.tallies
    with pytest.raises(DecryptionFailed):
        diff(deployment, one, other)
