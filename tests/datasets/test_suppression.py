"""Suppression: removes one person, and no one else, from every data set of an incident."""

from uuid import UUID

import pytest

from app.datasets import service as datasets
from app.datasets.errors import AmbiguousIdentifier, StateConflict, UnknownDataSet, UnknownIdentifier
from app.errors import DependencyUnavailable
from tests.datasets.operator_actions import check_integrity, source_file, suppress
from tests.datasets.store_reader import find_people, read_stored_rows
from tests.support.deployment import Deployment, make_row

MINA, MINAS_PHONE, JUN = "mina@example.com", "010-2000-0001", "jun@example.com"
FAMILY = [
    make_row("a1", email=MINA, phone=MINAS_PHONE, items="name"),
    make_row("a2", email=JUN, phone=MINAS_PHONE, items="order"),
]


def listed_rows_and_people(deployment: Deployment, dataset: UUID) -> tuple[int, int]:
    """Return the numbers of rows and people in the catalogue."""
    with deployment.database.read() as db:
        found = datasets.get(db, dataset)
        return found.rows, found.people


def test_all_rows_of_the_person_are_removed_and_a_family_member_stays(deployment: Deployment) -> None:
    published = deployment.import_and_publish(FAMILY)
    assert suppress(deployment, published, MINA) == {published: 2}
    assert deployment.get_exposures(MINA)["exposures"] == []
    (jun,) = deployment.get_exposures(MINAS_PHONE)["exposures"]
    assert [item["kind"] for item in jun["items"]] == ["order"]
    assert len(deployment.get_exposures(JUN)["exposures"]) == 1


def test_a_data_set_is_intact_and_counts_suppressed_people_afterwards(deployment: Deployment) -> None:
    published = deployment.import_and_publish(FAMILY)
    suppress(deployment, published, MINA)
    report = check_integrity(deployment, published)
    assert (report.rows, report.suppressed, report.problems) == (3, 1, ())
    assert listed_rows_and_people(deployment, published) == (3, 1)
    assert len(read_stored_rows(deployment, published)) == 3
    assert (
        check_integrity(deployment, published, source_file(deployment)).problems == ()
    )  # the suppressed person may be missing
    suppress(deployment, published, JUN)
    assert listed_rows_and_people(deployment, published) == (1, 0)
    assert check_integrity(deployment, published).problems == ()  # only the sentinel is left


def test_entry_selects_one_of_several_people(deployment: Deployment) -> None:
    published = deployment.import_and_publish(FAMILY)
    before = read_stored_rows(deployment, published)
    for entry in (None, 2, -1):
        with pytest.raises(AmbiguousIdentifier, match="2 people share this identifier"):
            suppress(deployment, published, MINAS_PHONE, entry)
    assert read_stored_rows(deployment, published) == before
    jun = [list(record.items) for record in find_people(deployment, published, MINAS_PHONE)].index(["order"])
    assert suppress(deployment, published, MINAS_PHONE, jun) == {published: 2}
    assert deployment.get_exposures(JUN)["exposures"] == []
    assert len(deployment.get_exposures(MINA, MINAS_PHONE)["exposures"]) == 1


def test_entry_zero_selects_the_only_person(deployment: Deployment) -> None:
    published = deployment.import_and_publish(FAMILY)
    with pytest.raises(AmbiguousIdentifier):
        suppress(deployment, published, MINA, 1)
    assert suppress(deployment, published, MINA, 0) == {published: 2}


def test_holder_and_recipient_with_the_same_email_are_separate_people(deployment: Deployment) -> None:
    published = deployment.import_and_publish(
        [
            make_row("a1", email=MINA, items="name"),
            make_row("a2", recipient_ref="r1", email=MINA, phone=MINAS_PHONE, items="phone"),
        ]
    )
    roles = [record.role for record in find_people(deployment, published, MINA)]
    suppress(deployment, published, MINA, roles.index("holder"))
    (remaining,) = deployment.get_exposures(MINA)["exposures"]
    assert remaining["role"] == "recipient"


def test_the_person_is_removed_from_every_unretired_data_set(deployment: Deployment) -> None:
    superseded = deployment.import_and_publish(FAMILY)
    supplement = deployment.import_and_publish([make_row("a1", email=MINA, items="order")], kind="supplement")
    published = deployment.import_and_publish(FAMILY)
    staged = deployment.import_rows(FAMILY).id
    retired = deployment.import_rows(FAMILY).id
    deployment.retire(retired)
    without = deployment.import_rows(FAMILY[1:]).id
    removed = suppress(deployment, published, MINA)
    assert removed == {superseded: 2, supplement: 1, published: 2, staged: 2}
    for dataset in (superseded, supplement, published, staged, without):
        assert count_people(deployment, dataset, MINA) == 0
        assert check_integrity(deployment, dataset).problems == ()
    answer = deployment.get_exposures(MINA)
    assert answer["exposures"] == []
    deployment.publish(staged)
    assert deployment.get_exposures(MINA)["exposures"] == []
    assert len(deployment.get_exposures(JUN)["exposures"]) == 1


def count_people(deployment: Deployment, dataset: UUID, identifier: str) -> int:
    return len(find_people(deployment, dataset, identifier))


@pytest.mark.parametrize("state", ["staged", "superseded"])
def test_the_person_can_be_found_in_a_staged_or_superseded_data_set(state: str, deployment: Deployment) -> None:
    first = deployment.import_and_publish(FAMILY)
    second = deployment.import_rows(FAMILY).id
    if state == "superseded":
        deployment.publish(second)
    assert suppress(deployment, first if state == "superseded" else second, MINA) == {first: 2, second: 2}


def test_the_person_is_removed_from_data_sets_under_other_identifiers(deployment: Deployment) -> None:
    older = deployment.import_and_publish([make_row("a1", email="old.mina@example.com", items="name"), FAMILY[1]])
    by_phone = deployment.import_and_publish([make_row("a1", phone="010-7777-0001", items="name"), FAMILY[1]])
    shared = deployment.import_rows(
        [make_row(account, phone="010-2000-0009", items="name") for account in ("a1", "a2")]
    ).id
    newest = deployment.import_and_publish(FAMILY)
    assert suppress(deployment, newest, MINA) == {older: 1, by_phone: 1, shared: 1, newest: 2}
    for identifier in ("old.mina@example.com", "010-7777-0001", MINA):
        assert deployment.get_exposures(identifier)["exposures"] == []
    assert len(find_people(deployment, shared, "010-2000-0009")) == 1
    for dataset in (older, by_phone, shared, newest):
        assert check_integrity(deployment, dataset).problems == ()


def test_an_earlier_owner_of_a_recycled_number_stays(deployment: Deployment) -> None:
    older = deployment.import_and_publish([make_row("a9", phone=MINAS_PHONE, items="order")])  # a recycled number
    newer = deployment.import_and_publish(
        [make_row("a1", phone=MINAS_PHONE, items="name"), make_row("a9", email=JUN, items="order")]
    )
    assert suppress(deployment, newer, MINAS_PHONE) == {newer: 1}
    assert len(find_people(deployment, older, MINAS_PHONE)) == 1
    assert len(find_people(deployment, newer, JUN)) == 1


def test_a_person_with_an_overshared_phone_is_removed_by_email(deployment: Deployment) -> None:
    sharers = [
        make_row(f"b{number}", email=f"p{number}@example.com", phone=MINAS_PHONE, items="name") for number in range(21)
    ]
    published = deployment.import_and_publish([make_row("a1", email=MINA, phone=MINAS_PHONE, items="name"), *sharers])
    with pytest.raises(UnknownIdentifier, match="too many"):
        suppress(deployment, published, MINAS_PHONE)
    assert suppress(deployment, published, MINA) == {published: 1}  # the overflow marker belongs to no person
    assert [dataset["result"] for dataset in deployment.get_exposures(MINAS_PHONE)["datasets"]] == ["cannot_tell"]
    assert check_integrity(deployment, published).problems == ()


def test_data_sets_of_other_incidents_keep_the_person(deployment: Deployment) -> None:
    deployment.create_incident(deployment.incident.model_copy(update={"slug": "other-2026"}))
    in_this_incident = deployment.import_and_publish(FAMILY)
    in_other_incident = deployment.import_and_publish(FAMILY, incident="other-2026")
    assert suppress(deployment, in_this_incident, MINA) == {in_this_incident: 2}
    assert [exposure["incident"] for exposure in deployment.get_exposures(MINA)["exposures"]] == ["other-2026"]
    assert check_integrity(deployment, in_other_incident).suppressed == 0


def test_unknown_people_and_data_sets_are_rejected(deployment: Deployment) -> None:
    published = deployment.import_and_publish(FAMILY)
    with pytest.raises(UnknownIdentifier):
        suppress(deployment, published, "unknown@example.com")
    with pytest.raises(UnknownDataSet):
        suppress(deployment, UUID(int=1), MINA)
    suppress(deployment, published, MINA)
    with pytest.raises(UnknownIdentifier):
        suppress(deployment, published, MINA)


def test_a_retired_data_set_is_rejected(deployment: Deployment) -> None:
    staged = deployment.import_rows(FAMILY).id
    deployment.retire(staged)
    with pytest.raises(StateConflict, match="is retired"):
        suppress(deployment, staged, MINA)


def test_a_failure_in_one_data_set_changes_none(deployment: Deployment) -> None:
    first = deployment.import_and_publish(FAMILY)
    second = deployment.import_and_publish(FAMILY)
    with deployment.database.read() as db:
        key = datasets.get(db, second).key_id
    deployment.keys.store_key_path(key).unlink()
    before = read_stored_rows(deployment, first)
    with pytest.raises(DependencyUnavailable):
        suppress(deployment, first, MINA)
    assert read_stored_rows(deployment, first) == before
    assert listed_rows_and_people(deployment, first) == (5, 2)
