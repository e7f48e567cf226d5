"""The PostgreSQL roles of the service, and what each may do (decision 0035).

owner        runs `exposure db upgrade`, and owns the tables of the schema
import role  runs `exposure incident` and `exposure dataset`; owns the tables of sealed rows, which it creates and drops
server role  runs `exposure serve`
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError, SQLAlchemyError

from app.db.database import Database
from app.db.readers import DatabaseUnavailable
from app.errors import InvalidInput

SERVER_PRIVILEGES: Mapping[str, str] = {
    "acknowledgements": "SELECT, INSERT",
    "alembic_version": "SELECT",
    "catalog_version": "SELECT",
    "data_sets": "SELECT",
    "incidents": "SELECT",
    "kdf_params": "SELECT",
    "notices": "SELECT",
    "opt_outs": "SELECT, INSERT, UPDATE, DELETE",
    "outbox": "SELECT, INSERT, UPDATE, DELETE",
    "receipts": "SELECT, INSERT",
    "sessions": "SELECT, INSERT, UPDATE, DELETE",
    "signed_catalog": "SELECT",
    "verifications": "SELECT, INSERT, UPDATE, DELETE",
}
"""By table. A table that is absent, such as one of a later migration, is closed to the server."""

IMPORT_PRIVILEGES: Mapping[str, str] = {
    "alembic_version": "SELECT",
    "catalog_version": "SELECT, UPDATE",  # by the triggers of the other tables
    "data_sets": "SELECT, INSERT, UPDATE",
    "incidents": "SELECT, INSERT, UPDATE",
    "kdf_params": "SELECT, INSERT",
    "notices": "SELECT, INSERT",
    "signed_catalog": "SELECT, UPDATE",
}

_SEALED = "^sealed_[0-9a-f]{32}$"
_INSUFFICIENT_PRIVILEGE = "42501"

_TABLES = """
SELECT c.relname, pg_has_role(:role, c.relowner, 'MEMBER') AS is_owned, c.relname ~ :sealed AS is_sealed,
       ARRAY(SELECT p FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) AS p
             WHERE has_any_column_privilege(:role, c.oid, p))
       || ARRAY(SELECT p FROM unnest(ARRAY['DELETE', 'TRUNCATE', 'TRIGGER']) AS p WHERE has_table_privilege(:role, c.oid, p))
       AS privileges
FROM pg_class AS c
WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY c.relname
"""
"""The tables of the schema, whether a role owns each, and its effective privileges: those of its memberships and of PUBLIC too."""


@dataclass(frozen=True, slots=True)
class Roles:
    """Names of the roles to grant privileges to; None leaves that role as it is."""

    server: str | None = None
    importer: str | None = None


def require_roles(database: Database, roles: Roles) -> None:
    """Check that the roles can be granted privileges. Changes nothing.

    Raises:
        InvalidInput: the database is not PostgreSQL, a role does not exist, both are the same, or we cannot act as the import role.
        DatabaseUnavailable: the database failed.
    """
    named = [(o, n) for o, n in (("--server-role", roles.server), ("--import-role", roles.importer)) if n is not None]
    if not named:
        return
    if database.is_sqlite:
        raise InvalidInput(f"{named[0][0]}: only on PostgreSQL")
    if roles.server == roles.importer:
        raise InvalidInput("--server-role, --import-role: must be two roles")
    try:
        with database.engine.connect() as connection:
            existing = set(connection.execute(text("SELECT rolname FROM pg_roles")).scalars())
            for option, name in named:
                if name not in existing:
                    raise InvalidInput(f"{option}: there is no role {name}; create it first")
            if roles.importer is not None and not connection.scalar(
                text("SELECT pg_has_role(:role, 'SET')"), {"role": roles.importer}
            ):
                raise InvalidInput(
                    f"--import-role: the role of EXPOSURE_DATABASE_URL must be a member of {roles.importer}, to hand over tables"
                )
    except SQLAlchemyError as error:
        raise DatabaseUnavailable(f"the database failed ({type(error).__name__})") from None


def grant(connection: Connection, roles: Roles) -> None:
    """Grant the roles exactly their privileges, on existing tables of sealed rows too. Repeating it changes nothing.

    Raises:
        InvalidInput: a role has more rights by ownership, membership or PUBLIC, or we may not grant them.
    """
    try:
        if roles.importer is not None:
            _grant_to(connection, roles.importer, IMPORT_PRIVILEGES, "USAGE, CREATE")
            for table in _list_sealed_tables(connection):
                quoted = _quote(connection, roles.importer)
                connection.execute(text(f"ALTER TABLE {table} OWNER TO {quoted}"))
                connection.execute(text(f"GRANT ALL ON {table} TO {quoted}"))  # an owner can lose its privileges
        if roles.server is not None:
            _grant_to(connection, roles.server, SERVER_PRIVILEGES, "USAGE", sequences=["outbox_id_seq"])
            for table in _list_sealed_tables(connection):
                connection.execute(text(f"GRANT SELECT ON {table} TO {_quote(connection, roles.server)}"))
            _require_no_more(connection, "--server-role", roles.server, SERVER_PRIVILEGES, sealed="SELECT")
            if connection.scalar(
                text("SELECT has_schema_privilege(:r, current_schema(), 'CREATE')"), {"r": roles.server}
            ):
                raise InvalidInput(
                    f"--server-role: {roles.server} may create tables: REVOKE ALL ON SCHEMA public FROM PUBLIC"
                )
        if roles.importer is not None:
            _require_no_more(connection, "--import-role", roles.importer, IMPORT_PRIVILEGES, sealed=None)
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _INSUFFICIENT_PRIVILEGE:
            raise
        raise InvalidInput(
            "EXPOSURE_DATABASE_URL: its role must own the schema and all tables, or be a member of the roles that do"
        ) from None


def require_server_privileges(database: Database) -> None:
    """Check that our role has what a server needs, so that it does not start only to answer 503.

    Raises:
        InvalidInput: a privilege is missing. The message names it.
        DatabaseUnavailable: the database failed.
    """
    if database.is_sqlite:
        return
    try:
        with database.engine.connect() as connection:
            role = str(connection.scalar(text("SELECT current_user")))
            held = {table: privileges for table, _, is_sealed, privileges in _tables(connection, role) if not is_sealed}
    except SQLAlchemyError as error:
        raise DatabaseUnavailable(f"the database failed ({type(error).__name__})") from None
    for table, needed in SERVER_PRIVILEGES.items():
        for privilege in needed.split(", "):
            if privilege not in held.get(table, ()):
                raise InvalidInput(
                    f"EXPOSURE_DATABASE_URL: its role lacks {privilege} on {table}; run `exposure db upgrade --server-role {role}`"
                )


def _grant_to(
    connection: Connection, role: str, privileges: Mapping[str, str], on_schema: str, sequences: Sequence[str] = ()
) -> None:
    quoted, schema = (
        _quote(connection, role),
        _quote(connection, str(connection.scalar(text("SELECT current_schema()")))),
    )
    connection.execute(text(f"REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {quoted}"))
    connection.execute(text(f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {quoted}"))
    connection.execute(text(f"REVOKE ALL ON SCHEMA {schema} FROM {quoted}"))
    connection.execute(text(f"GRANT {on_schema} ON SCHEMA {schema} TO {quoted}"))
    for table, granted in privileges.items():
        connection.execute(text(f"GRANT {granted} ON {table} TO {quoted}"))
    for sequence in sequences:
        connection.execute(text(f"GRANT USAGE ON SEQUENCE {sequence} TO {quoted}"))


def _require_no_more(
    connection: Connection, option: str, role: str, privileges: Mapping[str, str], *, sealed: str | None
) -> None:
    """Check the effective privileges; *sealed* are those on tables of sealed rows, None if the role owns these."""
    for table, is_owned, is_sealed, held in _tables(connection, role):
        if is_sealed and sealed is None:
            continue
        allowed = (sealed if is_sealed else privileges.get(table)) or ""
        if is_owned:
            raise InvalidInput(f"{option}: {role} owns table {table}, or belongs to a role that does")
        if extra := sorted(set(held) - set(allowed.split(", "))):
            raise InvalidInput(f"{option}: {role} has {extra[0]} on {table} as a member of another role or from PUBLIC")


def _tables(connection: Connection, role: str) -> list[tuple[str, bool, bool, list[str]]]:
    rows = connection.execute(text(_TABLES), {"role": role, "sealed": _SEALED})
    return [(name, is_owned, is_sealed, list(privileges)) for name, is_owned, is_sealed, privileges in rows]


def _list_sealed_tables(connection: Connection) -> list[str]:
    """Return the tables of sealed rows. Foreign partitions are read and dropped through their parent."""
    query = text(
        "SELECT relname FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND relname ~ :sealed"
    )
    return [str(name) for name in connection.execute(query, {"sealed": _SEALED}).scalars()]


def _quote(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote_identifier(name)
