"""What the stored rows reveal: neither the order of the file nor the number of workers, and no link between identifiers."""

import random
from collections import Counter
from pathlib import Path

import pytest

from app.crypto.row_sealing import SIZE_CLASSES, RowSealer
from app.datasets import service as datasets
from app.datasets.errors import SentinelMissing
from app.importing import ImportResult
from app.source_files import write_source_file
from app.synthetic import synthesize
from tests.datasets.operator_actions import check_integrity
from tests.datasets.store_reader import (
    comparable_contents,
    find_people,
    find_person,
    look_up,
    read_stored_rows,
    table_name,
)
from tests.importing.helpers import MINA_EMAIL, MINA_PHONE, SENTINEL_ROWS
from tests.support.deployment import Deployment, make_row


@pytest.mark.slow
def test_result_does_not_depend_on_row_order_workers_or_file_format(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.importing.pipeline.ROWS_PER_PARTITION", 30)
    monkeypatch.setattr("app.source_files.blocks.BLOCK_BYTES", 8192)
    rows = list(synthesize(120, seed=2))
    shuffled = random.Random(5).sample(rows, len(rows))
    files = {"a.csv": rows, "b.ndjson": shuffled, "c.parquet": shuffled[::-1], "d.csv": shuffled}
    results = []
    for workers, (name, file_rows) in enumerate(files.items(), 1):
        write_source_file(tmp_path / name, file_rows)
        results.append(deployment.import_file(tmp_path / name, workers=workers))
    counts = {(result.people, result.rows, result.unreachable) for result in results}
    assert counts == {(results[0].people, results[0].rows, 0)}
    first, *others = [comparable_contents(deployment, result.id, rows) for result in results]
    assert len(first) > 150
    assert others == [first, first, first]


def test_result_does_not_depend_on_the_size_of_record_batches(
    deployment: Deployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = list(synthesize(60, seed=3))
    write_source_file(tmp_path / "people.csv", rows)
    in_one_batch = deployment.import_file(tmp_path / "people.csv")
    monkeypatch.setattr("app.importing.stages.seal.RECORD_BATCH_BYTES", 500)
    in_many_batches = deployment.import_file(tmp_path / "people.csv")
    assert (in_many_batches.people, in_many_batches.rows) == (in_one_batch.people, in_one_batch.rows)
    assert comparable_contents(deployment, in_many_batches.id, rows) == comparable_contents(
        deployment, in_one_batch.id, rows
    )


def rows_with_email_and_phone(accounts: int) -> list[dict[str, str]]:
    return [
        make_row(f"a{number}", email=f"p{number}@example.com", phone=f"010-4000-{number:04}", items="name")
        for number in range(accounts)
    ]


def test_stored_bytes_do_not_link_an_email_to_its_phone(deployment: Deployment) -> None:
    rows = rows_with_email_and_phone(40)
    first, second = deployment.import_rows(rows), deployment.import_rows(rows)
    stored = [read_stored_rows(deployment, staged.id) for staged in (first, second)]
    locators = [{locator for locator, _, _ in dataset_rows} for dataset_rows in stored]
    assert not locators[0] & locators[1]  # one data set cannot be linked to the next
    assert not {sealed for _, _, sealed in stored[0]} & {sealed for _, _, sealed in stored[1]}
    record = find_person(deployment, first.id, "p3@example.com")
    stored_bytes = b"".join(locator + sealed for locator, _, sealed in stored[0])
    for hidden in (record.subject, *record.siblings, *(tag for tags in record.tags.values() for tag in tags)):
        assert hidden not in stored_bytes


def test_rows_are_loaded_in_the_order_of_their_stored_locators(deployment: Deployment) -> None:
    staged = deployment.import_rows(rows_with_email_and_phone(40))
    if deployment.database.is_sqlite:
        locators = [
            locator for locator, _, _ in read_stored_rows(deployment, staged.id)
        ]  # WITHOUT ROWID: the only order
    else:
        query = f"SELECT locator FROM {table_name(staged.id)} ORDER BY ctid"
        locators = [bytes(locator) for (locator,) in deployment.execute_sql(query)]
    assert locators == sorted(locators)
    assert len(locators) == 81


def test_entries_are_not_numbered_in_the_order_of_the_file(deployment: Deployment) -> None:
    rows = [
        make_row(f"a{number}", email=f"p{number}@example.com", phone=MINA_PHONE, items="name", count=number + 1)
        for number in range(12)
    ]
    counts = [record.items["name"] for record in find_people(deployment, deployment.import_rows(rows).id, MINA_PHONE)]
    assert sorted(counts) == [*range(1, 13)]
    assert counts != sorted(counts)  # by chance, one time in 479 million


# --- sizes -----------------------------------------------------------------------------------------------------------


def count_sizes(deployment: Deployment, staged: ImportResult) -> Counter[int]:
    return Counter(len(sealed) for _, _, sealed in read_stored_rows(deployment, staged.id))


def test_rows_of_a_rare_size_class_are_stored_at_the_next_larger_size(deployment: Deployment) -> None:
    rows = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(8)]
    assert count_sizes(deployment, deployment.import_rows(rows)) == {SIZE_CLASSES[0]: 8 + SENTINEL_ROWS}
    rows.append(make_row("b", email="|".join(f"b{number}@example.com" for number in range(20)), items="name"))
    (size,) = sizes = count_sizes(deployment, deployment.import_rows(rows))
    assert size in SIZE_CLASSES[1:]
    assert sizes == {size: 8 + 20 + SENTINEL_ROWS}


def test_the_rows_of_the_largest_size_are_many(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.importing.pipeline.MIN_ROWS_PER_SIZE", 100)
    rows = [make_row(f"a{number}", email=f"p{number}@example.com", items="name") for number in range(1_000)]
    rows.append(make_row("b", email="|".join(f"b{number}@example.com" for number in range(20)), items="name"))
    staged = deployment.import_rows(rows)
    (small_size, small), (large_size, large) = sorted(count_sizes(deployment, staged).items())
    assert small_size == SIZE_CLASSES[0] < large_size
    assert small + large == 1_000 + 20 + SENTINEL_ROWS
    assert min(small, large) >= 100
    for email in ("p0@example.com", "p999@example.com", "b0@example.com"):
        assert dict(find_person(deployment, staged.id, email).items) == {"name": 1}
    assert check_integrity(deployment, staged.id).problems == ()


def test_overflow_marker_and_sentinel_have_the_size_of_other_rows(deployment: Deployment) -> None:
    rows = [
        make_row(f"a{number}", email=f"p{number}@example.com", phone=MINA_PHONE, items="name") for number in range(21)
    ]
    assert len(count_sizes(deployment, deployment.import_rows(rows))) == 1


# --- the sentinel ----------------------------------------------------------------------------------------------------


def test_look_up_fails_without_the_sentinel(deployment: Deployment) -> None:
    staged = deployment.import_rows([make_row("a1", email=MINA_EMAIL, items="name", cohort="list")])
    with deployment.database.read() as db:
        key = deployment.keys.load_store_key(datasets.get(db, staged.id).key_id)
    mina_locator = RowSealer(key, staged.id).encrypt_locators(look_up(deployment, staged.id, MINA_EMAIL).locator)
    ((sentinel, entry, _),) = [
        stored for stored in read_stored_rows(deployment, staged.id) if stored[0] != mina_locator
    ]
    assert entry == 0
    placeholder = "?" if deployment.database.is_sqlite else "%s"
    deployment.execute_sql(f"DELETE FROM {table_name(staged.id)} WHERE locator = {placeholder}", sentinel)
    with pytest.raises(SentinelMissing):
        look_up(deployment, staged.id, MINA_EMAIL)
    with pytest.raises(SentinelMissing):
        look_up(deployment, staged.id, "somebody.else@example.com")
