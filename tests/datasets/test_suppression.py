"""Removing one person from every data set of an incident, and nobody else."""

from uuid import UUID

import pytest

from app import datasets
from app.datasets import StateConflict, AmbiguousIdentifier, UnknownDataSet, UnknownIdentifier
from tests.datasets.store_reader import find_people, read_stored_rows
from tests.datasets.operator_actions import checked, suppress
from tests.datasets.test_integrity import source
from tests.support.deployment import Deployment, make_row

MINA, MINAS_PHONE, JUN = "mina@example.com", "010-2000-0001", "jun@example.com"
FAMILY = [
    make_row("a1", email=MINA, phone=MINAS_PHONE, items="name"),
    make_row("a2", email=JUN, phone=MINAS_PHONE, items="order"),
]


def kept(deployment: Deployment, dataset: UUID) -> tuple[int, int]:
    """Rows and people as the list of data sets has them."""
    with deployment.database.read() as session:
        one = datasets.get(session, dataset)
        return one.rows, one.people


def test_a_person_is_gone_under_each_of_their_identifiers_and_the_family_member_stays(deployment: Deployment) -> None:
    published = deployment.import_and_publish(FAMILY)
    assert suppress(deployment, published, MINA) == {published: 2}
    assert deployment.get_exposures(MINA)["exposures"] == []
    (jun,) = deployment.get_exposures(MINAS_PHONE)["exposures"]
    assert [item["kind"] for item in jun["items"]] == ["order"]
    assert len(deployment.get_exposures(JUN)["exposures"]) == 1


def test_afterwards_the_set_is_well_and_knows_how_many_are_gone(deployment: Deployment) -> None:
    published = deployment.import_and_publish(FAMILY)
    suppress(deployment, published, MINA)
    verdict = checked(deployment, published)
    assert (verdict.rows, verdict.suppressed, verdict.faults) == (3, 1, ())
    assert kept(deployment, published) == (3, 1)
    assert len(read_stored_rows(deployment, published)) == 3
    assert checked(deployment, published, source(deployment)).faults == ()  # one missing person is accounted for
    suppress(deployment, published, JUN)
    assert kept(deployment, published) == (1, 0)
    assert checked(deployment, published).faults == ()  # the sentinel alone is a data set, too


def test_people_who_share_an_identifier_are_told_apart_by_their_entry(deployment: Deployment) -> None:
    published = deployment.import_and_publish(FAMILY)
    before = read_stored_rows(deployment, published)
    for entry in (None, 2, -1):
        with pytest.raises(AmbiguousIdentifier, match="2 people share this identifier"):
            suppress(deployment, published, MINAS_PHONE, entry)
    assert read_stored_rows(deployment, published) == before
    jun = [list(one.items) for one in find_people(deployment, published, MINAS_PHONE)].index(["order"])
    assert suppress(deployment, published, MINAS_PHONE, jun) == {published: 2}
    assert deployment.get_exposures(JUN)["exposures"] == []
    assert len(deployment.get_exposures(MINA, MINAS_PHONE)["exposures"]) == 1


def test_the_only_person_of_an_identifier_may_be_named_by_entry_zero(deployment: Deployment) -> None:
    published = deployment.import_and_publish(FAMILY)
    with pytest.raises(AmbiguousIdentifier):
        suppress(deployment, published, MINA, 1)
    assert suppress(deployment, published, MINA, 0) == {published: 2}


def test_a_holder_who_is_in_an_address_book_too_is_two_people(deployment: Deployment) -> None:
    published = deployment.import_and_publish(
        [
            make_row("a1", email=MINA, items="name"),
            make_row("a2", recipient_ref="r1", email=MINA, phone=MINAS_PHONE, items="phone"),
        ]
    )
    roles = [one.role for one in find_people(deployment, published, MINA)]
    suppress(deployment, published, MINA, roles.index("holder"))
    (left,) = deployment.get_exposures(MINA)["exposures"]
    assert left["role"] == "recipient"


def test_every_set_that_is_not_retired_loses_the_person(deployment: Deployment) -> None:
    superseded = deployment.import_and_publish(FAMILY)
    beside = deployment.import_and_publish([make_row("a1", email=MINA, items="order")], kind="supplement")
    published = deployment.import_and_publish(FAMILY)
    staged = deployment.import_rows(FAMILY).id
    retired = deployment.import_rows(FAMILY).id
    deployment.retire(retired)
    without = deployment.import_rows(FAMILY[1:]).id
    removed = suppress(deployment, published, MINA)
    assert removed == {superseded: 2, beside: 1, published: 2, staged: 2}
    for one in (superseded, beside, published, staged, without):
        assert people_at_or_none(deployment, one, MINA) == 0
        assert checked(deployment, one).faults == ()
    answer = deployment.get_exposures(MINA)
    assert answer["exposures"] == []
    deployment.publish(staged)
    assert deployment.get_exposures(MINA)["exposures"] == []
    assert len(deployment.get_exposures(JUN)["exposures"]) == 1


def people_at_or_none(deployment: Deployment, dataset: UUID, identifier: str) -> int:
    return len(find_people(deployment, dataset, identifier))


@pytest.mark.parametrize("state", ["staged", "superseded"])
def test_a_person_can_be_named_in_a_set_of_any_living_state(state: str, deployment: Deployment) -> None:
    first = deployment.import_and_publish(FAMILY)
    second = deployment.import_rows(FAMILY).id
    if state == "superseded":
        deployment.publish(second)
    assert suppress(deployment, first if state == "superseded" else second, MINA) == {first: 2, second: 2}


def test_a_person_is_found_in_other_sets_under_other_identifiers_only(deployment: Deployment) -> None:
    older = deployment.import_and_publish([make_row("a1", email="old.mina@example.com", items="name"), FAMILY[1]])
    by_phone = deployment.import_and_publish([make_row("a1", phone="010-7777-0001", items="name"), FAMILY[1]])
    shared = deployment.import_rows([make_row(account, phone="010-2000-0009", items="name") for account in ("a1", "a2")]).id
    newest = deployment.import_and_publish(FAMILY)
    assert suppress(deployment, newest, MINA) == {older: 1, by_phone: 1, shared: 1, newest: 2}
    for identifier in ("old.mina@example.com", "010-7777-0001", MINA):
        assert deployment.get_exposures(identifier)["exposures"] == []
    assert len(find_people(deployment, shared, "010-2000-0009")) == 1
    for one in (older, by_phone, shared, newest):
        assert checked(deployment, one).faults == ()


def test_an_identifier_that_was_somebody_elses_in_an_older_set_takes_nobody_along(deployment: Deployment) -> None:
    older = deployment.import_and_publish([make_row("a9", phone=MINAS_PHONE, items="order")])  # a recycled number
    newer = deployment.import_and_publish([make_row("a1", phone=MINAS_PHONE, items="name"), make_row("a9", email=JUN, items="order")])
    assert suppress(deployment, newer, MINAS_PHONE) == {newer: 1}
    assert len(find_people(deployment, older, MINAS_PHONE)) == 1
    assert len(find_people(deployment, newer, JUN)) == 1


def test_a_person_with_an_identifier_of_too_many_is_removed_by_another_one(deployment: Deployment) -> None:
    crowd = [make_row(f"b{number}", email=f"p{number}@example.com", phone=MINAS_PHONE, items="name") for number in range(21)]
    published = deployment.import_and_publish([make_row("a1", email=MINA, phone=MINAS_PHONE, items="name"), *crowd])
    with pytest.raises(UnknownIdentifier, match="too many"):
        suppress(deployment, published, MINAS_PHONE)
    assert suppress(deployment, published, MINA) == {published: 1}  # the marker is nobody's
    assert [one["result"] for one in deployment.get_exposures(MINAS_PHONE)["datasets"]] == ["cannot_tell"]
    assert checked(deployment, published).faults == ()


def test_other_incidents_keep_the_person(deployment: Deployment) -> None:
    deployment.create_incident(deployment.incident.model_copy(update={"slug": "other-2026"}))
    here = deployment.import_and_publish(FAMILY)
    elsewhere = deployment.import_and_publish(FAMILY, incident="other-2026")
    assert suppress(deployment, here, MINA) == {here: 2}
    assert [one["incident"] for one in deployment.get_exposures(MINA)["exposures"]] == ["other-2026"]
    assert checked(deployment, elsewhere).suppressed == 0


def test_who_is_not_there_cannot_be_suppressed(deployment: Deployment) -> None:
    published = deployment.import_and_publish(FAMILY)
    with pytest.raises(UnknownIdentifier):
        suppress(deployment, published, "nobody@example.com")
    with pytest.raises(UnknownDataSet):
        suppress(deployment, UUID(int=1), MINA)
    suppress(deployment, published, MINA)
    with pytest.raises(UnknownIdentifier):
        suppress(deployment, published, MINA)


def test_of_a_retired_set_nothing_can_be_suppressed(deployment: Deployment) -> None:
    staged = deployment.import_rows(FAMILY).id
    deployment.retire(staged)
    with pytest.raises(StateConflict, match="is retired"):
        suppress(deployment, staged, MINA)


def test_a_failure_in_one_set_leaves_all_as_they_were(deployment: Deployment) -> None:
    first = deployment.import_and_publish(FAMILY)
    second = deployment.import_and_publish(FAMILY)
    with deployment.database.read() as session:
        key = datasets.get(session, second).key_id
    deployment.keys.destroy_store_key(key)
    before = read_stored_rows(deployment, first)
    with pytest.raises(datasets.errors.DependencyUnavailable):
        suppress(deployment, first, MINA)
    assert read_stored_rows(deployment, first) == before
    assert kept(deployment, first) == (5, 2)
