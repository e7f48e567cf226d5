"""The PostgreSQL roles: what each may do, the whole service under them, and what `db upgrade` refuses."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from app.datasets import service as datasets
from app.datasets.errors import StateConflict
from app.datasets.sealed_rows import table_name
from app.db import Database
from app.db.roles import SERVER_PRIVILEGES, Roles, require_server_privileges
from app.db.upgrade import ROOT, upgrade
from app.errors import InvalidInput
from app.incidents import service as incidents
from tests.datasets.operator_actions import check_integrity, suppress
from tests.support.deployment import Deployment, make_row
from tests.support.postgres_database import CREATE_ROLE_SQL, IMPORT_ROLE, ROLE_PASSWORD, SERVER_ROLE, url_of_role

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


@contextmanager
def role(url: str, name: str, *statements: str) -> Iterator[str]:
    """Create a role, and run statements as the owner that `cleanup` undoes."""
    with connected(url) as owner:
        owner.execute(CREATE_ROLE_SQL.format(role=name, password=ROLE_PASSWORD).encode())
        try:
            for statement in statements:
                owner.execute(statement.encode())
            yield name
        finally:
            owner.execute(f"REASSIGN OWNED BY {name} TO CURRENT_USER; DROP OWNED BY {name}; DROP ROLE {name}".encode())


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("ALTER ROLE {name} SUPERUSER", "owns table acknowledgements, or belongs"),
        ("GRANT {importer} TO {name}", "has UPDATE on catalog_version as a member"),
        ("GRANT pg_write_all_data TO {name}", "has DELETE on acknowledgements as a member"),
        (
            "GRANT UPDATE (state) ON data_sets TO PUBLIC",
            "has UPDATE on data_sets as a member of another role or from PUBLIC",
        ),
        ("GRANT CREATE ON SCHEMA public TO PUBLIC", "may create tables"),
    ],
)
def test_a_role_with_further_rights_is_refused(database_url: str, statement: str, reason: str) -> None:
    name = "exposure_test_wide"
    with role(database_url, name, statement.format(name=name, importer=IMPORT_ROLE)):
        try:
            with pytest.raises(InvalidInput, match=reason):
                upgrade_as_owner(database_url, Roles(server=name))
            with connected(database_url) as owner:
                entries = "FROM pg_class, aclexplode(relacl) AS acl WHERE acl.grantee = %s::regrole"
                assert owner.execute(f"SELECT relname {entries}".encode(), [name]).fetchall() == []
        finally:
            with connected(database_url) as owner:
                owner.execute(
                    "REVOKE UPDATE (state) ON data_sets FROM PUBLIC; REVOKE CREATE ON SCHEMA public FROM PUBLIC"
                )


def test_privileges_granted_by_hand_are_revoked(database_url: str) -> None:
    with role(
        database_url, "exposure_test_narrow", "GRANT ALL ON ALL TABLES IN SCHEMA public TO exposure_test_narrow"
    ) as name:
        upgrade_as_owner(database_url, Roles(server=name))
        held = held_privileges(database_url, name)
        assert {table: held[table] for table in SERVER_PRIVILEGES} == {
            table: set(granted.split(", ")) for table, granted in SERVER_PRIVILEGES.items()
        }


@pytest.mark.parametrize(
    ("roles", "reason"),
    [
        (Roles(server="exposure_missing"), "--server-role: there is no role exposure_missing"),
        (Roles(importer="exposure_missing"), "--import-role: there is no role exposure_missing"),
        (Roles(server=IMPORT_ROLE, importer=IMPORT_ROLE), "must be two roles"),
    ],
)
def test_roles_that_cannot_be_used(database_url: str, roles: Roles, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        upgrade_as_owner(database_url, roles)


def test_a_role_that_is_no_owner_cannot_grant(database_url: str) -> None:
    for roles, reason in ((Roles(server=SERVER_ROLE), "must own"), (Roles(importer=IMPORT_ROLE), "must be a member")):
        with pytest.raises(InvalidInput, match=reason):
            upgrade_as_owner(url_of_role(database_url, SERVER_ROLE), roles)


@pytest.mark.parametrize("privilege", ["INSERT ON receipts", "SELECT ON data_sets", "DELETE ON outbox"])
def test_a_server_whose_role_lacks_a_privilege_does_not_start(database_url: str, privilege: str) -> None:
    database = Database(url_of_role(database_url, SERVER_ROLE))
    require_server_privileges(database)
    with connected(database_url) as owner:
        owner.execute(f"REVOKE {privilege} FROM {SERVER_ROLE}".encode())
    with pytest.raises(InvalidInput, match=f"lacks {privilege.replace('ON', 'on')}; run `exposure db upgrade"):
        require_server_privileges(database)
    database.close()


def test_the_documented_set_up_for_an_owner_that_is_no_superuser(
    tmp_path: Any, postgresql_url: str, keyholder_socket: Any, database_url: str
) -> None:
    guide = (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")
    block = guide.partition("## Database roles")[2].partition("```sql\n")[2].partition("```")[0]
    statements = [line.partition("--")[0].strip().rstrip(";") for line in block.splitlines()]
    name = f"exposure_test_guide_{os.getpid()}"
    url = url_of_role(make_url(postgresql_url).set(database=name).render_as_string(hide_password=False), "exposure")
    create, (create_database, *others) = statements[:1] + statements[2:4], [statements[1], *statements[4:]]
    with connected(postgresql_url) as superuser:
        for statement in create:
            role_name = statement.split()[2]
            superuser.execute(CREATE_ROLE_SQL.format(role=role_name, password=ROLE_PASSWORD).encode())
        superuser.execute(create_database.replace("DATABASE exposure ", f"DATABASE {name} ").encode())
    try:
        with psycopg.connect(
            make_url(postgresql_url).set(database=name).render_as_string(hide_password=False)
        ) as superuser:
            for statement in others:
                superuser.execute(statement.replace("DATABASE exposure ", f"DATABASE {name} ").encode())
        upgrade_as_owner(url, Roles())
        before = Deployment(tmp_path, url, keyholder_socket)  # the owner imports before there are roles
        dataset = before.import_and_publish(ROWS)
        for _ in range(2):
            upgrade_as_owner(url, Roles(server=SERVER_ROLE, importer=IMPORT_ROLE))
            for index, granted in enumerate((SERVER_ROLE, IMPORT_ROLE)):
                expected = {table: set(both[index].split()) for table, both in PRIVILEGES.items()}
                assert held_privileges(url, granted) == expected
        with connected(url, IMPORT_ROLE) as importer:
            importer.execute(f"DELETE FROM {table_name(dataset)}; DROP TABLE {table_name(dataset)}".encode())
        before.close()
    finally:
        with connected(postgresql_url) as superuser:
            superuser.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
