"""Rows on SQLite lie in the order of a number that follows from their locator: each is found, taken out, and searched for by that number."""

from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from app.datasets import sealed_rows
from app.db import Database, fetch
from app.db.upgrade import upgrade

ALIKE = st.builds(
    lambda prefix, rest: prefix + rest,
    st.sampled_from([bytes(7), b"\x80" + bytes(6), b"\xff" * 7]),
    st.binary(min_size=9, max_size=9),
)
LOCATORS = st.one_of(ALIKE, st.binary(min_size=16, max_size=16))
FAMILIES = st.dictionaries(LOCATORS, st.integers(1, 20), min_size=1, max_size=6)


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Database:
    database = Database(f"sqlite:///{tmp_path_factory.mktemp('rows') / 'rows.sqlite3'}")
    upgrade(database)
    return database


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(FAMILIES, LOCATORS)
def test_each_row_is_found_and_taken_out_by_its_locator(
    database: Database, families: dict[bytes, int], other: bytes
) -> None:
    dataset = uuid4()
    stored = sorted((locator, entry, b"sealed") for locator, size in families.items() for entry in range(size))
    with database.write() as session:
        sealed_rows.create_table(session, dataset)
        sealed_rows.insert_rows(session, dataset, stored)

    def found(locator: bytes) -> list[tuple[bytes, int, bytes]]:
        with database.read() as session:
            return [row for _, row in sealed_rows.find_rows(session, [(dataset, [locator])])]

    for locator in {*families, other}:
        assert found(locator) == [row for row in stored if row[0] == locator]
    with database.write() as session:
        sealed_rows.delete_rows(session, dataset, [(locator, 0) for locator in families])
    with database.read() as session:
        assert list(sealed_rows.rows(session, dataset)) == [row for row in stored if row[1]]
    with database.write() as session:
        sealed_rows.drop_table(session, dataset)


def test_nothing_is_scanned(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset, plan = uuid4(), list[str]()

    def explained(session: Session, statement: str, values: list[object]) -> list[object]:
        plan.extend(line for *_, line in fetch(session, f"EXPLAIN QUERY PLAN {statement}", values))
        return fetch(session, statement, values)

    monkeypatch.setattr(sealed_rows, "fetch", explained)
    with database.write() as session:
        sealed_rows.create_table(session, dataset)
    with database.read() as session:
        sealed_rows.find_rows(session, [(dataset, [bytes(16), bytes(range(16))])])
    searches = [line for line in plan if sealed_rows.table_name(dataset) in line]
    assert len(searches) == 2
    assert all(line.startswith("SEARCH") and "(rowid>? AND rowid<?)" in line for line in searches)


def test_what_is_dropped_is_not_written_over_and_all_else_is(database: Database) -> None:
    with database.write() as session:
        sealed_rows.drop_table(session, uuid4())
        assert session.connection().exec_driver_sql("PRAGMA secure_delete").scalar() == 1
