"""The query of a look-up on PostgreSQL: prepared, planned once, and an index search in each table."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.datasets import sealed_rows
from app.datasets.sealed_rows import table_name
from app.db import fetch
from tests.support.deployment import Deployment, make_row

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

PHONE = "010-2000-0002"


def test_look_up_statement_is_prepared_and_planned_once(deployment: Deployment) -> None:
    data_sets = [
        deployment.import_and_publish([make_row("a1", phone=PHONE, items="name")]),
        deployment.import_and_publish([make_row("a1", phone=PHONE, items="order")], kind="supplement"),
    ]
    headers = deployment.sign_in(PHONE)
    for _ in range(12):
        assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    prepared = deployment.app.state.services.database.optimistic_read(
        lambda db: fetch(db, "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements", [])
    )
    ((statement, generic, custom),) = [counts for counts in prepared if "sealed_" in counts[0]]
    assert all(table_name(dataset) in statement for dataset in data_sets)
    assert generic > 0
    assert custom == 0
    statements = [prepared_statement for prepared_statement, _, _ in prepared]
    assert len([sql for sql in statements if "FROM sessions" in sql]) == 1
    assert len([sql for sql in statements if "FROM acknowledgements" in sql]) == 1


def test_look_up_uses_the_primary_key_of_each_table(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    data_sets = [
        deployment.import_and_publish([make_row("a1", phone=PHONE, items="name")]),
        deployment.import_and_publish([make_row("a1", phone=PHONE, items="order")], kind="supplement"),
    ]
    plans: list[str] = []

    def explain_and_fetch(db: Session, statement: str, values: list[bytes]) -> list[object]:
        db.execute(text("SET LOCAL enable_seqscan = off"))  # a sequential scan would be cheaper for two rows
        plans.extend(line for (line,) in fetch(db, f"EXPLAIN (COSTS OFF) {statement}", values))
        return fetch(db, statement, values)

    monkeypatch.setattr(sealed_rows, "fetch", explain_and_fetch)
    with deployment.database.read() as db:
        sealed_rows.find_rows(db, [(dataset, [bytes(16), bytes(range(16))]) for dataset in data_sets])
    plan = "\n".join(plans)
    for dataset in data_sets:
        assert f"{table_name(dataset)}_pkey" in plan
    assert "Seq Scan" not in plan
