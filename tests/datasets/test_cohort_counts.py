"""Counts of people by cohort and item: encryption, and comparison of two data sets."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.json_aead import encrypt_json
from app.crypto.keys import StoreKey
from app.crypto.row_sealing import DecryptionFailed
from app.datasets import service as datasets
from app.datasets.cohort_counts import PEOPLE_KEY, CountDiff, diff_counts, open_cohort_counts, seal_cohort_counts
from app.datasets.errors import StateConflict, UnknownDataSet
from app.datasets.models import DataSetRow
from app.incidents.items import ITEM_KINDS
from tests.crypto.helpers import DATASET, OTHER_DATASET, STORE_KEY, flip_bits, keys
from tests.support.deployment import Deployment, make_row

cohorts = st.text(st.characters(codec="utf-8"), max_size=20)
masks = st.integers(0, 2 ** len(ITEM_KINDS) - 1)
people_by_mask_strategy = st.dictionaries(st.tuples(cohorts, masks), st.integers(1, 10**8), max_size=20)
counts_strategy = st.dictionaries(
    st.sampled_from(["", "2025-06", "발송", "a"]),
    st.dictionaries(st.sampled_from((PEOPLE_KEY, *ITEM_KINDS)), st.integers(0, 1000)),
)
PEOPLE_BY_MASK = {("2025-06", 0b1): 3, ("2025-06", 0b11): 4, ("발송", 0): 5}


def expected_counts(people_by_mask: Mapping[tuple[str, int], int]) -> dict[str, dict[str, int]]:
    """Compute the counts independently: each cohort and item by itself."""
    counts: dict[str, dict[str, int]] = {}
    for cohort in {cohort for cohort, _ in people_by_mask}:
        people_of_cohort = {mask: people for (name, mask), people in people_by_mask.items() if name == cohort}
        counts[cohort] = {PEOPLE_KEY: sum(people_of_cohort.values())}
        for number, kind in enumerate(ITEM_KINDS):
            people_with_item = [people for mask, people in people_of_cohort.items() if mask & 2**number]
            if people_with_item:
                counts[cohort][kind] = sum(people_with_item)
    return counts


@given(people_by_mask_strategy, keys, st.uuids())
def test_sealed_counts_round_trip(people_by_mask: dict[tuple[str, int], int], key: bytes, dataset: UUID) -> None:
    assert open_cohort_counts(
        seal_cohort_counts(people_by_mask, StoreKey(key), dataset), StoreKey(key), dataset
    ) == expected_counts(people_by_mask)


def test_people_count_once_in_the_total_and_once_per_item() -> None:
    assert ITEM_KINDS[:2] == ("name", "email")
    assert open_cohort_counts(seal_cohort_counts(PEOPLE_BY_MASK, STORE_KEY, DATASET), STORE_KEY, DATASET) == {
        "2025-06": {"people": 7, "name": 7, "email": 4},
        "발송": {"people": 5},
    }
    assert open_cohort_counts(seal_cohort_counts({}, STORE_KEY, DATASET), STORE_KEY, DATASET) == {}


def test_no_item_kind_equals_the_key_of_the_total() -> None:
    assert PEOPLE_KEY not in ITEM_KINDS


@given(keys, st.uuids())
def test_decryption_needs_the_same_key_and_data_set(key: bytes, dataset: UUID) -> None:
    sealed = seal_cohort_counts(PEOPLE_BY_MASK, STORE_KEY, DATASET)
    for other_key, other in ((STORE_KEY, OTHER_DATASET), (STORE_KEY, dataset), (StoreKey(key), DATASET)):
        if (other_key, other) != (STORE_KEY, DATASET):
            with pytest.raises(DecryptionFailed):
                open_cohort_counts(sealed, other_key, other)


def test_changed_ciphertext_is_rejected() -> None:
    sealed = seal_cohort_counts(PEOPLE_BY_MASK, STORE_KEY, DATASET)
    for index in range(len(sealed)):
        for changed in (flip_bits(sealed, index, 1), sealed[:index]):
            with pytest.raises(DecryptionFailed):
                open_cohort_counts(changed, STORE_KEY, DATASET)
    with pytest.raises(DecryptionFailed):
        open_cohort_counts(sealed + b"\0", STORE_KEY, DATASET)


@pytest.mark.parametrize("purpose", ["cloak", "outer seal", "manifest", "key id"])
def test_ciphertext_under_another_subkey_is_rejected(purpose: str) -> None:
    with pytest.raises(DecryptionFailed):
        open_cohort_counts(encrypt_json(STORE_KEY.subkey(purpose), {}, aad=DATASET.bytes), STORE_KEY, DATASET)


def test_ciphertext_hides_cohort_names() -> None:
    sealed = seal_cohort_counts(PEOPLE_BY_MASK, STORE_KEY, DATASET)
    assert b"2025-06" not in sealed
    assert "발송".encode() not in sealed
    assert seal_cohort_counts(PEOPLE_BY_MASK, STORE_KEY, DATASET) != sealed


def test_diff_lists_counts_of_both_data_sets() -> None:
    before = {"2025-06": {"people": 7, "name": 7, "email": 4}, "발송": {"people": 5}}
    after = {"2025-06": {"people": 6, "email": 4, "order": 1}, "2025-05": {"people": 1}}
    assert diff_counts(before, after) == [
        CountDiff("2025-05", "people", 0, 1),
        CountDiff("2025-06", "people", 7, 6),
        CountDiff("2025-06", "name", 7, 0),
        CountDiff("2025-06", "email", 4, 4),
        CountDiff("2025-06", "order", 0, 1),
        CountDiff("발송", "people", 5, 0),
    ]
    assert diff_counts({}, {}) == []


@given(counts_strategy, counts_strategy)
def test_diff_has_each_count_exactly_once_in_order(
    before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]
) -> None:
    counts = diff_counts(before, after)
    keys_in_order = [(count.cohort, count.item) for count in counts]
    assert set(keys_in_order) == {
        (cohort, item) for data_set in (before, after) for cohort in data_set for item in data_set[cohort]
    }
    assert len(set(keys_in_order)) == len(keys_in_order)
    for count in counts:
        assert count.before == before.get(count.cohort, {}).get(count.item, 0)
        assert count.after == after.get(count.cohort, {}).get(count.item, 0)
    order = (PEOPLE_KEY, *ITEM_KINDS)
    assert keys_in_order == sorted(keys_in_order, key=lambda place: (place[0], order.index(place[1])))


@given(counts_strategy, counts_strategy)
def test_diff_is_symmetric(before: dict[str, dict[str, int]], after: dict[str, dict[str, int]]) -> None:
    swapped = [CountDiff(count.cohort, count.item, count.after, count.before) for count in diff_counts(before, after)]
    assert swapped == diff_counts(after, before)


def diff(deployment: Deployment, before: UUID, after: UUID) -> list[CountDiff]:
    with deployment.database.read() as db:
        return datasets.diff(db, before, after, keys=deployment.keys)


ROWS_BEFORE = [
    make_row("a1", phone="010-2000-0001", items="name|phone", cohort="june"),
    make_row("a1", email="a1@example.com", items="name|email", cohort="june"),
    make_row("a2", phone="010-2000-0002", items="name", cohort="june"),
    make_row("a2", phone="010-2000-0002", items="order", cohort="may"),
    make_row("a3", items="name", cohort="june"),  # no identifier: not imported
    make_row("a4", phone="010-2000-0004", items="name"),
]


def test_import_stores_counts(deployment: Deployment) -> None:
    before = deployment.import_and_publish(ROWS_BEFORE)
    after = deployment.import_and_publish(
        [*ROWS_BEFORE[:4], make_row("a5", email="a5@example.com", items="name", cohort="june")]
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
    assert all(count.before == count.after for count in diff(deployment, after, after))


def test_diff_fails_for_unknown_retired_or_uncounted_data_sets(deployment: Deployment) -> None:
    first, second = deployment.import_and_publish(ROWS_BEFORE), deployment.import_rows(ROWS_BEFORE).id
    with pytest.raises(UnknownDataSet):
        diff(deployment, first, DATASET)
    deployment.retire(second)
    with pytest.raises(StateConflict, match="retired"):
        diff(deployment, first, second)
    deployment.execute_sql("UPDATE data_sets SET cohort_counts = NULL")
    with pytest.raises(StateConflict, match="before counts were stored"):
        diff(deployment, first, first)


def test_swapped_counts_of_two_data_sets_are_rejected(deployment: Deployment) -> None:
    first, second = deployment.import_and_publish(ROWS_BEFORE), deployment.import_and_publish(ROWS_BEFORE[:2])
    with deployment.database.write() as db:
        first_row, second_row = db.query(DataSetRow).all()
        first_row.cohort_counts, second_row.cohort_counts = second_row.cohort_counts, first_row.cohort_counts
    with pytest.raises(DecryptionFailed):
        diff(deployment, first, second)
