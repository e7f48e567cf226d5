"""Checking a value against one's own records: matched or not recognised, and nothing about other people."""

import hmac
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.crypto.key_derivation import derive_row_keys
from app.exposures import Exposure, service
from app.exposures.service import _matches_locator
from tests.crypto.helpers import flip_bits, keys
from tests.keyholder.helpers import OTHER_PEPPER, running_keyholder, write_pepper_file
from tests.support.deployment import INCIDENT_SLUG, Deployment, make_row

PHONE = "010-2000-0002"
PEOPLE = [
    make_row(
        "a1",
        phone=PHONE,
        email="jisoo@example.com",
        name="박지수",
        address="서울특별시 강남구 테헤란로 12, 101동 1203호|서울특별시 강남구 역삼동 123-4",
        items="name|phone",
    ),
    make_row(
        "a2",
        phone="010-3000-0003",
        email="seoyeon@example.com",
        name="이서연",
        address="부산광역시 해운대구 센텀로 1",
        items="name|address",
    ),
]


def check_value(deployment: Deployment, headers: dict[str, str], kind: str, value: str) -> list[tuple[bool, str]]:
    answer = deployment.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
    assert answer.status_code == 200, answer.text
    assert answer.json()["kind"] == kind
    return [(result["item_exposed"], result["value"]) for result in answer.json()["results"]]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("name", "박 지수", (True, "matched")),
        ("name", "박지숙", (True, "not_recognised")),
        ("name", "이서연", (True, "not_recognised")),  # another person's in the same data set
        ("phone", "+82 10 2000 0002", (True, "matched")),
        ("phone", "010-3000-0003", (True, "not_recognised")),  # another person's in the same data set
        ("phone", "010-9999-9999", (True, "not_recognised")),  # in no record
        ("email", "JISOO@example.com", (False, "matched")),  # on record, but it did not leak
        ("email", "seoyeon@example.com", (False, "not_recognised")),
        ("email", "jisoo@example.org", (False, "not_recognised")),
        ("address", "서울 강남구 테헤란로 12 101-1203", (False, "matched")),
        ("address", "서울시 강남구 역삼동 123-4", (False, "matched")),
        ("address", "부산광역시 해운대구 센텀로 1", (False, "not_recognised")),
    ],
)
def test_a_value_is_compared_with_own_records_only(
    deployment: Deployment, kind: str, value: str, expected: tuple[bool, str]
) -> None:
    deployment.import_and_publish(PEOPLE)
    assert check_value(deployment, deployment.sign_in(PHONE), kind, value) == [expected]


OWN_IDENTIFIERS = ["jisoo@example.com", "old@example.com", PHONE, "010-2000-0022"]


def kind_of(identifier: str) -> str:
    return "email" if "@" in identifier else "phone"


@pytest.mark.parametrize("verified", OWN_IDENTIFIERS)
def test_all_own_emails_and_phones_match_whichever_was_verified(deployment: Deployment, verified: str) -> None:
    deployment.import_and_publish(
        [
            make_row("a1", email="|".join(OWN_IDENTIFIERS[:2]), phone="|".join(OWN_IDENTIFIERS[2:]), items="email"),
            PEOPLE[1],
        ]
    )
    headers = deployment.sign_in(verified)
    for own in OWN_IDENTIFIERS:
        assert check_value(deployment, headers, kind_of(own), own) == [(kind_of(own) == "email", "matched")]
    for others in ("seoyeon@example.com", "010-3000-0003"):
        assert check_value(deployment, headers, kind_of(others), others)[0][1] == "not_recognised"


def test_values_are_compared_within_their_kind(deployment: Deployment) -> None:
    deployment.import_and_publish(
        [make_row("a1", phone=PHONE, name="강남", address="서울 강남구 테헤란로 12", items="name")]
    )
    headers = deployment.sign_in(PHONE)
    assert check_value(deployment, headers, "name", "강남") == [(True, "matched")]
    assert check_value(deployment, headers, "address", "강남") == [(False, "not_recognised")]
    assert check_value(deployment, headers, "name", "서울 강남구 테헤란로 12") == [(True, "not_recognised")]
    assert check_value(deployment, headers, "name", PHONE) == [(True, "not_recognised")]


FULL_AND_SUPPLEMENT = [
    [make_row("a1", phone=PHONE, email="first@example.com", name="박지수", items="name")],
    [
        make_row("a1", phone=PHONE, email="second@example.com", items="email"),
        make_row("a9", email="third@example.com", items="email"),
    ],
]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (PHONE, "matched"),
        ("first@example.com", "matched"),
        ("second@example.com", "matched"),
        ("third@example.com", "not_recognised"),
        ("010-2000-0003", "not_recognised"),
    ],
)
def test_both_data_sets_of_a_generation_are_compared(deployment: Deployment, value: str, expected: str) -> None:
    for kind, rows in zip(("full", "supplement"), FULL_AND_SUPPLEMENT, strict=True):
        deployment.import_and_publish(rows, kind=kind)
    assert check_value(deployment, deployment.sign_in(PHONE), kind_of(value), value)[0][1] == expected


def test_a_data_set_without_the_verified_identifier_is_not_compared(deployment: Deployment) -> None:
    """The supplement knows the person by an email alone: verifying only the phone does not prove that it is theirs."""
    deployment.import_and_publish([make_row("a1", phone=PHONE, items="name")])
    deployment.import_and_publish([make_row("a1", email="second@example.com", items="email")], kind="supplement")
    headers = deployment.sign_in(PHONE)
    assert check_value(deployment, headers, "email", "second@example.com") == [(False, "not_recognised")]
    headers = deployment.sign_in("second@example.com", headers)
    assert check_value(deployment, headers, "email", "second@example.com") == [(True, "matched")]
    assert check_value(deployment, headers, "phone", PHONE) == [(False, "matched")]


def test_a_superseded_generation_is_not_compared_beside_the_new_one(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", phone=PHONE, email="old@example.com", name="옛이름", items="name")])
    headers = deployment.sign_in(PHONE)
    assert check_value(deployment, headers, "email", "old@example.com") == [(False, "matched")]
    deployment.import_and_publish([make_row("a1", phone=PHONE, email="new@example.com", name="새이름", items="name")])
    assert check_value(deployment, headers, "email", "new@example.com") == [(False, "matched")]
    assert check_value(deployment, headers, "email", "old@example.com") == [(False, "not_recognised")]
    assert check_value(deployment, headers, "name", "옛이름") == [(True, "not_recognised")]
    deployment.import_and_publish(
        [make_row("a2", phone="010-3000-0003", items="name")]
    )  # now the person is in superseded sets only
    assert check_value(deployment, headers, "email", "new@example.com") == [(False, "matched")]


def test_people_who_share_a_phone_are_compared_separately(deployment: Deployment) -> None:
    """Each entry is compared with its own locators: one person's email is not the other's, though one phone finds both."""
    deployment.import_and_publish(
        [
            make_row("a1", phone=PHONE, email="mother@example.com", items="name"),
            make_row("a2", phone=PHONE, email="daughter@example.com", items="email"),
        ]
    )
    headers = deployment.sign_in(PHONE)
    assert sorted(check_value(deployment, headers, "phone", PHONE)) == [(False, "matched"), (False, "matched")]
    assert sorted(check_value(deployment, headers, "email", "mother@example.com")) == [
        (False, "matched"),
        (True, "not_recognised"),
    ]
    assert sorted(check_value(deployment, headers, "email", "daughter@example.com")) == [
        (False, "not_recognised"),
        (True, "matched"),
    ]


def test_address_book_entries_are_compared_together(deployment: Deployment) -> None:
    deployment.import_and_publish(
        [
            make_row(f"a{index}", recipient_ref="r", phone=PHONE, email=f"r{index}@example.com", items="phone")
            for index in (1, 2)
        ]
    )
    headers = deployment.sign_in(PHONE)
    for own in ("r1@example.com", "r2@example.com"):
        assert check_value(deployment, headers, "email", own) == [(False, "matched")]
    assert check_value(deployment, headers, "email", "r3@example.com") == [(False, "not_recognised")]


def test_an_identifier_shared_by_too_many_still_matches(deployment: Deployment) -> None:
    """It finds no record, but it is among the locators of each person who shares it."""
    deployment.import_and_publish(
        [
            make_row(f"a{index}", phone="010-0000-0000", email=f"p{index}@example.com", items="phone")
            for index in range(21)
        ]
    )
    headers = deployment.sign_in("p3@example.com")
    assert check_value(deployment, headers, "phone", "010-0000-0000") == [(True, "matched")]
    assert check_value(deployment, headers, "email", "p4@example.com") == [(False, "not_recognised")]


def test_two_incidents_are_compared_separately(deployment: Deployment) -> None:
    deployment.create_incident(deployment.incident.model_copy(update={"slug": "other-2025"}))
    deployment.import_and_publish([make_row("a1", phone=PHONE, email="here@example.com", items="email")])
    deployment.import_and_publish(
        [make_row("a1", phone=PHONE, email="there@example.com", items="name")], incident="other-2025"
    )
    headers = deployment.sign_in(PHONE)
    exposures = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
    incidents = [exposure["incident"] for exposure in exposures]
    for email, incident in (("here@example.com", INCIDENT_SLUG), ("there@example.com", "other-2025")):
        matched = [value == "matched" for _, value in check_value(deployment, headers, "email", email)]
        assert matched == [exposed == incident for exposed in incidents]


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


def test_repr_of_an_exposure_hides_secrets() -> None:
    exposure = Exposure(
        incident="sample",
        role="holder",
        confidence="confirmed",
        items={},
        hints={},
        cohorts=(),
        identifiers=("email",),
        subjects=(b"s" * 16,),
        tags={"name": frozenset({b"tagtagta"})},
        locators=frozenset({(UUID(int=1), b"l" * 16)}),
    )
    for text in (repr(exposure), str(exposure), f"{exposure}"):
        assert not any(secret in text for secret in ("ssss", "tagtag", "llll"))


OWN_VALUES = [
    pytest.param("phone", PHONE, id="phone"),
    pytest.param("email", "jisoo@example.com", id="email"),
    pytest.param("name", "박지수", id="name"),
    pytest.param("address", "서울시 강남구 역삼동 123-4", id="address"),
]


@pytest.mark.kill
@pytest.mark.parametrize(("kind", "value"), OWN_VALUES)
def test_a_pepper_change_between_lookup_and_comparison_is_unavailable(
    make_deployment: Callable[..., Deployment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, value: str
) -> None:
    """The other pepper's MAC would never match, and "not recognised" would be wrong."""
    keyholder_socket = tmp_path / "door"
    peppers = [write_pepper_file(tmp_path / "first.key"), write_pepper_file(tmp_path / "other.key", OTHER_PEPPER)]
    find = service.ExposureService.find
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(running_keyholder(keyholder_socket, peppers[0]))
        deployment = make_deployment(keyholder_socket=keyholder_socket)
        deployment.import_and_publish(PEOPLE)
        headers = deployment.sign_in(PHONE)
        assert check_value(deployment, headers, kind, value)[0][1] == "matched"

        def find_and_swap_keyholder(self: service.ExposureService, *arguments: Any) -> service.ExposureReport:
            report = find(self, *arguments)
            first.close()
            second.enter_context(running_keyholder(keyholder_socket, peppers[1]))
            return report

        monkeypatch.setattr(service.ExposureService, "find", find_and_swap_keyholder)
        answer = deployment.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
    assert (answer.status_code, answer.json().get("type")) == (503, "/problems/unavailable"), answer.text


def test_an_unaffected_person_has_no_records(deployment: Deployment) -> None:
    deployment.import_and_publish(PEOPLE)
    assert check_value(deployment, deployment.sign_in("010-9999-9999"), "name", "박지수") == []


@pytest.mark.parametrize(("kind", "value"), [("phone", "118"), ("email", "@"), ("name", " "), ("address", "\u200b")])
def test_an_invalid_value_is_rejected(deployment: Deployment, kind: str, value: str) -> None:
    deployment.import_and_publish(PEOPLE)
    headers = deployment.sign_in(PHONE)
    answer = deployment.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-value")
    assert answer.json()["errors"][0]["pointer"] == "/value"


def test_exposure_ids_are_stable_within_a_session_and_differ_between_sessions(deployment: Deployment) -> None:
    deployment.import_and_publish(PEOPLE)
    exposure_ids = []
    for _ in range(2):
        headers = deployment.sign_in(PHONE)
        (exposure,) = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
        (repeated,) = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
        assert exposure["id"] == repeated["id"]
        exposure_ids.append(exposure["id"])
    assert exposure_ids[0] != exposure_ids[1]


def test_hints_are_masked_and_shown_only_if_the_incident_allows(deployment: Deployment) -> None:
    deployment.import_and_publish(PEOPLE)
    items = {item["kind"]: item for item in deployment.get_exposures(PHONE)["exposures"][0]["items"]}
    assert items["name"]["hints"] == ["박*수"]
    assert items["phone"]["hints"] == ["010-****-0002"]
    without_hints = deployment.incident.model_copy(update={"slug": "without-hints", "hints": False})
    deployment.create_incident(without_hints)
    deployment.import_and_publish(PEOPLE, incident="without-hints")
    exposures = deployment.get_exposures(PHONE)["exposures"]
    assert [exposure["incident"] for exposure in exposures if any("hints" in item for item in exposure["items"])] == [
        "sample-2025"
    ]


def test_actions_are_those_for_the_leaked_items(deployment: Deployment) -> None:
    deployment.import_and_publish(
        [make_row("a1", phone=PHONE, items="email"), make_row("a2", email="b@example.com", items="door_code")]
    )
    assert deployment.get_exposures(PHONE)["exposures"][0]["actions"] == ["change-reused-password"]
    assert deployment.get_exposures("b@example.com")["exposures"][0]["actions"] == ["change-door-code"]
