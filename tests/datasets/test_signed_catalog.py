"""The signed catalogue: what is changed without the signing key gives 503 and never a wrong answer."""

import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.orm import Session
from structlog.testing import capture_logs

from app.crypto.keys import SigningKey
from app.datasets import catalog_queries
from app.datasets import service as datasets
from app.datasets.errors import CatalogInvalid, StateConflict
from app.datasets.models import DataSetRow, KdfParamsRow
from app.datasets.signed_catalog import CatalogVerifier, check_catalog, public_key_of, sign_as_is
from app.db import Base
from app.incidents.models import IncidentRow, NoticeRow
from tests.datasets.operator_actions import suppress
from tests.support.deployment import Deployment, make_row
from tests.support.responses import assert_unavailable

ROWS = [
    make_row("a1", email="mina@example.com", name="김민아", items="name|email"),
    make_row("a2", email="jun@example.com", name="김준", items="name"),
]
WATCHED = ("incidents", "notices", "data_sets", "kdf_params", "signed_catalog")


@pytest.fixture
def two_data_sets(deployment: Deployment) -> tuple[UUID, UUID]:
    """A superseded and a published data set."""
    return deployment.import_and_publish(ROWS), deployment.import_and_publish(ROWS)


def update_text(table: str, column: str, change: Callable[[dict[str, Any]], object]) -> Callable[[Deployment], None]:
    def run(deployment: Deployment) -> None:
        ((stored,),) = deployment.execute_sql(f"SELECT {column} FROM {table}")
        content = json.loads(stored) if isinstance(stored, str) else stored
        change(content)
        placeholder = "?" if deployment.database.is_sqlite else "%s"
        deployment.execute_sql(f"UPDATE {table} SET {column} = {placeholder}", json.dumps(content))

    return run


def sql(*statements: str) -> Callable[[Deployment], None]:
    def run(deployment: Deployment) -> None:
        for statement in statements:
            deployment.execute_sql(statement)

    return run


def swap_states(deployment: Deployment) -> None:
    columns = "state = CASE state WHEN 'published' THEN 'superseded' ELSE 'published' END, sequence = 3 - sequence"
    deployment.execute_sql(f"UPDATE data_sets SET {columns}")


CHANGES: dict[str, tuple[Callable[[Deployment], None], str]] = {
    "a text of a notice": (
        update_text("notices", "texts", lambda texts: texts["ko"].update(contact="02-000-0000")),
        "notice 1 of incident sample-2025 was changed",
    ),
    "the address of a step": (
        update_text(
            "incidents", "document", lambda document: document["actions"][0].update(link="https://example.net")
        ),
        "incident sample-2025 was changed",
    ),
    "a time of publication": (
        sql("UPDATE notices SET published_at = '2020-01-01 00:00:00'"),
        "notice 1 of incident sample-2025 was changed",
    ),
    "a state": (
        sql("UPDATE data_sets SET state = 'retired' WHERE state = 'published'"),
        "data set {1} of incident sample-2025 was changed",
    ),
    "two states": (swap_states, "data set {0} of incident sample-2025 was changed"),
    "a kind": (sql("UPDATE data_sets SET kind = 'supplement' WHERE version = 2"), "data set {1} of"),
    "an order": (sql("UPDATE data_sets SET sequence = sequence + 1 WHERE version = 1"), "data set {0} of"),
    "a lost list of canaries": (sql("UPDATE data_sets SET canaries = NULL WHERE version = 2"), "data set {1} of"),
    "a deleted data set": (
        sql("DELETE FROM data_sets WHERE version = 2"),
        "data set {1} of incident sample-2025 is missing",
    ),
    "all data sets deleted": (sql("DELETE FROM data_sets"), "data set {0} of incident sample-2025 is missing"),
    "everything deleted": (
        sql("DELETE FROM data_sets", "DELETE FROM notices", "DELETE FROM incidents", "DELETE FROM kdf_params"),
        "incident sample-2025 is missing",
    ),
    "the parameters deleted": (sql("DELETE FROM kdf_params"), "key derivation parameters 1 is missing"),
    "a second notice": (
        sql("INSERT INTO notices SELECT incident, 2, texts, published_at FROM notices"),
        "notice 2 of incident sample-2025 was added",
    ),
    "a second incident": (
        sql("INSERT INTO incidents SELECT 'another', document, created_at FROM incidents"),
        "incident another was added",
    ),
    "no signature": (sql("UPDATE signed_catalog SET payload = '', signature = ''"), "run `exposure db sign`"),
    "no list": (sql("DELETE FROM signed_catalog"), "run `exposure db sign`"),
    "a list without its signature": (sql("UPDATE signed_catalog SET payload = 'x'"), "signature is invalid"),
}


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("is_warm", [True, False], ids=["running", "restarted"])
def test_a_change_without_the_key_is_noticed(
    deployment: Deployment, two_data_sets: tuple[UUID, UUID], name: str, is_warm: bool
) -> None:
    change, reason = CHANGES[name]
    headers = deployment.sign_in("mina@example.com")
    if is_warm:
        assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    change(deployment)
    with capture_logs() as logs:
        assert_catalog_refused(deployment, headers)
    reasons = {line["reason"] for line in logs if line["event"] == "catalog-invalid" and line["log_level"] == "error"}
    assert len(reasons) == 1
    assert reason.format(*two_data_sets) in reasons.pop()


def assert_catalog_refused(deployment: Deployment, headers: dict[str, str]) -> None:
    client = deployment.client
    for response in (
        client.get("/v1/exposures", headers=headers),
        client.get("/v1/exposures", headers=headers),
        client.post("/v1/exposures/check", headers=headers, json={"kind": "name", "value": "김민아"}),
        client.get("/v1/incidents"),
        client.get("/v1/incidents/sample-2025/notice"),
        client.get("/readyz"),
    ):
        assert_unavailable(response)


def copy_rows(deployment: Deployment) -> dict[str, list[Any]]:
    return {table: deployment.execute_sql(f"SELECT * FROM {table}") for table in WATCHED}


def replay(deployment: Deployment, saved: dict[str, list[Any]], *tables: str) -> None:
    """Put back the rows of an earlier time."""
    for table in reversed(tables):
        deployment.execute_sql(f"DELETE FROM {table}")
    for table in tables:
        columns = Base.metadata.tables[table].columns.keys()
        marks = ", ".join(["?" if deployment.database.is_sqlite else "%s"] * len(columns))
        for row in saved[table]:
            values = [json.dumps(value) if isinstance(value, dict) else value for value in row]
            deployment.execute_sql(f"INSERT INTO {table} VALUES ({marks})", *values)


def test_older_rows_without_their_signature_are_noticed(deployment: Deployment) -> None:
    first = deployment.import_and_publish(ROWS)
    saved = copy_rows(deployment)
    second = deployment.import_and_publish(ROWS)
    headers = deployment.sign_in("mina@example.com")
    replay(deployment, saved, "data_sets")
    with capture_logs() as logs:
        assert_catalog_refused(deployment, headers)
    (reason,) = {line["reason"] for line in logs if line["event"] == "catalog-invalid"}
    assert f"data set {first} of incident sample-2025 was changed" in reason
    assert f"data set {second} of incident sample-2025 is missing" in reason


def test_an_older_catalogue_with_its_signature_is_noticed_by_a_running_server(deployment: Deployment) -> None:
    deployment.import_and_publish(ROWS)
    saved = copy_rows(deployment)
    newest = deployment.import_and_publish(ROWS)
    headers = deployment.sign_in("mina@example.com")
    assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    replay(deployment, saved, *WATCHED)
    with capture_logs() as logs:
        assert_catalog_refused(deployment, headers)
    assert {line["reason"] for line in logs if line["event"] == "catalog-invalid"} == {
        "an older catalogue took the place of a newer one; after restoring a backup, restart the servers"
    }
    # what docs/security.md states: a server that starts afterwards cannot know better
    with deployment.database.read() as db:
        CatalogVerifier(public_key_of(deployment.keys.load_signing_key()))(db)
    later = deployment.import_and_publish(ROWS)  # the next signed change has a higher sequence: the servers recover
    assert later != newest
    assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
    for table in ("data_sets", "notices", "incidents", "kdf_params"):  # an empty catalogue needs no signature
        deployment.execute_sql(f"DELETE FROM {table}")
    deployment.execute_sql("UPDATE signed_catalog SET payload = '', signature = ''")
    assert_catalog_refused(deployment, headers)


def test_a_change_is_not_signed_unseen(deployment: Deployment, two_data_sets: tuple[UUID, UUID]) -> None:
    """None of the commands makes a changed catalogue valid, and each leaves everything as it was."""
    deployment.execute_sql("UPDATE notices SET published_at = '2020-01-01 00:00:00'")
    before = copy_rows(deployment)
    reason = "notice 1 of incident sample-2025 was changed"
    for command in (
        lambda: deployment.publish(two_data_sets[0]),
        lambda: deployment.retire(two_data_sets[0]),
        lambda: suppress(deployment, two_data_sets[0], "mina@example.com"),
        lambda: deployment.import_rows(ROWS),
        lambda: deployment.create_incident(deployment.incident.model_copy(update={"slug": "another"})),
        lambda: sign(deployment),
    ):
        with pytest.raises(StateConflict, match=reason):
            command()
        assert copy_rows(deployment) == before
    assert sign(deployment, accept_changes=True)
    assert not sign(deployment)
    deployment.publish(two_data_sets[0])


def sign(deployment: Deployment, *, accept_changes: bool = False) -> bool:
    with deployment.database.write() as db:
        key = deployment.keys.load_signing_key()
        return sign_as_is(db, key, now=deployment.clock(), accept_changes=accept_changes)


def test_every_change_by_the_commands_is_signed(deployment: Deployment) -> None:
    sequences = [signed_sequence(deployment)]
    steps: list[Callable[[], object]] = [
        lambda: deployment.import_rows(ROWS),
        lambda: deployment.publish(newest(deployment)),
        lambda: suppress(deployment, newest(deployment), "jun@example.com"),
        lambda: deployment.import_and_publish(ROWS),
        lambda: deployment.publish(oldest(deployment)),
        lambda: deployment.retire(newest(deployment)),
        lambda: deployment.create_incident(deployment.incident.model_copy(update={"slug": "another"})),
    ]
    for step in steps:
        step()
        sequences.append(signed_sequence(deployment))
        assert deployment.client.get("/readyz").status_code == 200
    assert sequences == sorted(set(sequences))


def signed_sequence(deployment: Deployment) -> int:
    with deployment.database.read() as db:
        signed, problem = check_catalog(db, public_key_of(deployment.keys.load_signing_key()))
    assert problem == ""
    assert signed is not None
    return signed.sequence


def newest(deployment: Deployment) -> UUID:
    with deployment.database.read() as db:
        return datasets.list_all(db)[-1].id


def oldest(deployment: Deployment) -> UUID:
    with deployment.database.read() as db:
        return datasets.list_all(db)[0].id


def test_another_key_does_not_sign(deployment: Deployment, two_data_sets: tuple[UUID, UUID]) -> None:
    with deployment.database.read() as db:
        stored = catalog_queries.get_signed_catalog(db)
        assert stored is not None
        verifier = CatalogVerifier(public_key_of(SigningKey.generate()))
        with pytest.raises(CatalogInvalid, match="signature is invalid"):
            verifier(db)
    deployment.execute_sql(  # a signature of the same key for another purpose
        "UPDATE signed_catalog SET payload = (SELECT manifest FROM data_sets WHERE version = 1), "
        "signature = (SELECT signature FROM data_sets WHERE version = 1)"
    )
    assert_unavailable(deployment.client.get("/v1/incidents"))


def test_a_server_verifies_once_for_each_catalog_version(
    deployment: Deployment, two_data_sets: tuple[UUID, UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = deployment.sign_in("mina@example.com")
    checks: list[Session] = []
    list_rows = catalog_queries.list_signed_rows

    def list_and_count(db: Session) -> Iterator[tuple[str, dict[str, Any]]]:
        checks.append(db)
        return list_rows(db)

    monkeypatch.setattr(catalog_queries, "list_signed_rows", list_and_count)
    for _ in range(3):
        assert deployment.client.get("/v1/exposures", headers=headers).status_code == 200
        assert deployment.client.get("/v1/incidents").status_code == 200
    assert len(checks) == 1
    deployment.execute_sql("UPDATE data_sets SET state = 'published'")
    checks.clear()
    for _ in range(3):
        assert_unavailable(deployment.client.get("/v1/exposures", headers=headers))
    assert len(checks) == 1


def test_every_column_is_signed(deployment: Deployment, two_data_sets: tuple[UUID, UUID]) -> None:
    """A column that is NULL is left out, so that a migration can add one."""
    with deployment.database.read() as db:
        rows = list(catalog_queries.list_signed_rows(db))
    models = (IncidentRow, NoticeRow, DataSetRow, KdfParamsRow)
    assert {frozenset(columns) for _, columns in rows} == {
        frozenset(model.__table__.columns.keys()) for model in models
    }
    assert len({name for name, _ in rows}) == len(rows) == 5
