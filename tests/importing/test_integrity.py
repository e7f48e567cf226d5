"""Integrity check: changes made outside the application are detected."""

import json
from collections.abc import Callable
from uuid import UUID

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app.datasets import catalog_queries
from app.datasets.errors import SentinelMissing, StateConflict
from app.datasets.manifest import InvalidManifest
from app.errors import DependencyUnavailable, InvalidInput
from app.importing import ImportResult
from app.importing.integrity import SAMPLE_SIZE, IntegrityReport
from app.source_files.schema import InvalidFile
from tests.datasets.operator_actions import check_integrity, source_file
from tests.datasets.store_reader import look_up, read_stored_rows, table_name
from tests.support.deployment import Deployment, make_row

PEOPLE = [
    make_row("a1", email="mina@example.com", phone="010-2000-0001", name="김민아", items="name|email", cohort="list"),
    make_row("a1", address="서울 강남구 테헤란로 12", items="address", count=3),
    make_row("a2", email="jun@example.com", phone="010-2000-0001", items="name", confidence="possible"),
    make_row("a2", recipient_ref="r1", phone="010-2000-0003", items="phone"),
    make_row("a3", name="아무도", items="name"),  # no identifier
]


def change_table(deployment: Deployment, dataset: UUID, statement: str, *parameters: object) -> None:
    """Run a statement on the data set's table. {table} is its name and ? a parameter, on both database engines."""
    statement = statement.format(table=table_name(dataset))
    deployment.execute_sql(statement if deployment.database.is_sqlite else statement.replace("?", "%s"), *parameters)


@pytest.fixture
def staged(deployment: Deployment) -> ImportResult:
    return deployment.import_rows(PEOPLE)


def find_person_row(deployment: Deployment, dataset: UUID) -> tuple[bytes, int, bytes]:
    """Return a row that is not a sentinel: the second of two people who share a phone."""
    return next(row for row in read_stored_rows(deployment, dataset) if row[1] == 1)


@pytest.mark.parametrize("publish", [False, True])
def test_an_unchanged_data_set_has_no_problems(publish: bool, deployment: Deployment, staged: ImportResult) -> None:
    if publish:
        deployment.publish(staged.id)
    assert check_integrity(deployment, staged.id) == IntegrityReport(
        rows=staged.rows, sampled=0, suppressed=0, problems=()
    )


def _delete_row(deployment: Deployment, dataset: UUID) -> None:
    locator, entry, _ = find_person_row(deployment, dataset)
    change_table(deployment, dataset, "DELETE FROM {table} WHERE locator = ? AND entry = ?", locator, entry)


def _change_a_byte(deployment: Deployment, dataset: UUID) -> None:
    locator, entry, sealed = find_person_row(deployment, dataset)
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    change_table(
        deployment, dataset, "UPDATE {table} SET sealed = ? WHERE locator = ? AND entry = ?", changed, locator, entry
    )


def _copy_row_to_another_entry(deployment: Deployment, dataset: UUID) -> None:
    locator, _, sealed = find_person_row(deployment, dataset)
    change_table(
        deployment, dataset, "INSERT INTO {table} (locator, entry, sealed) VALUES (?, ?, ?)", locator, 2, sealed
    )


def _copy_row_to_another_locator(deployment: Deployment, dataset: UUID) -> None:
    _, entry, sealed = find_person_row(deployment, dataset)
    change_table(
        deployment, dataset, "INSERT INTO {table} (locator, entry, sealed) VALUES (?, ?, ?)", bytes(16), entry, sealed
    )


def _move_row_to_another_entry(deployment: Deployment, dataset: UUID) -> None:
    locator, entry, _ = find_person_row(deployment, dataset)
    change_table(deployment, dataset, "UPDATE {table} SET entry = 5 WHERE locator = ? AND entry = ?", locator, entry)


def _swap_two_rows(deployment: Deployment, dataset: UUID) -> None:
    first, second = [row for row in read_stored_rows(deployment, dataset) if row[1] == 0][:2]
    for (locator, entry, _), (_, _, other) in ((first, second), (second, first)):
        change_table(
            deployment, dataset, "UPDATE {table} SET sealed = ? WHERE locator = ? AND entry = ?", other, locator, entry
        )


def _delete_a_row_and_add_another(deployment: Deployment, dataset: UUID) -> None:
    _copy_row_to_another_entry(deployment, dataset)
    _delete_row(deployment, dataset)


@pytest.mark.parametrize(
    "damage_rows",
    [
        _delete_row,
        _change_a_byte,
        _copy_row_to_another_entry,
        _copy_row_to_another_locator,
        _move_row_to_another_entry,
        _delete_a_row_and_add_another,
    ],
)
def test_a_single_changed_row_is_reported(
    damage_rows: Callable[[Deployment, UUID], None], deployment: Deployment, staged: ImportResult
) -> None:
    damage_rows(deployment, staged.id)
    report = check_integrity(deployment, staged.id)
    (problem,) = report.problems
    assert f"the manifest has {staged.rows}" in problem
    assert report.rows == len(read_stored_rows(deployment, staged.id))


def test_two_swapped_rows_are_reported(deployment: Deployment, staged: ImportResult) -> None:
    _swap_two_rows(deployment, staged.id)
    try:
        assert check_integrity(deployment, staged.id).problems
    except DependencyUnavailable:  # one of them was the sentinel
        return


def test_a_value_of_another_type_is_reported(deployment: Deployment, staged: ImportResult) -> None:
    locator, entry, _ = find_person_row(deployment, staged.id)
    change_table(
        deployment, staged.id, "UPDATE {table} SET sealed = 'text' WHERE locator = ? AND entry = ?", locator, entry
    )
    assert check_integrity(deployment, staged.id).problems  # on PostgreSQL 'text' is four bytes like others


def test_an_emptied_table_raises_sentinel_missing(deployment: Deployment, staged: ImportResult) -> None:
    change_table(deployment, staged.id, "DELETE FROM {table}")
    with pytest.raises(SentinelMissing):
        check_integrity(deployment, staged.id)


def _set_catalog_column(deployment: Deployment, dataset: UUID, column: str, value: object) -> None:
    statement = f"UPDATE data_sets SET {column} = ? WHERE id = ?"
    if deployment.database.is_sqlite:
        deployment.execute_sql(statement, value, dataset.hex)
    else:
        deployment.execute_sql(statement.replace("?", "%s"), value, dataset)


def _read_manifest(deployment: Deployment, dataset: UUID) -> bytes:
    with deployment.database.read() as db:
        payload, _ = catalog_queries.get_signed_manifest(db, dataset)
        return payload


@pytest.mark.parametrize("change", [{"rows": 3}, {"people": 2}, {"digest": "0" * 64}, {"incident": "other"}])
def test_a_changed_manifest_is_rejected(
    change: dict[str, object], deployment: Deployment, staged: ImportResult
) -> None:
    content = json.loads(_read_manifest(deployment, staged.id))
    assert content | change != content
    _set_catalog_column(deployment, staged.id, "manifest", rfc8785.dumps(content | change))
    with pytest.raises(InvalidManifest):
        check_integrity(deployment, staged.id)


def test_a_manifest_signed_with_another_key_is_rejected(deployment: Deployment, staged: ImportResult) -> None:
    signature = Ed25519PrivateKey.generate().sign(_read_manifest(deployment, staged.id))
    _set_catalog_column(deployment, staged.id, "signature", signature)
    with pytest.raises(InvalidManifest):
        check_integrity(deployment, staged.id)


def test_an_invalid_manifest_is_not_an_input_error() -> None:
    assert not issubclass(InvalidManifest, InvalidInput)  # exit code 1, not 2


def test_the_manifest_of_another_data_set_is_reported(deployment: Deployment, staged: ImportResult) -> None:
    other = deployment.import_rows(PEOPLE)
    with deployment.database.read() as db:
        payload, signature = catalog_queries.get_signed_manifest(db, other.id)
    _set_catalog_column(deployment, staged.id, "manifest", payload)
    _set_catalog_column(deployment, staged.id, "signature", signature)
    assert len(check_integrity(deployment, staged.id).problems) == 2


@pytest.mark.parametrize(("column", "value"), [("people", 3_000), ("rows", 1), ("kind", "supplement")])
def test_a_catalogue_entry_that_differs_from_the_manifest_is_reported(
    column: str, value: object, deployment: Deployment, staged: ImportResult
) -> None:
    _set_catalog_column(deployment, staged.id, column, value)
    assert check_integrity(deployment, staged.id).problems == ("the list of data sets differs from the manifest",)


def test_a_retired_data_set_cannot_be_checked(deployment: Deployment, staged: ImportResult) -> None:
    deployment.retire(staged.id)
    with pytest.raises(StateConflict, match="is retired"):
        check_integrity(deployment, staged.id)


def test_a_lost_store_key_raises_unavailable(deployment: Deployment, staged: ImportResult) -> None:
    (key,) = deployment.keys.list_store_key_ids()
    deployment.keys.store_key_path(key).unlink()
    with pytest.raises(DependencyUnavailable):
        check_integrity(deployment, staged.id)


# --- with the source file ----------------------------------------------------------------------------------------------


def test_the_source_file_matches_the_data_set(deployment: Deployment, staged: ImportResult) -> None:
    assert check_integrity(deployment, staged.id, source_file(deployment)) == IntegrityReport(staged.rows, 3, 0, ())


def test_the_source_file_matches_with_an_overshared_identifier(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [
            make_row(f"a{number}", email=f"p{number}@example.com", phone="010-2000-0001", items="name")
            for number in range(21)
        ]
    )
    assert check_integrity(deployment, staged.id, source_file(deployment)).problems == ()


@pytest.mark.parametrize(
    "change",
    [
        make_row("a1", email="mina@example.com", items="order"),  # an additional item
        make_row("a1", email="mina@example.com", items="name", count=2),
        make_row("a1", phone="010-9999-9999", confidence="withdrawn"),  # an additional identifier, and nothing else
        make_row("a1", name="이름", confidence="withdrawn"),
        make_row("a2", email="jun@example.com", items="name"),  # another confidence
        make_row("a4", email="new@example.com", items="name"),
    ],
)
def test_a_source_file_that_differs_in_one_person_is_reported(
    change: dict[str, str], deployment: Deployment, staged: ImportResult
) -> None:
    other = deployment.import_rows([*PEOPLE, change])
    (problem,) = check_integrity(deployment, staged.id, source_file(deployment)).problems
    assert problem.startswith("1 of ")
    assert check_integrity(deployment, other.id, source_file(deployment)).problems == ()


@pytest.mark.slow
def test_only_a_sample_of_a_large_file_is_compared(deployment: Deployment) -> None:
    people = [
        make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(2 * SAMPLE_SIZE + 10)
    ]
    staged = deployment.import_rows(people)
    report = check_integrity(deployment, staged.id, source_file(deployment))
    assert (report.rows, report.problems) == (2 * SAMPLE_SIZE + 11, ())
    assert SAMPLE_SIZE * 0.8 < report.sampled < SAMPLE_SIZE * 1.25  # a hash of the references selects them


def test_an_unreadable_source_file_is_an_input_error(deployment: Deployment, staged: ImportResult) -> None:
    with pytest.raises(InvalidFile):
        check_integrity(deployment, staged.id, deployment.folder / "no-such.csv")


def test_look_ups_work_after_an_integrity_check(deployment: Deployment, staged: ImportResult) -> None:
    check_integrity(deployment, staged.id, source_file(deployment))
    assert len(look_up(deployment, staged.id, "010-2000-0001").records) == 2
