"""Rows on SQLite are stored under a position computed from their locator: they are found and deleted by it."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.datasets import sealed_rows
from app.db import Database, fetch
from app.db.upgrade import upgrade

LOCATORS_WITH_COMMON_PREFIX = st.builds(
    lambda prefix, rest: prefix + rest,
    st.sampled_from([bytes(7), b"\x80" + bytes(6), b"\xff" * 7]),
    st.binary(min_size=9, max_size=9),
)
LOCATORS = st.one_of(LOCATORS_WITH_COMMON_PREFIX, st.binary(min_size=16, max_size=16))
ROWS_PER_LOCATOR = st.dictionaries(LOCATORS, st.integers(1, 20), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('rows') / 'rows.sqlite3'}")
    upgrade(database)
    return database


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS_PER_LOCATOR, LOCATORS)
def test_rows_are_found_and_deleted_by_locator(
    database: Database, rows_per_locator: dict[bytes, int], other: bytes
) -> None:
    dataset = uuid4()
    stored = sorted((locator, entry, b"sealed") for locator, size in rows_per_locator.items() for entry in range(size))
    with database.write() as db:
        sealed_rows.create_table(db, dataset)
        sealed_rows.insert_rows(db, dataset, stored)

    def find(locator: bytes) -> list[tuple[bytes, int, bytes]]:
        with database.read() as db:
            return [row for _, row in sealed_rows.find_rows(db, [(dataset, [locator])])]

    for locator in {*rows_per_locator, other}:
        assert find(locator) == [row for row in stored if row[0] == locator]
    with database.write() as db:
        sealed_rows.delete_rows(db, dataset, [(locator, 0) for locator in rows_per_locator])
    with database.read() as db:
        assert list(sealed_rows.iterate_rows(db, dataset)) == [row for row in stored if row[1]]
    with database.write() as db:
        sealed_rows.drop_table(db, dataset)


def test_look_up_searches_by_position_without_a_scan(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, plan = uuid4(), list[str]()

    def explain_and_fetch(db: Session, statement: str, values: list[bytes | int]) -> list[Any]:
        plan.extend(line for *_, line in fetch(db, f"EXPLAIN QUERY PLAN {statement}", values))
        return fetch(db, statement, values)

    monkeypatch.setattr(sealed_rows, "fetch", explain_and_fetch)
    with database.write() as db:
        sealed_rows.create_table(db, dataset)
    with database.read() as db:
        sealed_rows.find_rows(db, [(dataset, [bytes(16), bytes(range(16))])])
    searches = [line for line in plan if sealed_rows.table_name(dataset) in line]
    assert len(searches) == 2
    assert all(line.startswith("SEARCH") and "(rowid>? AND rowid<?)" in line for line in searches)


def test_drop_table_restores_secure_delete(database: Database) -> None:
    with database.write() as db:
        sealed_rows.drop_table(db, uuid4())
        assert db.connection().exec_driver_sql("PRAGMA secure_delete").scalar() == 1
