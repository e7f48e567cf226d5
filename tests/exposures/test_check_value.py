"""Checking a value against one's own records: matched or not recognised, and nothing about other people."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from app.exposures import service
from tests.exposures.helpers import OWN_IDENTIFIERS, PEOPLE, PHONE, check_value, kind_of
from tests.keyholder.helpers import OTHER_PEPPER, running_keyholder, write_pepper_file
from tests.support.deployment import INCIDENT_SLUG, Deployment, make_row


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
