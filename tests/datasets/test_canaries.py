"""Canaries in the store: there, like all others, and in no figure that an operator is told."""

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app import datasets
from app.datasets import CanaryIndex, ImportFailed, StateConflict
from app.datasets.canary_index import NOTE_BYTES, open_canaries, seal_canaries
from app.datasets.files import write_source_file
from app.datasets.importing import MAX_CANARIES, DEFAULT_CANARY_DOMAIN, ImportResult
from app.datasets.importing import ImportOptions
from app.datasets.importing.canary_planter import CanaryPlanter
from app.datasets.manifest import Row
from app.datasets.synthetic import synthesize
from app.errors import DependencyUnavailable
from app.identifiers import canonicalize
from tests.datasets.store_reader import look_up, find_person, read_stored_rows
from tests.datasets.operator_actions import checked
from tests.journeys.test_nothing_leaks import assert_found_nowhere, dump_database
from tests.support.deployment import INCIDENT_SLUG, Deployment, RecordingListener, make_row

PLANTED = 12
PEOPLE = [
    make_row("a1", email="mina@example.com", phone="010-2000-0001", name="김민아", items="name|email", cohort="list"),
    make_row("a1", address="서울 강남구 테헤란로 12", items="address", count=3, cohort="edit"),
    make_row("a2", email="jun@example.com", name="박준|Jun Park", items="name", confidence="possible"),
    make_row("a2", recipient_ref="r1", phone="010-2000-0003", items="phone"),
    make_row("a3", name="아무도", items="name"),  # nobody finds them
]


def planted_in(deployment: Deployment, dataset: UUID) -> list[str]:
    with deployment.database.read() as session:
        return datasets.list_canaries(session, dataset, keys=deployment.keys)


def known(deployment: Deployment) -> CanaryIndex:
    canaries = CanaryIndex(deployment.keys)
    canaries.refresh(deployment.database)
    return canaries


def recognised(canaries: CanaryIndex, identifier: str) -> str | None:
    return canaries.find_incident("email" if "@" in identifier else "phone", identifier)


def counts(deployment: Deployment, dataset: UUID) -> list[tuple[str, str, int]]:
    with deployment.database.read() as session:
        found = datasets.diff(session, dataset, dataset, keys=deployment.keys)
    return [(one.cohort, one.item, one.after) for one in found]


def listed(deployment: Deployment, dataset: UUID) -> datasets.DataSet:
    with deployment.database.read() as session:
        return datasets.get(session, dataset)


def test_each_is_there_under_an_identifier_that_nobody_owns(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE, canaries=PLANTED)
    identifiers = planted_in(deployment, staged.id)
    assert staged.canaries == PLANTED
    assert len({*identifiers}) == len(identifiers) >= PLANTED
    assert {"@" in one for one in identifiers} == {True, False}
    for one in identifiers:
        kind, _, domain = ("email", *one.partition("@")[1:]) if "@" in one else ("phone", "", "")
        assert canonicalize(kind, one) == one  # type: ignore[arg-type]
        assert domain in ("", DEFAULT_CANARY_DOMAIN)
        assert "@" in one or one.startswith(("+82100", "+82101"))
        assert len(look_up(deployment, staged.id, one).records) == 1


def test_what_is_said_of_them_is_what_the_file_says_of_somebody(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE, canaries=PLANTED)

    def shape(identifier: str) -> tuple[Any, ...]:
        one = find_person(deployment, staged.id, identifier)
        tags = {kind: len(tags) for kind, tags in one.tags.items()}
        return one.role, one.confidence, {**one.items}, one.cohorts, tags, len(one.siblings), one.hints.keys()

    models = [shape(one) for one in ("mina@example.com", "jun@example.com", "010-2000-0003")]
    assert all(shape(one) in models for one in planted_in(deployment, staged.id))
    subjects = {find_person(deployment, staged.id, one).subject for one in planted_in(deployment, staged.id)}
    assert len(subjects) == PLANTED


def test_they_are_counted_in_the_rows_and_in_nothing_else(deployment: Deployment) -> None:
    without = deployment.import_rows(PEOPLE)
    staged = deployment.import_rows(PEOPLE, canaries=PLANTED)
    assert (without.people, without.unreachable, without.canaries) == (3, 1, 0)
    assert (staged.people, staged.unreachable) == (3, 1)
    assert (
        staged.rows == without.rows + len(planted_in(deployment, staged.id)) == len(read_stored_rows(deployment, staged.id))
    )
    assert listed(deployment, staged.id).people == 3
    assert counts(deployment, staged.id) == counts(deployment, without.id)
    deployment.publish(without.id)
    deployment.publish(staged.id, accept_loss=0)
    deployment.publish(without.id, accept_loss=0)  # nor does it look like a loss without them


def test_verifying_reports_no_loss(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE, canaries=PLANTED)
    verdict = checked(deployment, staged.id, deployment.folder / "people.csv")
    assert (verdict.rows, verdict.sampled, verdict.faults) == (staged.rows, 3, ())


def test_people_are_answered_as_without_them(deployment: Deployment) -> None:
    deployment.import_and_publish(PEOPLE, canaries=PLANTED)
    (exposure,) = deployment.get_exposures("mina@example.com", "010-2000-0001")["exposures"]
    assert [(one["kind"], one["count"]) for one in exposure["items"]] == [("name", 1), ("email", 1), ("address", 3)]


# --- like all others --------------------------------------------------------------------------------------------------


def synthetic(deployment: Deployment, accounts: int, **request: Any) -> ImportResult:
    file = deployment.folder / "many.csv"
    write_source_file(file, synthesize(accounts, seed=5))
    return deployment.import_file(file, **request)


def rows_of_canaries(deployment: Deployment, dataset: UUID) -> tuple[list[Row], list[Row]]:
    """The rows of the canaries, and all others."""
    one = listed(deployment, dataset)
    sealer = datasets.SealedStore(deployment.keys, None).sealer(one)  # type: ignore[arg-type]
    places = {
        sealer.encrypt_locators(look_up(deployment, dataset, identifier).locator) for identifier in planted_in(deployment, dataset)
    }
    rows = read_stored_rows(deployment, dataset)
    return [row for row in rows if row[0] in places], [row for row in rows if row[0] not in places]


@pytest.mark.parametrize("rounded", [True, False])
def test_their_rows_cannot_be_told_from_others(
    rounded: bool, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By size, even where rare ones are not rounded up; by entry, or by their place."""
    if not rounded:
        monkeypatch.setattr("app.datasets.importing.pipeline.MIN_ROWS_PER_SIZE", 1)
    staged = synthetic(deployment, 1500, canaries=150)
    theirs, others = rows_of_canaries(deployment, staged.id)
    assert len(theirs) == len(planted_in(deployment, staged.id))
    sizes, all_sizes = (Counter(len(sealed) for _, _, sealed in rows) for rows in (theirs, others))
    for size, count in all_sizes.items():
        assert abs(sizes[size] / len(theirs) - count / len(others)) < 0.12, (sizes, all_sizes)
    assert sizes.keys() <= all_sizes.keys()
    assert {entry for _, entry, _ in theirs} == {0}
    assert sum(entry == 0 for _, entry, _ in others) > 0.9 * len(others)
    quarters = Counter(locator[0] >> 6 for locator, _, _ in theirs)
    assert all(quarters[number] > len(theirs) / 8 for number in range(4))


def test_the_database_holds_none_of_them_and_not_whether_there_are_any(deployment: Deployment) -> None:
    without = deployment.import_rows(PEOPLE)
    staged = deployment.import_rows(PEOPLE, canaries=PLANTED)
    assert_found_nowhere(dump_database(deployment), [*planted_in(deployment, staged.id), DEFAULT_CANARY_DOMAIN], "the database")
    notes = [bytes(note) for (note,) in deployment.execute_sql("SELECT canaries FROM data_sets")]
    assert len({len(note) for note in notes}) == 1
    assert planted_in(deployment, without.id) == []


@pytest.mark.parametrize("number", [0, 1, 100, 1000, MAX_CANARIES])
def test_a_note_is_of_few_sizes(number: int, deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE)
    key = deployment.keys.load_store_key(listed(deployment, staged.id).key_id)
    identifiers = [f"somebody.{one:08}@{DEFAULT_CANARY_DOMAIN}" for one in range(number)]
    note = seal_canaries(identifiers, key, staged.id)
    assert open_canaries(note, key, staged.id) == identifiers
    size = len(note) - len(seal_canaries([], key, staged.id)) + NOTE_BYTES
    assert size == 1 << (size.bit_length() - 1)


# --- which ones -------------------------------------------------------------------------------------------------------


def test_the_next_data_set_of_the_incident_has_the_same_ones(deployment: Deployment) -> None:
    """As it has the same people: so a list of them holds for as long as the incident."""
    first, second = (deployment.import_rows(PEOPLE, canaries=PLANTED) for _ in range(2))
    assert planted_in(deployment, first.id) == planted_in(deployment, second.id)
    subjects = [
        {find_person(deployment, one.id, mine).subject for mine in planted_in(deployment, one.id)}
        for one in (first, second)
    ]
    assert subjects[0] == subjects[1]
    deployment.create_incident(deployment.incident.model_copy(update={"slug": "another"}))
    other = deployment.import_rows(PEOPLE, incident="another", canaries=PLANTED)
    assert not {*planted_in(deployment, other.id)} & {*planted_in(deployment, first.id)}


def test_a_phone_that_the_file_has_is_not_planted(deployment: Deployment) -> None:
    before = planted_in(deployment, deployment.import_rows(PEOPLE, canaries=PLANTED).id)
    phones = [one for one in before if "@" not in one]
    typed = make_row("a9", email="typed@example.com", phone="|".join(phones[:2]), items="name")
    staged = deployment.import_rows([*PEOPLE[:4], typed], canaries=PLANTED)
    assert not {*planted_in(deployment, staged.id)} & {*phones[:2]}
    for one in phones[:2]:
        assert recognised(known(deployment), one) == INCIDENT_SLUG  # of the first data set
        assert len(look_up(deployment, staged.id, one).records) == 1


def test_where_the_file_has_all_phones_emails_take_their_place(deployment: Deployment) -> None:
    request = ImportOptions(Path(), INCIDENT_SLUG, canaries=3)
    phones = sorted(CanaryPlanter(deployment.keys.load_application_key(), request, hints=True).candidate_phones())
    assert 9 <= len(phones) <= 12
    rows = [make_row(f"a{number}", phone=phone, items="phone") for number, phone in enumerate(phones)]
    staged = deployment.import_rows(rows, canaries=3)
    planted = planted_in(deployment, staged.id)
    assert len(planted) == 3
    assert all(one.endswith(f"@{DEFAULT_CANARY_DOMAIN}") for one in planted)


def test_their_domain_can_be_the_companys(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE, canaries=PLANTED, canary_domain="Letters.example.org")
    assert {one.partition("@")[2] for one in planted_in(deployment, staged.id)} == {"", "letters.example.org"}


@pytest.mark.parametrize(
    "given",
    [
        {"canary_domain": "no domain"},
        {"canary_domain": "a@example.org"},
        {"canaries": -1},
        {"canaries": MAX_CANARIES + 1},
    ],
)
def test_what_cannot_be_planted_ends_the_import(given: dict[str, Any], deployment: Deployment) -> None:
    with pytest.raises(ImportFailed, match="canar"):
        deployment.import_rows(PEOPLE, **given)
    assert deployment.execute_sql("SELECT id FROM data_sets") == []


def test_a_file_of_nobody_who_could_be_found_is_refused_all_the_same(deployment: Deployment) -> None:
    with pytest.raises(ImportFailed, match="usable email or phone"):
        deployment.import_rows([make_row("a1", name="김민아", items="name")], canaries=PLANTED)


# --- again, and gone --------------------------------------------------------------------------------------------------


def cut_short(deployment: Deployment, **request: Any) -> None:
    """End an import between sealing and sorting."""

    def progress(stage: str, _: int) -> None:
        if stage == "sort":
            raise DependencyUnavailable

    with pytest.raises(DependencyUnavailable):
        synthetic(deployment, 60, listener=RecordingListener(progress), **request)


def test_an_import_that_was_cut_short_goes_on(deployment: Deployment) -> None:
    undisturbed = synthetic(deployment, 60, canaries=PLANTED)
    cut_short(deployment, canaries=PLANTED)
    listener = RecordingListener()
    staged = synthetic(deployment, 60, canaries=PLANTED, listener=listener)
    assert [one[0] for one in listener.events] == ["resumed"]
    assert planted_in(deployment, staged.id) == planted_in(deployment, undisturbed.id)
    assert (staged.rows, staged.people, staged.canaries) == (undisturbed.rows, undisturbed.people, PLANTED)
    assert counts(deployment, staged.id) == counts(deployment, undisturbed.id)
    for one in planted_in(deployment, staged.id):
        assert len(look_up(deployment, staged.id, one).records) == 1


@pytest.mark.parametrize(
    "other", [{}, {"canaries": PLANTED + 1}, {"canaries": PLANTED, "canary_domain": "example.org"}]
)
def test_with_other_canaries_it_is_another_request(other: dict[str, Any], deployment: Deployment) -> None:
    cut_short(deployment, canaries=PLANTED)
    listener = RecordingListener()
    staged = synthetic(deployment, 60, listener=listener, **other)
    assert [one[0] for one in listener.events] == ["restarted"]
    assert staged.canaries == other.get("canaries", 0)


def test_a_running_server_knows_them_until_the_last_data_set_is_retired(deployment: Deployment) -> None:
    canaries = known(deployment)
    first, second = (deployment.import_rows(PEOPLE, canaries=PLANTED) for _ in range(2))
    one = planted_in(deployment, first.id)[0]
    assert recognised(canaries, one) is None
    canaries.refresh(deployment.database)
    assert recognised(canaries, one) == INCIDENT_SLUG
    assert recognised(canaries, "mina@example.com") is None
    assert canaries.find_incident("phone" if "@" in one else "email", one) is None
    deployment.retire(first.id)
    canaries.refresh(deployment.database)
    assert recognised(canaries, one) == INCIDENT_SLUG
    deployment.retire(second.id)
    canaries.refresh(deployment.database)
    assert recognised(canaries, one) is None
    assert [note for (note,) in deployment.execute_sql("SELECT canaries FROM data_sets")] == [None, None]
    with pytest.raises(StateConflict):
        planted_in(deployment, first.id)


def test_a_lost_store_key_takes_no_other_data_sets_canaries_away(deployment: Deployment) -> None:
    lost = deployment.import_rows(PEOPLE, canaries=PLANTED)
    deployment.create_incident(deployment.incident.model_copy(update={"slug": "another"}))
    kept = deployment.import_rows(PEOPLE, incident="another", canaries=PLANTED)
    mine = planted_in(deployment, lost.id)[0]
    deployment.keys.destroy_store_key(listed(deployment, lost.id).key_id)
    canaries = known(deployment)
    assert recognised(canaries, mine) is None
    assert {recognised(canaries, one) for one in planted_in(deployment, kept.id)} == {"another"}


def test_a_data_set_of_before_has_none(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE)
    deployment.execute_sql("UPDATE data_sets SET canaries = NULL")
    assert planted_in(deployment, staged.id) == []
    known(deployment)


def test_nobody_is_named_by_what_an_import_hands_around(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE, canaries=PLANTED)
    assert "@" not in repr(staged)
