"""Rename tables and columns to standard terms. The data is unchanged.

The tables are renamed in place. SQLite has no statement that renames a constraint, so there the primary keys keep their old names in the table
definition; nothing refers to them.
"""

from collections.abc import Iterable

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = {"edition": "catalog_version", "stops": "opt_outs", "scheme": "kdf_params"}
COLUMNS = {
    "catalog_version": {"name": "version"},
    "opt_outs": {"target": "pseudonym"},
    "kdf_params": {"vouch": "check_value"},
    "data_sets": {"tallies": "cohort_counts", "ranges": "shard_count", "beside": "base_id"},
    "outbox": {"sealed": "ciphertext"},
    "sessions": {"sealed": "ciphertext"},
    "verifications": {"target": "ciphertext", "code": "code_mac", "sends_left": "resends_left"},
}
"""By the new names of the tables."""
WATCHED_BEFORE = ("data_sets", "incidents", "notices", "scheme")
WATCHED_AFTER = ("data_sets", "incidents", "notices", "kdf_params")


def upgrade() -> None:
    drop_triggers("renew_edition", WATCHED_BEFORE)
    op.drop_index("ix_stops_until", "stops")
    for old, new in TABLES.items():
        rename_table(old, new)
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    op.create_index("ix_opt_outs_until", "opt_outs", ["until"])
    create_triggers("renew_catalog_version", WATCHED_AFTER, "catalog_version", "version")


def downgrade() -> None:
    drop_triggers("renew_catalog_version", WATCHED_AFTER)
    op.drop_index("ix_opt_outs_until", "opt_outs")
    for table, columns in COLUMNS.items():
        for old, new in columns.items():
            op.execute(f"ALTER TABLE {table} RENAME COLUMN {new} TO {old}")
    for old, new in TABLES.items():
        rename_table(new, old)
    op.create_index("ix_stops_until", "stops", ["until"])
    create_triggers("renew_edition", WATCHED_BEFORE, "edition", "name")


def rename_table(old: str, new: str) -> None:
    op.rename_table(old, new)
    if not is_sqlite():
        op.execute(f"ALTER TABLE {new} RENAME CONSTRAINT pk_{old} TO pk_{new}")


def create_triggers(function: str, watched: Iterable[str], table: str, column: str) -> None:
    """Renew the version at every change of a watched table. On PostgreSQL at the commit, so that no transaction locks the row for long.

    A later migration that rebuilds a watched table on SQLite (Alembic's batch mode) loses its triggers and has to create them again;
    tests/db/test_catalog_version.py fails otherwise.
    """
    if is_sqlite():
        for name in watched:
            for change in ("INSERT", "UPDATE", "DELETE"):
                renew = f"BEGIN UPDATE {table} SET {column} = randomblob(16) WHERE id = 1; END"  # noqa: S608
                op.execute(f"CREATE TRIGGER {name}_{change.lower()} AFTER {change} ON {name} {renew}")
        return
    op.execute(
        f"CREATE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "  # noqa: S608
        f"UPDATE {table} SET {column} = uuid_send(gen_random_uuid()) WHERE id = 1; RETURN NULL; END $$"
    )
    for name in watched:
        op.execute(
            f"CREATE CONSTRAINT TRIGGER {name}_changed AFTER INSERT OR UPDATE OR DELETE ON {name} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {function}()"
        )


def drop_triggers(function: str, watched: Iterable[str]) -> None:
    if is_sqlite():
        for name in watched:
            for change in ("insert", "update", "delete"):
                op.execute(f"DROP TRIGGER {name}_{change}")
    else:
        op.execute(f"DROP FUNCTION {function}() CASCADE")


def is_sqlite() -> bool:
    return op.get_context().dialect.name == "sqlite"
