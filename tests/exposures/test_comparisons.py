"""How a value is compared: with all of one's own records whether one matches or not, and only within its data set."""

import hmac
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.key_derivation import derive_row_keys
from app.exposures import service
from app.exposures.service import _matches_locator
from tests.crypto.helpers import flip_bits, keys
from tests.exposures.helpers import OWN_IDENTIFIERS, PEOPLE, PHONE, check_value, kind_of
from tests.support.deployment import Deployment, make_row


@pytest.fixture
def comparisons(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """The result of each comparison with a record."""
    results: list[bool] = []

    class CountingHmac:
        digest = staticmethod(hmac.digest)

        @staticmethod
        def compare_digest(first: bytes, second: bytes) -> bool:
            results.append(hmac.compare_digest(first, second))
            return results[-1]

    monkeypatch.setattr(service, "hmac", CountingHmac)
    return results


def test_all_locators_are_compared_whether_one_matches_or_not(deployment: Deployment, comparisons: list[bool]) -> None:
    deployment.import_and_publish(
        [
            make_row("a1", email="|".join(OWN_IDENTIFIERS[:2]), phone="|".join(OWN_IDENTIFIERS[2:]), items="email"),
            PEOPLE[1],
        ]
    )
    headers = deployment.sign_in(PHONE)
    for value, matches in (
        (OWN_IDENTIFIERS[0], 1),
        (OWN_IDENTIFIERS[1], 1),
        (OWN_IDENTIFIERS[2], 1),
        (OWN_IDENTIFIERS[3], 1),
        ("unknown@example.com", 0),
        ("010-9999-9999", 0),
    ):
        comparisons.clear()
        check_value(deployment, headers, kind_of(value), value)
        assert (len(comparisons), sum(comparisons)) == (4, matches)


@pytest.mark.parametrize("kind", ["name", "address"])
def test_all_names_and_addresses_are_compared_whether_one_matches_or_not(
    deployment: Deployment, comparisons: list[bool], kind: str
) -> None:
    own = ["박지수", "박지숙", "지수박"] if kind == "name" else ["서울 강남구 1", "서울 강남구 2", "부산 해운대구 3"]
    deployment.import_and_publish(
        [
            make_row("a1", phone=PHONE, items="name", **{kind: "|".join(own)}),
            make_row("a2", phone=PHONE, items="email", **{kind: own[0]}),
        ]
    )
    headers = deployment.sign_in(PHONE)
    for value, matches in ((own[0], 2), (own[1], 1), (own[2], 1), ("남궁민수", 0)):
        comparisons.clear()
        check_value(deployment, headers, kind, value)
        assert (len(comparisons), sum(comparisons)) == (4, matches)


dataset_ids = st.uuids()
recorded_digests = st.lists(st.tuples(dataset_ids, keys), min_size=1, max_size=6, unique=True)


@given(recorded_digests, dataset_ids, keys)
def test_a_digest_matches_only_its_locator_in_the_same_data_set(
    recorded: list[tuple[UUID, bytes]], other_dataset: UUID, other_digest: bytes
) -> None:
    locators = frozenset((dataset, derive_row_keys(digest, dataset).locator) for dataset, digest in recorded)
    assert all(_matches_locator(locators, digest) for _, digest in recorded)
    assert _matches_locator(locators, other_digest) == (other_digest in [digest for _, digest in recorded])
    assert not _matches_locator(locators, None)
    assert not _matches_locator(frozenset(), recorded[0][1])
    (dataset, digest), *_ = recorded
    locator = derive_row_keys(digest, dataset).locator
    assert not _matches_locator(frozenset({(dataset, flip_bits(locator, 15, 1))}), digest)
    if other_dataset != dataset:  # the same bytes in another data set belong to another person
        assert not _matches_locator(frozenset({(other_dataset, locator)}), digest)
        assert not _matches_locator(frozenset({(other_dataset, locator), (dataset, bytes(16))}), digest)
