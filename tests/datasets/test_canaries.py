"""Canaries in a data set: they look like all other records and are not counted as people."""

from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from app.datasets.errors import ImportFailed
from app.datasets.manifest import StoredRow
from app.datasets.sealed_store import SealedStore
from app.identifiers import IdentifierKind, canonicalize
from app.importing import DEFAULT_CANARY_DOMAIN, MAX_CANARIES, ImportOptions
from app.importing.canary_planter import CanaryPlanter
from tests.datasets.canary_helpers import (
    CANARY_COUNT,
    PEOPLE,
    cohort_counts,
    find_incident,
    get_data_set,
    import_synthetic,
    list_canaries,
    load_index,
)
from tests.datasets.operator_actions import check_integrity
from tests.datasets.store_reader import find_person, look_up, read_stored_rows
from tests.e2e.test_nothing_leaks import assert_found_nowhere, dump_database
from tests.support.deployment import INCIDENT_SLUG, Deployment, make_row


def test_each_canary_can_be_looked_up_under_a_fictitious_identifier(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE, canaries=CANARY_COUNT)
    identifiers = list_canaries(deployment, staged.id)
    assert staged.canaries == CANARY_COUNT
    assert len({*identifiers}) == len(identifiers) >= CANARY_COUNT
    assert {"@" in identifier for identifier in identifiers} == {True, False}
    for identifier in identifiers:
        kind: IdentifierKind = "email" if "@" in identifier else "phone"
        assert canonicalize(kind, identifier) == identifier
        assert identifier.partition("@")[2] in ("", DEFAULT_CANARY_DOMAIN)
        assert "@" in identifier or identifier.startswith(("+82100", "+82101"))
        assert len(look_up(deployment, staged.id, identifier).records) == 1


def test_canary_records_have_the_shape_of_a_real_record(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE, canaries=CANARY_COUNT)

    def shape_of(identifier: str) -> tuple[Any, ...]:
        record = find_person(deployment, staged.id, identifier)
        tag_counts = {kind: len(tags) for kind, tags in record.tags.items()}
        siblings, hint_kinds = len(record.siblings), record.hints.keys()
        return record.role, record.confidence, {**record.items}, record.cohorts, tag_counts, siblings, hint_kinds

    real_shapes = [shape_of(identifier) for identifier in ("mina@example.com", "jun@example.com", "010-2000-0003")]
    canaries = list_canaries(deployment, staged.id)
    assert all(shape_of(canary) in real_shapes for canary in canaries)
    subjects = {find_person(deployment, staged.id, canary).subject for canary in canaries}
    assert len(subjects) == CANARY_COUNT


def test_canaries_count_as_rows_but_not_as_people(deployment: Deployment) -> None:
    without = deployment.import_rows(PEOPLE)
    staged = deployment.import_rows(PEOPLE, canaries=CANARY_COUNT)
    assert (without.people, without.unreachable, without.canaries) == (3, 1, 0)
    assert (staged.people, staged.unreachable) == (3, 1)
    assert staged.phone_only == without.phone_only == {("82",): 1}
    assert (
        staged.rows
        == without.rows + len(list_canaries(deployment, staged.id))
        == len(read_stored_rows(deployment, staged.id))
    )
    assert get_data_set(deployment, staged.id).people == 3
    assert cohort_counts(deployment, staged.id) == cohort_counts(deployment, without.id)
    deployment.publish(without.id)
    deployment.publish(staged.id, accept_loss=0)
    deployment.publish(without.id, accept_loss=0)  # and removing the canaries is not a loss


def test_integrity_check_passes_with_canaries(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE, canaries=CANARY_COUNT)
    report = check_integrity(deployment, staged.id, deployment.folder / "people.csv")
    assert (report.rows, report.sampled, report.problems) == (staged.rows, 3, ())


def test_answers_to_real_people_do_not_change(deployment: Deployment) -> None:
    deployment.import_and_publish(PEOPLE, canaries=CANARY_COUNT)
    (exposure,) = deployment.get_exposures("mina@example.com", "010-2000-0001")["exposures"]
    assert [(item["kind"], item["count"]) for item in exposure["items"]] == [("name", 1), ("email", 1), ("address", 3)]


def split_rows(deployment: Deployment, dataset: UUID) -> tuple[list[StoredRow], list[StoredRow]]:
    """Return the rows of the canaries and all other rows."""
    found = get_data_set(deployment, dataset)
    sealer = SealedStore(deployment.keys, None).sealer(found)  # type: ignore[arg-type]
    canary_locators = {
        sealer.encrypt_locators(look_up(deployment, dataset, identifier).locator)
        for identifier in list_canaries(deployment, dataset)
    }
    rows = read_stored_rows(deployment, dataset)
    return [row for row in rows if row[0] in canary_locators], [row for row in rows if row[0] not in canary_locators]


@pytest.mark.slow
@pytest.mark.parametrize("rounded", [True, False])
def test_canary_rows_are_indistinguishable_from_other_rows(
    rounded: bool, deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By size (even if rare sizes are not merged), entry and locator."""
    if not rounded:
        monkeypatch.setattr("app.importing.pipeline.MIN_ROWS_PER_SIZE", 1)
    staged = import_synthetic(deployment, 1500, canaries=150)
    canary_rows, other_rows = split_rows(deployment, staged.id)
    assert len(canary_rows) == len(list_canaries(deployment, staged.id))
    sizes, all_sizes = (Counter(len(sealed) for _, _, sealed in rows) for rows in (canary_rows, other_rows))
    for size, count in all_sizes.items():
        assert abs(sizes[size] / len(canary_rows) - count / len(other_rows)) < 0.12, (sizes, all_sizes)
    assert sizes.keys() <= all_sizes.keys()
    assert {entry for _, entry, _ in canary_rows} == {0}
    assert sum(entry == 0 for _, entry, _ in other_rows) > 0.9 * len(other_rows)
    quarters = Counter(locator[0] >> 6 for locator, _, _ in canary_rows)
    assert all(quarters[quarter] > len(canary_rows) / 8 for quarter in range(4))


def test_the_database_reveals_neither_canaries_nor_their_presence(deployment: Deployment) -> None:
    without = deployment.import_rows(PEOPLE)
    staged = deployment.import_rows(PEOPLE, canaries=CANARY_COUNT)
    assert_found_nowhere(
        dump_database(deployment), [*list_canaries(deployment, staged.id), DEFAULT_CANARY_DOMAIN], "the database"
    )
    ciphertexts = [bytes(ciphertext) for (ciphertext,) in deployment.execute_sql("SELECT canaries FROM data_sets")]
    assert len({*map(len, ciphertexts)}) == 1
    assert list_canaries(deployment, without.id) == []


@pytest.mark.slow
def test_data_sets_of_an_incident_have_the_same_canaries(deployment: Deployment) -> None:
    """The list of canaries stays valid as long as the incident exists."""
    first, second = (deployment.import_rows(PEOPLE, canaries=CANARY_COUNT) for _ in range(2))
    assert list_canaries(deployment, first.id) == list_canaries(deployment, second.id)
    subjects = [
        {find_person(deployment, staged.id, canary).subject for canary in list_canaries(deployment, staged.id)}
        for staged in (first, second)
    ]
    assert subjects[0] == subjects[1]
    deployment.create_incident(deployment.incident.model_copy(update={"slug": "another"}))
    other = deployment.import_rows(PEOPLE, incident="another", canaries=CANARY_COUNT)
    assert not {*list_canaries(deployment, other.id)} & {*list_canaries(deployment, first.id)}


def test_a_phone_in_the_file_is_not_used_as_canary(deployment: Deployment) -> None:
    before = list_canaries(deployment, deployment.import_rows(PEOPLE, canaries=CANARY_COUNT).id)
    phones = [canary for canary in before if "@" not in canary][:2]
    customer = make_row("a9", email="typed@example.com", phone="|".join(phones), items="name")
    staged = deployment.import_rows([*PEOPLE[:4], customer], canaries=CANARY_COUNT)
    assert not {*list_canaries(deployment, staged.id)} & {*phones}
    for phone in phones:
        assert find_incident(load_index(deployment), phone) == INCIDENT_SLUG  # a canary of the first data set
        assert len(look_up(deployment, staged.id, phone).records) == 1


def test_emails_replace_phones_that_the_file_has(deployment: Deployment) -> None:
    request = ImportOptions(Path(), INCIDENT_SLUG, canaries=3)
    phones = sorted(CanaryPlanter(deployment.keys.load_application_key(), request, hints=True).candidate_phones())
    assert 9 <= len(phones) <= 12
    rows = [make_row(f"a{number}", phone=phone, items="phone") for number, phone in enumerate(phones)]
    staged = deployment.import_rows(rows, canaries=3)
    planted = list_canaries(deployment, staged.id)
    assert len(planted) == 3
    assert all(canary.endswith(f"@{DEFAULT_CANARY_DOMAIN}") for canary in planted)


def test_canary_domain_can_be_chosen(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE, canaries=CANARY_COUNT, canary_domain="Letters.example.org")
    assert {canary.partition("@")[2] for canary in list_canaries(deployment, staged.id)} == {"", "letters.example.org"}


@pytest.mark.parametrize(
    "options",
    [
        {"canary_domain": "no domain"},
        {"canary_domain": "a@example.org"},
        {"canaries": -1},
        {"canaries": MAX_CANARIES + 1},
    ],
)
def test_invalid_canary_options_end_the_import(options: dict[str, Any], deployment: Deployment) -> None:
    with pytest.raises(ImportFailed, match="canar"):
        deployment.import_rows(PEOPLE, **options)
    assert deployment.execute_sql("SELECT id FROM data_sets") == []


def test_a_file_without_usable_identifiers_is_rejected_despite_canaries(deployment: Deployment) -> None:
    with pytest.raises(ImportFailed, match="usable email or phone"):
        deployment.import_rows([make_row("a1", name="김민아", items="name")], canaries=CANARY_COUNT)


def test_repr_of_an_import_result_hides_identifiers(deployment: Deployment) -> None:
    staged = deployment.import_rows(PEOPLE, canaries=CANARY_COUNT)
    assert "@" not in repr(staged)
