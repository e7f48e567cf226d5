"""What `db upgrade` grants and refuses, and what `serve` requires of its role."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import make_url

from app.datasets.sealed_rows import table_name
from app.db import Database
from app.db.roles import SERVER_PRIVILEGES, Roles, require_server_privileges
from app.db.upgrade import ROOT
from app.errors import InvalidInput
from tests.db.test_roles import PRIVILEGES, ROWS, connected, held_privileges, upgrade_as_owner
from tests.support.deployment import Deployment
from tests.support.postgres_database import CREATE_ROLE_SQL, IMPORT_ROLE, ROLE_PASSWORD, SERVER_ROLE, url_of_role

pytestmark = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


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
