"""Holding a data set against its manifest and its source: whatever was done to it behind the application's back is found."""

import json
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from app import datasets
from app.datasets import StateConflict, SentinelMissing
from app.datasets.files.schema import InvalidFile
from app.datasets.importing import ImportResult
from app.datasets.manifest import InvalidManifest
from app.datasets.integrity import SAMPLE, IntegrityReport
from app.errors import InvalidInput, DependencyUnavailable
from tests.datasets.store_reader import look_up, read_stored_rows, table_name
from tests.datasets.operator_actions import checked
from tests.support.deployment import Deployment, make_row

PEOPLE = [
    make_row("a1", email="mina@example.com", phone="010-2000-0001", name="김민아", items="name|email", cohort="list"),
    make_row("a1", address="서울 강남구 테헤란로 12", items="address", count=3),
    make_row("a2", email="jun@example.com", phone="010-2000-0001", items="name", confidence="possible"),
    make_row("a2", recipient_ref="r1", phone="010-2000-0003", items="phone"),
    make_row("a3", name="아무도", items="name"),  # nobody finds them
]


def alter(deployment: Deployment, dataset: UUID, statement: str, *parameters: object) -> None:
    """Change the data set's table; {table} is its name and ? a parameter, on both engines."""
    statement = statement.format(table=table_name(dataset))
    deployment.execute_sql(statement if deployment.database.is_sqlite else statement.replace("?", "%s"), *parameters)


@pytest.fixture
def staged(deployment: Deployment) -> ImportResult:
    return deployment.import_rows(PEOPLE)


def a_persons_row(deployment: Deployment, dataset: UUID) -> tuple[bytes, int, bytes]:
    """A row that is not the sentinel's: the second of two people at one phone."""
    return next(one for one in read_stored_rows(deployment, dataset) if one[1] == 1)


@pytest.mark.parametrize("publish", [False, True])
def test_an_untouched_set_is_well_whatever_its_state(publish: bool, deployment: Deployment, staged: ImportResult) -> None:
    if publish:
        deployment.publish(staged.id)
    assert checked(deployment, staged.id) == IntegrityReport(rows=staged.rows, sampled=0, suppressed=0, faults=())


def _delete(deployment: Deployment, dataset: UUID) -> None:
    locator, entry, _ = a_persons_row(deployment, dataset)
    alter(deployment, dataset, "DELETE FROM {table} WHERE locator = ? AND entry = ?", locator, entry)


def _change_a_byte(deployment: Deployment, dataset: UUID) -> None:
    locator, entry, sealed = a_persons_row(deployment, dataset)
    changed = sealed[:-1] + bytes([sealed[-1] ^ 1])
    alter(deployment, dataset, "UPDATE {table} SET sealed = ? WHERE locator = ? AND entry = ?", changed, locator, entry)


def _copy_to_another_entry(deployment: Deployment, dataset: UUID) -> None:
    locator, _, sealed = a_persons_row(deployment, dataset)
    alter(deployment, dataset, "INSERT INTO {table} (locator, entry, sealed) VALUES (?, ?, ?)", locator, 2, sealed)


def _copy_to_another_place(deployment: Deployment, dataset: UUID) -> None:
    _, entry, sealed = a_persons_row(deployment, dataset)
    alter(
        deployment, dataset, "INSERT INTO {table} (locator, entry, sealed) VALUES (?, ?, ?)", bytes(16), entry, sealed
    )


def _move(deployment: Deployment, dataset: UUID) -> None:
    locator, entry, _ = a_persons_row(deployment, dataset)
    alter(deployment, dataset, "UPDATE {table} SET entry = 5 WHERE locator = ? AND entry = ?", locator, entry)


def _swap_two(deployment: Deployment, dataset: UUID) -> None:
    first, second = [one for one in read_stored_rows(deployment, dataset) if one[1] == 0][:2]
    for (locator, entry, _), (_, _, other) in ((first, second), (second, first)):
        alter(
            deployment, dataset, "UPDATE {table} SET sealed = ? WHERE locator = ? AND entry = ?", other, locator, entry
        )


def _delete_one_and_add_one(deployment: Deployment, dataset: UUID) -> None:
    _copy_to_another_entry(deployment, dataset)
    _delete(deployment, dataset)


@pytest.mark.parametrize(
    "damage", [_delete, _change_a_byte, _copy_to_another_entry, _copy_to_another_place, _move, _delete_one_and_add_one]
)
def test_one_row_that_is_not_as_it_was_is_found(
    damage: Callable[[Deployment, UUID], None], deployment: Deployment, staged: ImportResult
) -> None:
    damage(deployment, staged.id)
    verdict = checked(deployment, staged.id)
    (fault,) = verdict.faults
    assert f"the manifest has {staged.rows}" in fault
    assert verdict.rows == len(read_stored_rows(deployment, staged.id))


def test_two_rows_that_changed_places_are_found(deployment: Deployment, staged: ImportResult) -> None:
    _swap_two(deployment, staged.id)
    try:
        assert checked(deployment, staged.id).faults
    except DependencyUnavailable:  # one of the two was the sentinel
        return


def test_a_value_of_another_type_is_a_fault_and_no_crash(deployment: Deployment, staged: ImportResult) -> None:
    locator, entry, _ = a_persons_row(deployment, staged.id)
    alter(deployment, staged.id, "UPDATE {table} SET sealed = 'text' WHERE locator = ? AND entry = ?", locator, entry)
    assert checked(deployment, staged.id).faults  # on PostgreSQL 'text' is four bytes like others


def test_an_emptied_table_is_unavailable_not_well(deployment: Deployment, staged: ImportResult) -> None:
    alter(deployment, staged.id, "DELETE FROM {table}")
    with pytest.raises(SentinelMissing):
        checked(deployment, staged.id)


def _set(deployment: Deployment, dataset: UUID, column: str, value: object) -> None:
    statement = f"UPDATE data_sets SET {column} = ? WHERE id = ?"
    if deployment.database.is_sqlite:
        deployment.execute_sql(statement, value, dataset.hex)
    else:
        deployment.execute_sql(statement.replace("?", "%s"), value, dataset)


def _manifest(deployment: Deployment, dataset: UUID) -> bytes:
    with deployment.database.read() as session:
        payload, _ = datasets.queries.manifest(session, dataset)
        return payload


@pytest.mark.parametrize("change", [{"rows": 3}, {"people": 2}, {"digest": "0" * 64}, {"incident": "other"}])
def test_a_changed_manifest_does_not_hold(change: dict[str, object], deployment: Deployment, staged: ImportResult) -> None:
    content = json.loads(_manifest(deployment, staged.id))
    assert content | change != content
    _set(deployment, staged.id, "manifest", rfc8785.dumps(content | change))
    with pytest.raises(InvalidManifest):
        checked(deployment, staged.id)


def test_a_manifest_that_somebody_else_signed_does_not_hold(deployment: Deployment, staged: ImportResult) -> None:
    signature = Ed25519PrivateKey.generate().sign(_manifest(deployment, staged.id))
    _set(deployment, staged.id, "signature", signature)
    with pytest.raises(InvalidManifest):
        checked(deployment, staged.id)


def test_a_broken_manifest_is_the_data_sets_fault_not_the_operators() -> None:
    assert not issubclass(InvalidManifest, InvalidInput)  # exit code 1, not 2


def test_another_sets_manifest_is_found_out(deployment: Deployment, staged: ImportResult) -> None:
    other = deployment.import_rows(PEOPLE)
    with deployment.database.read() as session:
        payload, signature = datasets.queries.manifest(session, other.id)
    _set(deployment, staged.id, "manifest", payload)
    _set(deployment, staged.id, "signature", signature)
    assert len(checked(deployment, staged.id).faults) == 2


@pytest.mark.parametrize(("column", "value"), [("people", 3_000), ("rows", 1), ("kind", "supplement")])
def test_a_count_or_kind_that_was_changed_beside_the_manifest_is_found(
    column: str, value: object, deployment: Deployment, staged: ImportResult
) -> None:
    _set(deployment, staged.id, column, value)
    assert checked(deployment, staged.id).faults == ("the list of data sets says other than the manifest",)


def test_a_retired_set_cannot_be_checked(deployment: Deployment, staged: ImportResult) -> None:
    deployment.retire(staged.id)
    with pytest.raises(StateConflict, match="is retired"):
        checked(deployment, staged.id)


def test_a_lost_store_key_is_unavailable(deployment: Deployment, staged: ImportResult) -> None:
    (key,) = deployment.keys.list_store_key_ids()
    deployment.keys.destroy_store_key(key)
    with pytest.raises(DependencyUnavailable):
        checked(deployment, staged.id)


# --- with the source file ----------------------------------------------------------------------------------------------


def source(deployment: Deployment) -> Path:
    """The file that `stage` wrote last."""
    return deployment.folder / "people.csv"


def test_the_source_file_is_found_again_person_by_person(deployment: Deployment, staged: ImportResult) -> None:
    assert checked(deployment, staged.id, source(deployment)) == IntegrityReport(staged.rows, 3, 0, ())


def test_the_source_file_is_found_again_where_too_many_share_an_identifier(deployment: Deployment) -> None:
    staged = deployment.import_rows(
        [make_row(f"a{number}", email=f"p{number}@example.com", phone="010-2000-0001", items="name") for number in range(21)]
    )
    assert checked(deployment, staged.id, source(deployment)).faults == ()


@pytest.mark.parametrize(
    "change",
    [
        make_row("a1", email="mina@example.com", items="order"),  # one more item
        make_row("a1", email="mina@example.com", items="name", count=2),
        make_row("a1", phone="010-9999-9999", confidence="withdrawn"),  # one more identifier, and nothing else
        make_row("a1", name="이름", confidence="withdrawn"),
        make_row("a2", email="jun@example.com", items="name"),  # another confidence
        make_row("a4", email="new@example.com", items="name"),
    ],
)
def test_a_file_that_says_something_else_of_one_person_is_found_out(
    change: dict[str, str], deployment: Deployment, staged: ImportResult
) -> None:
    other = deployment.import_rows([*PEOPLE, change])
    (fault,) = checked(deployment, staged.id, source(deployment)).faults
    assert fault.startswith("1 of ")
    assert checked(deployment, other.id, source(deployment)).faults == ()


def test_of_a_large_file_a_sample_is_opened(deployment: Deployment) -> None:
    people = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(2 * SAMPLE + 10)]
    staged = deployment.import_rows(people)
    verdict = checked(deployment, staged.id, source(deployment))
    assert (verdict.rows, verdict.faults) == (2 * SAMPLE + 11, ())
    assert SAMPLE * 0.8 < verdict.sampled < SAMPLE * 1.25  # which of them, a hash of their references decides


def test_a_source_file_that_cannot_be_read_is_bad_input(deployment: Deployment, staged: ImportResult) -> None:
    with pytest.raises(InvalidFile):
        checked(deployment, staged.id, deployment.folder / "no-such.csv")


def test_a_set_can_still_be_looked_up_after_it_was_checked(deployment: Deployment, staged: ImportResult) -> None:
    checked(deployment, staged.id, source(deployment))
    assert len(look_up(deployment, staged.id, "010-2000-0001").records) == 2
