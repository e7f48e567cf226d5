"""Holding a value against one's own records: matched or not recognised, and nothing about anybody else."""

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
from app.exposures.service import _lies_in
from tests.crypto.helpers import flip_bits, keys
from tests.keyholder.helpers import OTHER_PEPPER, write_pepper_file, running_keyholder
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


def check(deployment: Deployment, headers: dict[str, str], kind: str, value: str) -> list[tuple[bool, str]]:
    answer = deployment.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
    assert answer.status_code == 200, answer.text
    assert answer.json()["kind"] == kind
    return [(one["item_exposed"], one["value"]) for one in answer.json()["results"]]


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("name", "박 지수", (True, "matched")),
        ("name", "박지숙", (True, "not_recognised")),
        ("name", "이서연", (True, "not_recognised")),  # somebody else's, and in the same data set
        ("phone", "+82 10 2000 0002", (True, "matched")),
        ("phone", "010-3000-0003", (True, "not_recognised")),  # somebody else's, and in the same data set
        ("phone", "010-9999-9999", (True, "not_recognised")),  # nobody's
        ("email", "JISOO@example.com", (False, "matched")),  # known by it, and it did not leak
        ("email", "seoyeon@example.com", (False, "not_recognised")),
        ("email", "jisoo@example.org", (False, "not_recognised")),
        ("address", "서울 강남구 테헤란로 12 101-1203", (False, "matched")),
        ("address", "서울시 강남구 역삼동 123-4", (False, "matched")),
        ("address", "부산광역시 해운대구 센텀로 1", (False, "not_recognised")),
    ],
)
def test_a_value_is_compared_in_ones_own_records_only(
    deployment: Deployment, kind: str, value: str, expected: tuple[bool, str]
) -> None:
    deployment.import_and_publish(PEOPLE)
    assert check(deployment, deployment.sign_in(PHONE), kind, value) == [expected]


OWN = ["jisoo@example.com", "old@example.com", PHONE, "010-2000-0022"]


def kind_of(identifier: str) -> str:
    return "email" if "@" in identifier else "phone"


@pytest.mark.parametrize("proven", OWN)
def test_each_of_ones_emails_and_phones_is_known_whichever_was_proven(deployment: Deployment, proven: str) -> None:
    deployment.import_and_publish([make_row("a1", email="|".join(OWN[:2]), phone="|".join(OWN[2:]), items="email"), PEOPLE[1]])
    headers = deployment.sign_in(proven)
    for own in OWN:
        assert check(deployment, headers, kind_of(own), own) == [(kind_of(own) == "email", "matched")]
    for others in ("seoyeon@example.com", "010-3000-0003"):
        assert check(deployment, headers, kind_of(others), others)[0][1] == "not_recognised"


def test_an_email_is_no_phone_and_a_name_no_address(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", phone=PHONE, name="강남", address="서울 강남구 테헤란로 12", items="name")])
    headers = deployment.sign_in(PHONE)
    assert check(deployment, headers, "name", "강남") == [(True, "matched")]
    assert check(deployment, headers, "address", "강남") == [(False, "not_recognised")]
    assert check(deployment, headers, "name", "서울 강남구 테헤란로 12") == [(True, "not_recognised")]
    assert check(deployment, headers, "name", PHONE) == [(True, "not_recognised")]


SUPPLEMENTED = [
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
def test_what_either_of_two_data_sets_of_a_generation_knows_is_known(
    deployment: Deployment, value: str, expected: str
) -> None:
    for kind, rows in zip(("full", "supplement"), SUPPLEMENTED, strict=True):
        deployment.import_and_publish(rows, kind=kind)
    assert check(deployment, deployment.sign_in(PHONE), kind_of(value), value)[0][1] == expected


def test_a_set_that_does_not_hold_what_was_proven_adds_nothing(deployment: Deployment) -> None:
    """In the supplement the person is known by an email alone: who proves only the phone has not shown that it is theirs."""
    deployment.import_and_publish([make_row("a1", phone=PHONE, items="name")])
    deployment.import_and_publish([make_row("a1", email="second@example.com", items="email")], kind="supplement")
    headers = deployment.sign_in(PHONE)
    assert check(deployment, headers, "email", "second@example.com") == [(False, "not_recognised")]
    headers = deployment.sign_in("second@example.com", headers)
    assert check(deployment, headers, "email", "second@example.com") == [(True, "matched")]
    assert check(deployment, headers, "phone", PHONE) == [(False, "matched")]


def test_what_only_a_superseded_generation_knew_is_not_read_beside_the_new_one(deployment: Deployment) -> None:
    deployment.import_and_publish([make_row("a1", phone=PHONE, email="old@example.com", name="옛이름", items="name")])
    headers = deployment.sign_in(PHONE)
    assert check(deployment, headers, "email", "old@example.com") == [(False, "matched")]
    deployment.import_and_publish([make_row("a1", phone=PHONE, email="new@example.com", name="새이름", items="name")])
    assert check(deployment, headers, "email", "new@example.com") == [(False, "matched")]
    assert check(deployment, headers, "email", "old@example.com") == [(False, "not_recognised")]
    assert check(deployment, headers, "name", "옛이름") == [(True, "not_recognised")]
    deployment.import_and_publish([make_row("a2", phone="010-3000-0003", items="name")])  # now they stand in superseded ones only
    assert check(deployment, headers, "email", "new@example.com") == [(False, "matched")]


def test_who_shares_a_phone_has_emails_apart(deployment: Deployment) -> None:
    """Each entry is held against its own places: one person's email is not another's, though one phone finds both."""
    deployment.import_and_publish(
        [
            make_row("a1", phone=PHONE, email="mother@example.com", items="name"),
            make_row("a2", phone=PHONE, email="daughter@example.com", items="email"),
        ]
    )
    headers = deployment.sign_in(PHONE)
    assert sorted(check(deployment, headers, "phone", PHONE)) == [(False, "matched"), (False, "matched")]
    assert sorted(check(deployment, headers, "email", "mother@example.com")) == [
        (False, "matched"),
        (True, "not_recognised"),
    ]
    assert sorted(check(deployment, headers, "email", "daughter@example.com")) == [
        (False, "not_recognised"),
        (True, "matched"),
    ]


def test_entries_in_others_address_books_are_held_against_together(deployment: Deployment) -> None:
    deployment.import_and_publish(
        [
            make_row(f"a{number}", recipient_ref="r", phone=PHONE, email=f"r{number}@example.com", items="phone")
            for number in (1, 2)
        ]
    )
    headers = deployment.sign_in(PHONE)
    for own in ("r1@example.com", "r2@example.com"):
        assert check(deployment, headers, "email", own) == [(False, "matched")]
    assert check(deployment, headers, "email", "r3@example.com") == [(False, "not_recognised")]


def test_an_identifier_that_too_many_share_is_still_ones_own(deployment: Deployment) -> None:
    """Nobody is found by it, and it stands among the places of each of them."""
    deployment.import_and_publish(
        [
            make_row(f"a{number}", phone="010-0000-0000", email=f"p{number}@example.com", items="phone")
            for number in range(21)
        ]
    )
    headers = deployment.sign_in("p3@example.com")
    assert check(deployment, headers, "phone", "010-0000-0000") == [(True, "matched")]
    assert check(deployment, headers, "email", "p4@example.com") == [(False, "not_recognised")]


def test_two_incidents_are_answered_apart(deployment: Deployment) -> None:
    deployment.create_incident(deployment.incident.model_copy(update={"slug": "other-2025"}))
    deployment.import_and_publish([make_row("a1", phone=PHONE, email="here@example.com", items="email")])
    deployment.import_and_publish([make_row("a1", phone=PHONE, email="there@example.com", items="name")], incident="other-2025")
    headers = deployment.sign_in(PHONE)
    found = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
    incidents = [one["incident"] for one in found]
    for email, incident in (("here@example.com", INCIDENT_SLUG), ("there@example.com", "other-2025")):
        matched = [value == "matched" for _, value in check(deployment, headers, "email", email)]
        assert matched == [one == incident for one in incidents]


@pytest.fixture
def compared(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """What came of each comparison with a record."""
    found: list[bool] = []

    class Counting:
        digest = staticmethod(hmac.digest)

        @staticmethod
        def compare_digest(one: bytes, other: bytes) -> bool:
            found.append(hmac.compare_digest(one, other))
            return found[-1]

    monkeypatch.setattr(service, "hmac", Counting)
    return found


def test_every_place_is_compared_whether_one_matches_or_not(deployment: Deployment, compared: list[bool]) -> None:
    deployment.import_and_publish([make_row("a1", email="|".join(OWN[:2]), phone="|".join(OWN[2:]), items="email"), PEOPLE[1]])
    headers = deployment.sign_in(PHONE)
    for value, matches in (
        (OWN[0], 1),
        (OWN[1], 1),
        (OWN[2], 1),
        (OWN[3], 1),
        ("nobody@example.com", 0),
        ("010-9999-9999", 0),
    ):
        compared.clear()
        check(deployment, headers, kind_of(value), value)
        assert (len(compared), sum(compared)) == (4, matches)


@pytest.mark.parametrize("kind", ["name", "address"])
def test_every_name_and_address_is_compared_whether_one_matches_or_not(
    deployment: Deployment, compared: list[bool], kind: str
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
        compared.clear()
        check(deployment, headers, kind, value)
        assert (len(compared), sum(compared)) == (4, matches)


datasets = st.uuids()
digests = st.lists(st.tuples(datasets, keys), min_size=1, max_size=6, unique=True)


@given(digests, datasets, keys)
def test_a_digest_lies_where_its_place_in_that_data_set_is(
    known: list[tuple[UUID, bytes]], elsewhere: UUID, stranger: bytes
) -> None:
    locators = frozenset((dataset, derive_row_keys(digest, dataset).locator) for dataset, digest in known)
    assert all(_lies_in(places, digest) for _, digest in known)
    assert _lies_in(places, stranger) == (stranger in [digest for _, digest in known])
    assert not _lies_in(places, None)
    assert not _lies_in(frozenset(), known[0][1])
    (dataset, digest), *_ = known
    locator = derive_row_keys(digest, dataset).locator
    assert not _lies_in(frozenset({(dataset, flip_bits(locator, 15, 1))}), digest)
    if elsewhere != dataset:  # a place is of one data set: the same bytes in another are somebody else's
        assert not _lies_in(frozenset({(elsewhere, locator)}), digest)
        assert not _lies_in(frozenset({(elsewhere, locator), (dataset, bytes(16))}), digest)


def test_an_exposure_does_not_show_where_it_lies() -> None:
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
    for shown in (repr(exposure), str(exposure), f"{exposure}"):
        assert not any(secret in shown for secret in ("ssss", "tagtag", "llll"))


SWAPPED_UNDER = [
    pytest.param("phone", PHONE, id="phone"),
    pytest.param("email", "jisoo@example.com", id="email"),
    pytest.param("name", "박지수", id="name"),
    pytest.param("address", "서울시 강남구 역삼동 123-4", id="address"),
]


@pytest.mark.parametrize(("kind", "value"), SWAPPED_UNDER)
def test_another_pepper_between_finding_and_comparing_is_no_answer(
    make_deployment: Callable[..., Deployment], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, value: str
) -> None:
    """Its answer would be of another function, and "not recognised" a lie."""
    keyholder_socket = tmp_path / "door"
    peppers = [write_pepper_file(tmp_path / "one.key"), write_pepper_file(tmp_path / "other.key", OTHER_PEPPER)]
    find = service.ExposureService.find
    with ExitStack() as first, ExitStack() as second:
        first.enter_context(running_keyholder(keyholder_socket, peppers[0]))
        deployment = make_deployment(keyholder_socket=keyholder_socket)
        deployment.import_and_publish(PEOPLE)
        headers = deployment.sign_in(PHONE)
        assert check(deployment, headers, kind, value)[0][1] == "matched"

        def find_and_lose(self: service.ExposureService, *arguments: Any) -> service.ExposureReport:
            found = find(self, *arguments)
            first.close()
            second.enter_context(running_keyholder(keyholder_socket, peppers[1]))
            return found

        monkeypatch.setattr(service.ExposureService, "find", find_and_lose)
        answer = deployment.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
    assert (answer.status_code, answer.json().get("type")) == (503, "/problems/unavailable"), answer.text


def test_who_is_not_affected_has_no_records(deployment: Deployment) -> None:
    deployment.import_and_publish(PEOPLE)
    assert check(deployment, deployment.sign_in("010-9999-9999"), "name", "박지수") == []


@pytest.mark.parametrize(("kind", "value"), [("phone", "118"), ("email", "@"), ("name", " "), ("address", "\u200b")])
def test_what_cannot_be_a_value_is_refused(deployment: Deployment, kind: str, value: str) -> None:
    deployment.import_and_publish(PEOPLE)
    headers = deployment.sign_in(PHONE)
    answer = deployment.client.post("/v1/exposures/check", headers=headers, json={"kind": kind, "value": value})
    assert (answer.status_code, answer.json()["type"]) == (422, "/problems/invalid-value")
    assert answer.json()["errors"][0]["pointer"] == "/value"


def test_an_exposure_is_named_anew_in_each_session_and_alike_within_one(deployment: Deployment) -> None:
    deployment.import_and_publish(PEOPLE)
    names = []
    for _ in range(2):
        headers = deployment.sign_in(PHONE)
        (exposure,) = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
        (again,) = deployment.client.get("/v1/exposures", headers=headers).json()["exposures"]
        assert exposure["id"] == again["id"]
        names.append(exposure["id"])
    assert names[0] != names[1]


def test_hints_are_masked_and_only_where_the_incident_allows(deployment: Deployment) -> None:
    deployment.import_and_publish(PEOPLE)
    items = {item["kind"]: item for item in deployment.get_exposures(PHONE)["exposures"][0]["items"]}
    assert items["name"]["hints"] == ["박*수"]
    assert items["phone"]["hints"] == ["010-****-0002"]
    silent = deployment.incident.model_copy(update={"slug": "silent", "hints": False})
    deployment.create_incident(silent)
    deployment.import_and_publish(PEOPLE, incident="silent")
    exposures = deployment.get_exposures(PHONE)["exposures"]
    assert [one["incident"] for one in exposures if any("hints" in item for item in one["items"])] == ["sample-2025"]


def test_what_to_do_is_about_what_leaked(deployment: Deployment) -> None:
    deployment.import_and_publish(
        [make_row("a1", phone=PHONE, items="email"), make_row("a2", email="b@example.com", items="door_code")]
    )
    assert deployment.get_exposures(PHONE)["exposures"][0]["actions"] == ["change-reused-password"]
    assert deployment.get_exposures("b@example.com")["exposures"][0]["actions"] == ["change-door-code"]
