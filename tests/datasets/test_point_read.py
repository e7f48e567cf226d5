"""The one query of a look-up, as PostgreSQL sees it: prepared, planned once, and a search in each partition's key."""

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session

from app.datasets import sealed_rows
from app.datasets.sealed_rows import table_name
from app.db import fetch
from tests.support.deployment import Deployment, make_row

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

PHONE = "010-2000-0002"


def test_the_look_up_is_prepared_and_planned_once(deployment: Deployment) -> None:
    sets = [
        deployment.import_and_publish([make_row("a1", phone=PHONE, items="name")]),
        deployment.import_and_publish([make_row("a1", phone=PHONE, items="order")], kind="supplement"),
    ]
    headers = deployment.sign_in(PHONE)
    for _ in range(12):
        assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    prepared = deployment.app.state.services.database.optimistic_read(
        lambda session: fetch(session, "SELECT statement, generic_plans, custom_plans FROM pg_prepared_statements", [])
    )
    ((statement, generic, custom),) = [one for one in prepared if "sealed_" in one[0]]
    assert all(table_name(one) in statement for one in sets)
    assert generic > 0
    assert custom == 0
    assert len([one for one in prepared if "FROM sessions" in one[0]]) == 1
    assert len([one for one in prepared if "FROM acknowledgements" in one[0]]) == 1


def test_each_partition_is_searched_by_its_key(deployment: Deployment, monkeypatch: pytest.MonkeyPatch) -> None:
    sets = [
        deployment.import_and_publish([make_row("a1", phone=PHONE, items="name")]),
        deployment.import_and_publish([make_row("a1", phone=PHONE, items="order")], kind="supplement"),
    ]
    plans: list[str] = []

    def explained(session: Session, statement: str, values: list[bytes]) -> list[object]:
        session.execute(text("SET LOCAL enable_seqscan = off"))  # a table of two rows would be read whole
        plans.extend(line for (line,) in fetch(session, f"EXPLAIN (COSTS OFF) {statement}", values))
        return fetch(session, statement, values)

    monkeypatch.setattr(sealed_rows, "fetch", explained)
    with deployment.database.read() as session:
        sealed_rows.find_rows(session, [(one, [bytes(16), bytes(range(16))]) for one in sets])
    plan = "\n".join(plans)
    for one in sets:
        assert f"{table_name(one)}_pkey" in plan
    assert "Seq Scan" not in plan
