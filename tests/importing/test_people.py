"""Which rows an import treats as one person, and who is found by which identifier."""

from collections import Counter

import pytest

from app.datasets.errors import ImportFailed
from tests.datasets.store_reader import find_people, find_person, look_up
from tests.importing.helpers import MINA_EMAIL, MINA_PHONE, SENTINEL_ROWS, assert_nothing_left
from tests.support.deployment import Deployment, make_row


def test_rows_of_one_person_are_merged(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [
            make_row("a1", email=MINA_EMAIL, name="김민아", items="name|email", cohort="profile-edit"),
            make_row("a2", email="other@example.com", items="name"),
            make_row(
                "a1", phone=MINA_PHONE, address="서울 강남구 테헤란로 12", items="name|order", cohort="list", count=3
            ),
            make_row("a1", email="Mina.Second@example.com", name="김 민아", items="order"),
        ]
    )
    assert (staged.people, staged.rows) == (2, 3 + 1 + SENTINEL_ROWS)
    identifiers = (MINA_EMAIL, MINA_PHONE, "mina.second@example.com")
    records = [find_person(deployment, staged.id, identifier) for identifier in identifiers]
    assert len({record.subject for record in records}) == 1
    for record in records:
        assert record.role == "holder"
        assert {**record.items} == {"name": 4, "email": 1, "order": 4}
        assert len(record.cohorts) == 2
        assert {kind: len(tags) for kind, tags in record.tags.items()} == {
            "name": 1,  # two spellings of one name
            "address": 1,
        }
        assert len(record.siblings) == 2
    locators = {look_up(deployment, staged.id, identifier).locator for identifier in identifiers}
    for identifier in (MINA_EMAIL, MINA_PHONE):
        found = look_up(deployment, staged.id, identifier)
        assert set(found.records[0].siblings) == locators - {found.locator}


@pytest.mark.parametrize(
    ("rows", "confidence"),
    [
        ([""], "confirmed"),
        (["confirmed", "possible"], "confirmed"),
        (["withdrawn", "possible"], "possible"),
        (["withdrawn", ""], "confirmed"),
        (["withdrawn", "withdrawn"], "withdrawn"),
        (["possible"], "possible"),
    ],
)
def test_highest_confidence_wins_and_withdrawn_must_be_unanimous(
    rows: list[str], confidence: str, deployment: Deployment
) -> None:
    staged = deployment.import_rows([make_row("a1", email=MINA_EMAIL, items="name", confidence=cell) for cell in rows])
    assert find_person(deployment, staged.id, MINA_EMAIL).confidence == confidence


def test_holder_and_recipients_of_one_account_are_distinct_people_with_the_same_phone(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [
            make_row("a1", email=MINA_EMAIL, phone=MINA_PHONE, items="email"),
            make_row("a1", recipient_ref="r1", phone=MINA_PHONE, items="phone"),
            make_row("a1", recipient_ref="r2", phone=MINA_PHONE, items="address"),
        ]
    )
    assert staged.people == 3
    records = find_people(deployment, staged.id, MINA_PHONE)
    assert sorted((record.role, *record.items) for record in records) == [
        ("holder", "email"),
        ("recipient", "address"),
        ("recipient", "phone"),
    ]
    assert len({record.subject for record in records}) == 3
    deployment.publish(staged.id)
    exposures = deployment.get_exposures(MINA_PHONE)["exposures"]
    assert [(exposure["role"], [item["kind"] for item in exposure["items"]]) for exposure in exposures] == [
        ("holder", ["email"]),
        ("recipient", ["phone", "address"]),
    ]


def test_each_account_that_shares_a_phone_has_its_own_exposure(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [
            make_row("a1", email=MINA_EMAIL, phone=MINA_PHONE, items="name"),
            make_row("a2", email="jun@example.com", phone=MINA_PHONE, items="order"),
        ]
    )
    deployment.publish(staged.id)
    by_phone = deployment.get_exposures(MINA_PHONE)["exposures"]
    assert sorted(item["kind"] for exposure in by_phone for item in exposure["items"]) == ["name", "order"]
    (by_email,) = deployment.get_exposures(MINA_EMAIL)["exposures"]
    assert [item["kind"] for item in by_email["items"]] == ["name"]


@pytest.mark.parametrize(("sharers", "is_ambiguous"), [(20, False), (21, True)])
def test_identifier_of_more_than_twenty_people_is_ambiguous(
    sharers: int, is_ambiguous: bool, deployment: Deployment
) -> None:
    staged = deployment.import_rows(
        [
            make_row(f"a{number}", email=f"p{number}@example.com", phone=MINA_PHONE, items="name")
            for number in range(sharers)
        ]
    )
    found = look_up(deployment, staged.id, MINA_PHONE)
    assert staged.people == sharers
    assert staged.rows == sharers + (1 if is_ambiguous else sharers) + SENTINEL_ROWS
    assert (len(found.records), found.is_ambiguous) == ((0, True) if is_ambiguous else (sharers, False))
    assert staged.ambiguous_identifiers == (1 if is_ambiguous else 0)
    deployment.publish(staged.id)
    answer = deployment.get_exposures(MINA_PHONE)
    assert [dataset["result"] for dataset in answer["datasets"]] == ["cannot_tell" if is_ambiguous else "found"]
    assert len(answer["exposures"]) == (0 if is_ambiguous else sharers)
    assert len(deployment.get_exposures("p7@example.com")["exposures"]) == 1  # still found by their own identifier


def test_names_that_may_stand_for_nothing_are_counted(deployment: Deployment) -> None:
    names = ("Null", "NaN", "해당 없음", "김민아", "Nully", "")
    staged = deployment.import_rows(
        [
            make_row(f"a{index}", email=f"p{index}@example.com", name=name, items="name")
            for index, name in enumerate(names)
        ]
    )
    assert (staged.people, staged.doubtful_names) == (6, 3)


def test_invisible_characters_in_references_do_not_split_a_person(deployment: Deployment) -> None:
    references = ("a1", "\ufeffa1", "a1\u200b", " a1")
    staged = deployment.import_rows([make_row(reference, email=MINA_EMAIL, items="name") for reference in references])
    assert staged.people == 1


def test_people_without_identifier_are_counted_as_unreachable(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [
            make_row("a1", name="김민아", items="name"),
            make_row("a2", name="박준", address="서울 강남구 테헤란로 12", items="name"),
            make_row("a3", email=MINA_EMAIL, items="name"),
            make_row("a3", name="이소라", items="name"),  # the same person, found by the other row's email
        ]
    )
    assert (staged.people, staged.unreachable, staged.rows) == (1, 2, 1 + SENTINEL_ROWS)


PHONES_WITHOUT_EMAIL: dict[str, tuple[str, ...]] = {
    "010-2000-0001": ("82",),
    "02-345-6789": ("82",),
    "010-2000-0001|010-2000-0002": ("82",),
    "+1 650-253-0000": ("1",),
    "+1 650-253-0000|+1 650-253-0001": ("1",),
    "+44 20 7946 0958|010-2000-0003": ("44", "82"),
    "+81 3-1234-5678": ("81",),
    "+852 2345 6789": ("852",),
}
"""Calling codes of the phones."""


def test_people_without_email_are_counted_by_the_calling_codes_of_their_phones(deployment: Deployment) -> None:
    cells = [*PHONES_WITHOUT_EMAIL, MINA_PHONE]
    rows = [make_row(f"a{number}", phone=cell, items="name") for number, cell in enumerate(cells)]
    with_email = [make_row("b1", email=MINA_EMAIL, phone="+1 650-253-0000", items="name")]
    apart = [
        make_row("b2", email="two@example.com", items="name"),
        make_row("b2", phone="+33 1 23 45 67 89", items="name"),
    ]
    staged = deployment.import_rows([*rows, *with_email, *apart])
    expected = Counter([*PHONES_WITHOUT_EMAIL.values(), ("82",)])
    assert (staged.people, staged.unreachable, staged.phone_only) == (len(rows) + 2, 0, expected)


def test_file_without_any_identifier_is_refused(deployment: Deployment) -> None:
    with pytest.raises(ImportFailed, match="usable email or phone"):
        deployment.import_rows([make_row("a1", name="김민아", items="name")])
    assert_nothing_left(deployment)
