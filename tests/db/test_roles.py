"""The PostgreSQL roles: what each may do, the whole service under them, and what `db upgrade` refuses."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest

from app.datasets import service as datasets
from app.datasets.errors import StateConflict
from app.datasets.sealed_rows import table_name
from app.db import Database
from app.db.roles import Roles
from app.db.upgrade import upgrade
from app.incidents import service as incidents
from tests.datasets.operator_actions import check_integrity, suppress
from tests.support.deployment import Deployment, make_row
from tests.support.postgres_database import IMPORT_ROLE, SERVER_ROLE, url_of_role

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)

ROWS = [
    make_row("a1", email="mina@example.com", name="김민아", items="name|email"),
    make_row("a2", email="jun@example.com", phone="010-2000-0002", name="김준", items="name"),
]
ALL = "INSERT SELECT UPDATE DELETE TRUNCATE REFERENCES TRIGGER MAINTAIN"
PRIVILEGES = {
    # relation: (server role, import role)
    "acknowledgements": ("INSERT SELECT", ""),
    "alembic_version": ("SELECT", "SELECT"),
    "catalog_version": ("SELECT", "SELECT UPDATE"),
    "data_sets": ("SELECT", "INSERT SELECT UPDATE"),
    "incidents": ("SELECT", "INSERT SELECT UPDATE"),
    "kdf_params": ("SELECT", "INSERT SELECT"),
    "notices": ("SELECT", "INSERT SELECT"),
    "opt_outs": ("INSERT SELECT UPDATE DELETE", ""),
    "outbox": ("INSERT SELECT UPDATE DELETE", ""),
    "outbox_id_seq": ("USAGE", ""),
    "receipts": ("INSERT SELECT", ""),
    "sealed": ("SELECT", ALL),
    "sessions": ("INSERT SELECT UPDATE DELETE", ""),
    "signed_catalog": ("SELECT", "SELECT UPDATE"),
    "verifications": ("INSERT SELECT UPDATE DELETE", ""),
}
"""Every relation of the schema. A new table needs an entry here, and a decision in app/db/roles.py."""


@pytest.fixture
def make_deployment(
    make_deployment: Callable[..., Deployment], database_url: str
) -> Iterator[Callable[..., Deployment]]:
    """Operators use the import role; `execute_as_owner` is for the rest."""
    yield lambda: make_deployment(
        database_url=url_of_role(database_url, IMPORT_ROLE), server_url=url_of_role(database_url, SERVER_ROLE)
    )


@contextmanager
def connected(url: str, role: str | None = None) -> Iterator[psycopg.Connection[Any]]:
    """Connect as the owner, or as *role*."""
    with psycopg.connect(url if role is None else url_of_role(url, role), autocommit=True) as connection:
        yield connection


def held_privileges(url: str, role: str) -> dict[str, set[str]]:
    """Return the effective privileges on every relation, those of single columns included; rows of data sets as ``sealed``."""
    table, column = ALL.split(), ("INSERT", "SELECT", "UPDATE", "REFERENCES")
    held = {}
    with connected(url) as owner:
        for name, kind in owner.execute(
            "SELECT relname, relkind FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r','p','v','m','f','S')"
        ):
            checks = [("has_sequence_privilege", p) for p in ("USAGE", "SELECT", "UPDATE")]
            if kind != "S":
                checks = [("has_table_privilege", p) for p in table] + [("has_any_column_privilege", p) for p in column]
            granted = {
                p for f, p in checks if owner.execute(f"SELECT {f}('{role}', '{name}', '{p}')").fetchone() == (True,)
            }
            held["sealed" if name.startswith("sealed_") else name] = granted
    return held


def test_each_role_has_exactly_these_privileges(deployment: Deployment, database_url: str) -> None:
    deployment.import_and_publish(ROWS)
    for index, role in enumerate((SERVER_ROLE, IMPORT_ROLE)):
        expected = {name: set(both[index].split()) for name, both in PRIVILEGES.items()}
        assert held_privileges(database_url, role) == expected


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE {sealed}",
        "TRUNCATE {sealed}",
        "INSERT INTO {sealed} VALUES (0, '\\x00', '\\x00')",
        "UPDATE {sealed} SET sealed = '\\x00'",
        "DELETE FROM {sealed}",
        "ALTER TABLE {sealed} ADD COLUMN stray int",
        "UPDATE data_sets SET state = 'retired'",
        "DELETE FROM data_sets",
        "UPDATE notices SET texts = '{{}}'",
        "INSERT INTO notices SELECT incident, version + 1, texts, published_at FROM notices",
        "UPDATE incidents SET document = '{{}}'",
        "UPDATE kdf_params SET salt = '\\x00'",
        "UPDATE signed_catalog SET payload = '\\x00'",
        "UPDATE catalog_version SET version = '\\x00'",
        "DELETE FROM acknowledgements",
        "UPDATE acknowledgements SET notice_version = 2",
        "UPDATE receipts SET payload = '\\x00'",
        "DELETE FROM receipts",
        "DELETE FROM alembic_version",
        "CREATE TABLE stray (id int)",
        "ALTER TABLE notices DISABLE TRIGGER ALL",
        f"SET ROLE {IMPORT_ROLE}",
    ],
)
def test_the_server_role_cannot(deployment: Deployment, database_url: str, statement: str) -> None:
    dataset = deployment.import_and_publish(ROWS)
    with connected(database_url, SERVER_ROLE) as server, pytest.raises(psycopg.errors.InsufficientPrivilege):
        server.execute(statement.format(sealed=table_name(dataset)).encode())


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT * FROM sessions",
        "DELETE FROM acknowledgements",
        "SELECT * FROM outbox",
        "DELETE FROM data_sets",
        "DROP TABLE notices",
    ],
)
def test_the_import_role_cannot(deployment: Deployment, database_url: str, statement: str) -> None:
    with connected(database_url, IMPORT_ROLE) as importer, pytest.raises(psycopg.errors.InsufficientPrivilege):
        importer.execute(statement.encode())


def test_everything_that_operators_and_customers_do(deployment: Deployment) -> None:
    first = deployment.import_and_publish(ROWS)
    supplement = deployment.import_and_publish(ROWS[:1], kind="supplement")
    assert check_integrity(deployment, first).problems == ()
    client, headers = deployment.client, deployment.sign_in("mina@example.com")
    headers = deployment.sign_in("010-2000-0002", headers)
    answer = client.get("/v1/exposures", headers=headers).json()
    assert len(answer["exposures"]) == 2
    for exposure in answer["exposures"]:
        body = {"exposure_id": exposure["id"], "notice_version": 1, "locale": "ko"}
        assert client.post("/v1/acknowledgements", headers=headers, json=body).status_code == 201
    check = {"kind": "name", "value": "김준"}
    assert client.post("/v1/exposures/check", headers=headers, json=check).status_code == 200
    assert len(client.get("/v1/acknowledgements", headers=headers).json()["acknowledgements"]) == 2
    assert client.post("/v1/stop-codes", headers=headers).status_code in (200, 204)
    assert client.get("/readyz").status_code == 200
    services = deployment.app.state.services
    with services.database.write() as db:
        services.verification.erase_expired(db, now=deployment.clock())
    services.outbox.erase_expired(services.database, now=deployment.clock())
    services.canaries.refresh(services.database)
    assert client.delete("/v1/session", headers=headers).status_code == 204

    assert suppress(deployment, first, "mina@example.com").keys() == {first, supplement}
    second = deployment.import_and_publish(ROWS)
    deployment.publish(first)  # rolls back
    deployment.publish(second)
    deployment.retire(first)
    closed = deployment.incident.model_copy(update={"status": "closed"})
    with deployment.change_catalog() as db:
        incidents.update_incident(db, closed, now=deployment.clock())
    assert [found["result"] for found in deployment.get_exposures("jun@example.com")["datasets"]] == ["found"]
    deployment.retire(second)


def test_a_data_set_that_the_server_cannot_read_is_not_published(deployment: Deployment, database_url: str) -> None:
    published = deployment.import_and_publish(ROWS)
    staged = deployment.import_rows(ROWS).id
    with connected(database_url) as owner:
        owner.execute(f"REVOKE SELECT ON {table_name(staged)} FROM {SERVER_ROLE}".encode())
    with pytest.raises(StateConflict, match=f"role {SERVER_ROLE} cannot read"):
        deployment.publish(staged)
    assert [entry["result"] for entry in deployment.get_exposures("mina@example.com")["datasets"]] == ["found"]
    upgrade_as_owner(database_url, Roles(server=SERVER_ROLE, importer=IMPORT_ROLE))
    deployment.publish(staged)
    with deployment.database.read() as db:
        assert {entry.id: entry.state for entry in datasets.list_all(db)} == {
            published: "superseded",
            staged: "published",
        }


def upgrade_as_owner(url: str, roles: Roles) -> None:
    database = Database(url)
    try:
        upgrade(database, roles)
    finally:
        database.close()
